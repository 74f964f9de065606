package web

// complaints are what package models and the checks of forms say of a field, with
// # for a number, and how a page says it.
var complaints = map[string]words{
	"is required":                           {"This is needed.", "此项必填。"},
	"is taken":                              {"Somebody else has this already.", "已被他人使用。"},
	"is not allowed":                        {"This is not allowed here.", "此内容不被允许。"},
	"must be valid UTF-#":                   {"This holds bytes that are no text in UTF-%s.", "包含 UTF-%s 无法识别的字符。"},
	"must not hold control characters":      {"This holds characters that nobody can see.", "包含不可见的控制字符。"},
	"must have at most # characters":        {"At most %s characters.", "最多 %s 个字符。"},
	"must have # to # characters":           {"Use %s to %s characters.", "请使用 %s 到 %s 个字符。"},
	"must have at most # bytes":             {"This address is too long: at most %s bytes.", "地址过长：最多 %s 字节。"},
	"must have at most # entries":           {"At most %s entries.", "最多 %s 项。"},
	"must be at most #":                     {"At most %s.", "不得大于 %s。"},
	"must be at least #":                    {"At least %s.", "不得小于 %s。"},
	"must stand once":                       {"This stands there twice.", "此项重复。"},
	"must not hold an @":                    {"A username has no @ in it.", "用户名不能含有 @。"},
	"must not look like a phone number":     {"A username must not look like a phone number.", "用户名不能像电话号码。"},
	"must be an http or https address":      {"Give an address that begins with https://.", "请填写以 https:// 开头的地址。"},
	"must differ from the user's own names": {"Choose a password that is not like your own name.", "密码不能与自己的名字相似。"},
	"must be letters, digits and marks like . _ - without spaces": {"Letters, digits and marks like . _ - only, no spaces.", "只能使用字母、数字和 . _ - 等符号，不能有空格。"},
	"must be an address like ann@example.com":                     {"Give an address like ann@example.com.", "请填写类似 ann@example.com 的地址。"},
	"must be international, like +#":                              {"Give the number with its country, like +%s.", "请填写带国家代码的号码，例如 +%s。"},
	"is among the most used passwords; choose another":            {"Too many people use this password. Choose another.", "使用此密码的人太多，请换一个。"},
	"is nobody's name":                                            {"Nobody has this username.", "没有这样的用户名。"},
	"must be the id of a person":                                  {"This is not the id of a person.", "这不是用户的 ID。"},
	"must be at most # visible ASCII characters":                  {"At most %s characters, without spaces.", "最多 %s 个字符，不含空格。"},
	"is another password":                                         {"This is not your password.", "密码不正确。"},
	"must be the username":                                        {"This is not your username.", "与您的用户名不符。"},
}
