package web

// peopleTexts are what the pages to register, to log in and of one's account say.
var peopleTexts = map[string]words{
	"field.login":            {"Username, e-mail or phone", "用户名、邮箱或电话"},
	"field.password":         {"Password", "密码"},
	"field.username":         {"Username", "用户名"},
	"field.nickname":         {"Shown name", "显示名称"},
	"field.email":            {"E-mail", "邮箱"},
	"field.phone":            {"Phone", "电话"},
	"field.avatar_url":       {"Address of your picture", "头像地址"},
	"field.current_password": {"Password now", "当前密码"},
	"field.new_password":     {"New password", "新密码"},
	"field.confirm":          {"Your username, once more", "再次输入用户名"},

	"login.title":    {"Log in", "登录"},
	"login.submit":   {"Log in", "登录"},
	"login.new":      {"New here?", "还没有账号?"},
	"login.register": {"Register", "立即注册"},
	"login.ended":    {"Your session has ended. Please log in again.", "会话已结束,请重新登录。"},
	"login.banned":   {"This account has been banned. The operator of this service can tell you why.", "此账号已被封禁。原因请咨询服务运营方。"},
	"login.out":      {"You are logged out.", "您已退出登录。"},
	"login.deleted":  {"Your account has been deleted.", "您的账号已删除。"},
	"login.insecure": {"This address is not encrypted, so your browser will not keep you logged in. Open the page with https://, or on the machine itself.", "此地址未加密,浏览器无法保持登录状态。请使用 https:// 打开,或在服务器本机访问。"},

	"register.title":         {"Register", "注册"},
	"register.intro":         {"One account, and you can write to everybody here.", "注册一个账号,即可与这里的所有人聊天。"},
	"register.submit":        {"Register", "注册"},
	"register.old":           {"Already registered?", "已有账号?"},
	"register.login":         {"Log in", "去登录"},
	"register.more":          {"E-mail and phone", "邮箱与电话"},
	"register.username.hint": {"3 to 32 letters, digits or . _ - Others find you by it.", "3 到 32 个字母、数字或 . _ - ,他人可据此找到您。"},
	"register.password.hint": {"At least 8 characters. A few words in a row are easy to keep in mind.", "至少 8 个字符。用几个词组成更容易记住。"},
	"register.nickname.hint": {"What others see. Without one they see your username.", "他人看到的名称,不填则显示用户名。"},
	"register.email.hint":    {"You can log in with it too.", "也可用于登录。"},
	"register.phone.hint":    {"With the country in front, like +8613800138000.", "请带国家代码,例如 +8613800138000。"},
}
