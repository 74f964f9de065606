package web

// commonTexts are what stands around every page.
var commonTexts = map[string]words{
	"skip":               {"Skip to the content", "跳到正文"},
	"nav.chat":           {"Chat", "聊天"},
	"nav.account":        {"Account", "账号"},
	"nav.login":          {"Log in", "登录"},
	"nav.register":       {"Register", "注册"},
	"nav.logout":         {"Log out", "退出登录"},
	"nav.label":          {"Main", "主导航"},
	"prefs.label":        {"Language and colours", "语言与配色"},
	"prefs.theme.auto":   {"Colours as on this device", "配色跟随设备"},
	"prefs.theme.light":  {"Light colours", "浅色"},
	"prefs.theme.dark":   {"Dark colours", "深色"},
	"prefs.lang":         {"Language", "语言"},
	"foot.docs":          {"API", "接口文档"},
	"foot.admin":         {"Administration", "管理"},
	"form.mend":          {"Please look at the marked fields.", "请检查标出的内容。"},
	"form.optional":      {"optional", "可选"},
	"problem.title":      {"This did not work", "操作未成功"},
	"problem.back":       {"Back to the start", "返回首页"},
	"problem.request_id": {"Should you ask for help, name this number: %s", "如需帮助，请提供此编号：%s"},
	"problem.retry":      {"Try again in %s seconds.", "请在 %s 秒后重试。"},
	"problem.again":      {"Try again", "重试"},
	"problem.missing":    {"Nothing here", "页面不存在"},
	"problem.refused":    {"Not allowed", "无法执行"},
	"problem.later":      {"Not available right now", "暂时不可用"},
}
