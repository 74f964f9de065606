package web

// sayings are the sentences that the program stores for admins: what notices say
// and advise, and why a row of the queue did not arrive. They are stored in
// English, for logs, mails and the API; pages tell them in the reader's language.
var sayings = compiled([]saying{
	// Why a row did not arrive: package outbox rules it.
	{pattern: "the cloud refuses our app key or secret ({call}): correct the settings; it is tried each minute", words: words{
		"The cloud refuses our app key or secret. Correct the settings; it is tried each minute.",
		"云端拒绝了 App Key 或 App Secret。请更正设置；系统每分钟会重试一次。"}},
	{pattern: "a limit of the cloud's plan is reached ({call}): raise it there, then retry", words: words{
		"A limit of the cloud's plan is reached. Raise it there, then try again.",
		"已达到云端套餐上限。请在云端提高上限后重试。"}},
	{pattern: "the cloud refuses this as it is ({call}): {cloud}; mend what it names, then retry", words: words{
		"The cloud refuses this as it is. Mend what it names, then try again.",
		"云端拒绝了此内容。请按其说明修正后重试。"}},
	{pattern: "the cloud's state is in the way ({call}): {cloud}; reconcile, then retry", words: words{
		"What the cloud has is in the way. Run imbridge reconcile, then try again.",
		"云端现有状态有冲突。请运行 imbridge reconcile 后重试。"}},
	{pattern: "the cloud's state is in the way ({call}): {cloud}; it is tried again", words: words{
		"What the cloud has is in the way. It is tried again.",
		"云端现有状态有冲突。系统会自动重试。"}},
	{pattern: "the cloud did not take it ({call}, {failure}); it is tried again", words: words{
		"The cloud did not take it: {failure}. It is tried again.",
		"云端未接受：{failure}。系统会自动重试。"}},
	{pattern: "not delivered: {detail}", words: words{
		"It did not get as far as the cloud, through a fault on our side. It is tried again.",
		"因本地故障未能送达云端。系统会自动重试。"}},

	// The queue.
	{pattern: "{rows} buried: imbridge has stopped trying to tell the IM cloud of them, and the cloud still has it otherwise.", words: words{
		"imbridge has stopped trying to tell the IM cloud of {rows}; the cloud still has it as it was.",
		"系统已停止向 IM 云同步 {rows}，云端仍为旧数据。"}},
	{pattern: "Read the reasons: imbridge admin queue list --state buried. Mend what they name, then retry the rows; drop those that no longer matter.", words: words{
		"Read the reasons in the queue. Mend what they name, then try the rows again; drop those that no longer matter.",
		"请在队列中查看原因，修正后重试；不再需要的可以丢弃。"}},
	{pattern: "The oldest of {rows} waiting for the IM cloud has been due for {span}; more than {span} is too long.", words: words{
		"Of {rows}, the oldest has waited for {span}. More than {span} is too long.",
		"共 {rows}等待同步，最早的已等待 {span}，超过 {span} 即为过长。"}},
	{pattern: "Look at imbridge_cloud_calls_total by outcome. Unavailable: wait for the cloud. Throttled: more is changed than its limits let through. " +
		"Unauthorized: run imbridge doctor. All well there: see whether any imbridge process still runs.", words: words{"",
		"请按 outcome 查看指标 imbridge_cloud_calls_total。unavailable：等待云端恢复；throttled：变更量超过云端限制；unauthorized：运行 imbridge doctor；若均正常，请确认 imbridge 进程仍在运行。"}},

	// The cloud.
	{pattern: "Half of the calls to the IM cloud failed within seconds, so that imbridge holds them back and tries a few now and then. Stored tokens are still handed out.", words: words{"",
		"数秒内半数云端调用失败，系统已暂停调用，仅偶尔试探。已存储的令牌仍可正常下发。"}},
	{pattern: "See the cloud's status page and the network between it and this machine (imbridge doctor). Calls go through again by themselves when the cloud answers.", words: words{"",
		"请查看云服务状态页，并检查本机与云端之间的网络（imbridge doctor）。云端恢复响应后，调用会自动恢复。"}},
	{pattern: "{n} new tokens were minted in the last {span} in one process because clients report that the IM cloud refuses the ones they have; up to {n} is usual.", words: words{
		"{n} new tokens were minted within {span} in one process, because apps report that the IM cloud refuses theirs. Up to {n} is usual.",
		"因客户端上报令牌被云端拒绝，单个进程重新签发了 {n} 个令牌（{span} 内）；通常不超过 {n} 个。"}},
	{pattern: "Most often the token lifetime in the cloud's console is shorter than the one set here: compare it with im.rongcloud.console_lifetime and with the lifetimes that admins set (imbridge doctor does). " +
		"Otherwise the clients connect with another app key than imbridge's, or the app secret was changed at the cloud.", words: words{"",
		"多数情况下，云控制台中的令牌有效期短于此处的设置：请与 im.rongcloud.console_lifetime 及管理员设置的有效期核对（可运行 imbridge doctor）。否则，可能是客户端使用了其他 App Key，或云端的 App Secret 已更换。"}},
	{pattern: "The IM cloud refuses imbridge's own calls: nobody gets a new token, and no change arrives there. Stored tokens are still handed out.", words: words{"",
		"IM 云拒绝了系统的调用：无法签发新令牌，变更也无法送达。已存储的令牌仍可正常下发。"}},
	{pattern: "Compare app key and app secret with the cloud's console (they are two), the data centre, and the list of allowed addresses there; see whether the app is suspended. imbridge doctor tries them.", words: words{"",
		"请与云控制台核对 App Key 与 App Secret（两者不同）、数据中心以及 IP 白名单，并确认应用未被停用。可运行 imbridge doctor 检查。"}},

	// Registrations.
	{pattern: "Registrations are taken back, because the IM cloud gave no token ({call}). Those people were asked to try again.", words: words{
		"Registrations are taken back, because the IM cloud gave no token. Those people were asked to try again.",
		"IM 云未能签发令牌，注册已撤回。系统已提示用户稍后重试。"}},
	{pattern: "Run imbridge doctor. im.registration: pending registers people while the cloud is away.", words: words{"",
		"请运行 imbridge doctor。将 im.registration 设为 pending，可在云端不可用时照常注册。"}},

	// Comparing with the cloud, and the audit.
	{pattern: "Our people and the IM cloud's differ: {classes}.", words: words{"", "本地用户与 IM 云不一致：{classes}。"}},
	{pattern: "See imbridge reconcile for their ids, and repair what can be: imbridge reconcile --repair.", words: words{"",
		"请运行 imbridge reconcile 查看用户 ID，并用 imbridge reconcile --repair 修复。"}},
	{pattern: "See imbridge reconcile for their ids. What is left after a repair needs a look: people whom the cloud has and we never had are not touched.", words: words{"",
		"请运行 imbridge reconcile 查看用户 ID。修复后剩余的需人工检查：仅存在于云端的用户不会被改动。"}},
	{pattern: "The head of the audit chain is missing or was changed in the database. No audit row is sealed since.", words: words{"",
		"审计链的链头在数据库中丢失或被更改，此后的审计记录未被封存。"}},
	{pattern: `Run "imbridge admin audit verify" and find out who edits the database; put the row audit_head of bridge_state back from a backup.`, words: words{"",
		"请运行 imbridge admin audit verify，查明是谁改动了数据库，并从备份恢复 bridge_state 表中的 audit_head 行。"}},
	{pattern: "Somebody tries whether notices arrive here.", words: words{"", "有人在测试通知能否送达。"}},
	{pattern: "Nothing: this one did.", words: words{"", "无需处理：通知已送达。"}},
})

