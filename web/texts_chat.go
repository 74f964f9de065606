package web

// chatTexts are what the chat says; most of it is said by its script.
var chatTexts = map[string]words{
	"chat.title": {"Chat", "聊天"},
}