// unsentSayings are why a notice could not be sent: package notice finds out.
var unsentSayings = compiled([]saying{
	{pattern: "no answer within {span}", words: words{"there was no answer within {span}.", "{span} 内没有响应。"}},
	{pattern: "answered http {n}", words: words{"the answer was HTTP {n}.", "对方返回 HTTP {n}。"}},
	{pattern: "the mail server answered {n}", words: words{"the mail server answered {n}.", "邮件服务器返回 {n}。"}},
	{pattern: "{detail}, the mail server answered {n}", words: words{"the mail server answered {n}.", "邮件服务器返回 {n}。"}},
	{pattern: "{detail}, the connection broke", words: words{"the connection broke.", "连接中断。"}},
	{pattern: "the address leads into this machine, a private network or a cloud's metadata service", words: words{
		"its address leads into this machine, a private network or a cloud's metadata service, which the settings forbid.",
		"地址指向本机、内网或云元数据服务，设置不允许访问。"}},
	{pattern: "the name has no address", words: words{"its name has no address.", "域名没有对应的地址。"}},
	{pattern: "the name cannot be resolved", words: words{"its name cannot be resolved.", "域名无法解析。"}},
	{pattern: "the address has no host and port", words: words{"its address has no host and port.", "地址缺少主机或端口。"}},
	{pattern: "the address cannot be used", words: words{"its address cannot be used.", "地址无法使用。"}},
	{pattern: "cannot sign", words: words{"it could not be signed.", "无法签名。"}},
	{pattern: "{detail}", words: words{"it could not be sent.", "发送失败。"}},
})
