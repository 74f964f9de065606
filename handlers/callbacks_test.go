package handlers_test

import (
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"imbridge/handlers"
	"imbridge/models"
	"imbridge/tokens/im/sandbox"
)

const (
	ruleSecret = planted + "RuleSecret"
	easeAppKey = "org#app"
)

// callbackRig has callbacks of both clouds, and no others' clocks than its own.
type callbackRig struct {
	*rig
	nonce int
}

func newCallbackRig(t *testing.T, opts ...rigOption) *callbackRig {
	r := newRig(t, append([]rigOption{withDeps(func(d *handlers.Deps) {
		d.Callbacks = handlers.Callbacks{AppKey: sandbox.DefaultAppKey, RongCloud: handlers.RongCloudProof(" " + appSecret + "\n"), RequireFriendship: true}
	})}, opts...)...)
	return &callbackRig{rig: r}
}

// A question is a message as RongCloud asks about it; zero fields are what they
// would be.
type question struct {
	from, to, channel  string
	nonce, at, secret  string
	signature, appKey  string
	content, appKeyURL string
	contentType        string
}

func (r *callbackRig) request(q question) request {
	set := func(s *string, otherwise string) {
		if *s == "" {
			*s = otherwise
		}
	}
	r.nonce++
	set(&q.channel, "PERSON")
	set(&q.nonce, strconv.Itoa(r.nonce))
	set(&q.at, strconv.FormatInt(r.deps.Now().UnixMilli(), 10))
	set(&q.secret, appSecret)
	set(&q.appKey, sandbox.DefaultAppKey)
	set(&q.content, `{"content":"hello"}`)
	set(&q.contentType, "application/x-www-form-urlencoded")
	sum := sha1.Sum([]byte(q.secret + q.nonce + q.at))
	set(&q.signature, hex.EncodeToString(sum[:]))
	r.plant(q.signature)
	query := url.Values{"nonce": {q.nonce}, "signTimestamp": {q.at}, "signature": {q.signature}}
	if q.appKeyURL != "" {
		query.Set("appKey", q.appKeyURL)
	}
	form := url.Values{"appKey": {q.appKey}, "fromUserId": {q.from}, "targetId": {q.to}, "channelType": {q.channel}, "msgType": {"RC:TxtMsg"},
		"content": {q.content}, "msgTimeStamp": {q.at}, "messageId": {"5H6N-OTRG-0000-0000"}, "os": {"Websocket"}}
	return request{method: "POST", path: "/v1/callbacks/rongcloud/message?" + query.Encode(), body: form.Encode(), header: map[string]string{"Content-Type": q.contentType}}
}

// plant has a signature looked for where none may be.
func (r *callbackRig) plant(signature string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(signature) > 8 {
		r.secrets = append(r.secrets, signature)
	}
}

func (r *callbackRig) ask(q question) answer {
	r.t.Helper()
	return r.do(r.request(q))
}

// wantPass asks and expects 1 or 0.
func (r *callbackRig) wantPass(what string, q question, want float64) {
	r.t.Helper()
	if a := r.ask(q); a.status != http.StatusOK || a.get("pass") != want {
		r.t.Errorf("%s = %d %s, want 200 and pass %v", what, a.status, a.raw, want)
	}
}

// counted reads imbridge_callbacks_total.
func (r *callbackRig) counted(cloud, outcome string) string {
	w := httptest.NewRecorder()
	r.ops.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	name := fmt.Sprintf("imbridge_callbacks_total{cloud=%q,outcome=%q} ", cloud, outcome)
	_, after, found := strings.Cut(w.Body.String(), name)
	if !found {
		return "0"
	}
	n, _, _ := strings.Cut(after, "\n")
	return n
}

func (r *callbackRig) befriend(a, b models.User) {
	r.t.Helper()
	now := r.store.Clock.Now().UnixMicro()
	r.store.Exec(r.t, "INSERT INTO friends (owner_id, friend_id, created_at) VALUES (?, ?, ?), (?, ?, ?)", a.ID, b.ID, now, b.ID, a.ID, now)
}

func (r *callbackRig) block(owner, other models.User) {
	r.t.Helper()
	r.store.Exec(r.t, "INSERT INTO blocks (owner_id, blocked_id, created_at) VALUES (?, ?, ?)", owner.ID, other.ID, r.store.Clock.Now().UnixMicro())
}

func TestOnlyFriendsMayWrite(t *testing.T) {
	r := newCallbackRig(t)
	ann, bob, eve, dan := r.store.AddUser(t), r.store.AddUser(t), r.store.AddUser(t), r.store.AddUser(t)
	r.befriend(ann, bob)
	r.befriend(ann, dan)
	r.block(ann, dan)
	pair := func(from, to models.User) question { return question{from: from.IMID, to: to.IMID} }
	r.wantPass("a friend", pair(bob, ann), 1)
	r.wantPass("a stranger", pair(eve, ann), 0)
	r.wantPass("a friend who is blocked", pair(dan, ann), 0)
	r.wantPass("to a friend whom one blocks", pair(ann, dan), 1)
	r.wantPass("the system", question{from: "system", to: ann.IMID}, 1)
	r.wantPass("to the system", question{from: eve.IMID, to: "support"}, 1)
	for _, channel := range []string{"GROUP", "PERSONS", "TEMPGROUP", "ULTRAGROUP"} {
		r.wantPass("a stranger to a "+channel, question{from: eve.IMID, to: "g1", channel: channel}, 1)
	}
	r.store.Exec(t, "DELETE FROM friends WHERE owner_id IN (?, ?)", ann.ID, bob.ID)
	r.wantPass("a friend of yesterday", pair(bob, ann), 0)
	r.befriend(ann, bob)
	r.store.Exec(t, "UPDATE users SET status = 'banned' WHERE id = ?", bob.ID)
	r.wantPass("a friend who is banned", pair(bob, ann), 0)
	r.wantPass("to a friend who is banned", pair(ann, bob), 1)
	r.wantPass("a long message of a stranger", question{from: eve.IMID, to: ann.IMID, content: strings.Repeat("字", 128<<10/3)}, 0)
	if got := r.counted("rongcloud", "refused"); got != "5" {
		t.Errorf("refused callbacks counted = %s, want 5", got)
	}
}

func TestWithoutTheRuleStrangersMayWriteAndTheBlockedMayNot(t *testing.T) {
	r := newCallbackRig(t, withDeps(func(d *handlers.Deps) {
		d.Callbacks = handlers.Callbacks{AppKey: sandbox.DefaultAppKey, RongCloud: handlers.RongCloudProof(appSecret)}
	}))
	ann, bob, eve := r.store.AddUser(t), r.store.AddUser(t), r.store.AddUser(t)
	r.block(ann, bob)
	r.wantPass("a stranger", question{from: eve.IMID, to: ann.IMID}, 1)
	r.wantPass("who is blocked", question{from: bob.IMID, to: ann.IMID}, 0)
}

func TestForeignCallbacksAreRefusedAndCounted(t *testing.T) {
	r := newCallbackRig(t)
	ann := r.store.AddUser(t)
	at := func(d time.Duration) string { return strconv.FormatInt(r.deps.Now().Add(d).UnixMilli(), 10) }
	good := question{from: "system", to: ann.IMID}
	with := func(change func(*question)) question { q := good; change(&q); return q }
	for _, c := range []struct {
		what   string
		q      question
		status int
		code   string
	}{
		{"another secret", with(func(q *question) { q.secret = "other" }), 403, "callback_forged"},
		{"no signature", with(func(q *question) { q.signature = "-" }), 403, "callback_forged"},
		{"half a signature", with(func(q *question) { q.signature = "00" }), 403, "callback_forged"},
		{"a signature of nothing", with(func(q *question) { q.signature = hex.EncodeToString(make([]byte, 20)) }), 403, "callback_forged"},
		{"six minutes old", with(func(q *question) { q.at = at(-6 * time.Minute) }), 403, "callback_late"},
		{"six minutes ahead", with(func(q *question) { q.at = at(6 * time.Minute) }), 403, "callback_late"},
		{"no time", with(func(q *question) { q.at = "now" }), 403, "callback_late"},
		{"a time below all", with(func(q *question) { q.at = "-9223372036854775808" }), 403, "callback_late"},
		{"a time beyond all", with(func(q *question) { q.at = "9223372036854775807" }), 403, "callback_late"},
		{"another app", with(func(q *question) { q.appKey = "other" }), 403, "callback_foreign"},
		{"another app in the address", with(func(q *question) { q.appKeyURL = "other" }), 403, "callback_foreign"},
		{"nobody", question{to: ann.IMID}, 400, "callback_malformed"},
		{"to nobody", question{from: ann.IMID}, 400, "callback_malformed"},
		{"too long", with(func(q *question) { q.content = strings.Repeat("x", 513<<10) }), 413, "body_too_large"},
	} {
		r.ask(c.q).want(t, c.what, c.status, c.code)
	}
	for outcome, want := range map[string]string{"forged": "4", "late": "5", "foreign": "2", "malformed": "2", "passed": "0", "refused": "0"} {
		if got := r.counted("rongcloud", outcome); got != want {
			t.Errorf("callbacks counted as %s = %s, want %s", outcome, got, want)
		}
	}
	// All that differs from a good one was what the case says.
	r.wantPass("a good one", good, 1)
	r.wantPass("four minutes old", with(func(q *question) { q.at = at(-4 * time.Minute) }), 1)
	r.wantPass("four minutes ahead", with(func(q *question) { q.at = at(4 * time.Minute) }), 1)
	r.wantPass("in seconds", with(func(q *question) { q.at = strconv.FormatInt(r.deps.Now().Unix(), 10) }), 1)
	r.wantPass("our app in the address", with(func(q *question) { q.appKeyURL = sandbox.DefaultAppKey }), 1)
	if a := r.do(request{method: "POST", path: "/v1/callbacks/easemob/message", body: map[string]any{}}); a.status != http.StatusNotFound {
		t.Errorf("the other cloud's callback = %d %s, want 404", a.status, a.raw)
	}
	if a := r.do(request{method: "POST", path: "/v1/callbacks/rongcloud/message"}); a.text("code") != "callback_forged" {
		t.Errorf("a callback of nothing = %d %s, want callback_forged", a.status, a.raw)
	}
}

func TestAReplayedCallbackIsRefusedByEveryProcess(t *testing.T) {
	r := newCallbackRig(t)
	other := r.deps
	other.Store = r.store.Again(t).Store
	second := &rig{t: t, store: r.store, deps: other, log: r.log, api: handlers.New(other)}
	ann := r.store.AddUser(t)
	q := r.request(question{from: "system", to: ann.IMID})
	if a := r.do(q); a.get("pass") != 1.0 {
		t.Fatalf("the first = %d %s, want pass 1", a.status, a.raw)
	}
	r.do(q).want(t, "the same again", http.StatusForbidden, "callback_replayed")
	second.do(q).want(t, "the same at another process", http.StatusForbidden, "callback_replayed")
	changed := q
	changed.body = strings.Replace(q.body.(string), "system", "eve", 1)
	second.do(changed).want(t, "the same signature around another body", http.StatusForbidden, "callback_replayed")
	address, _ := url.Parse(q.path)
	v := address.Query()
	v.Set("signature", strings.ToUpper(v.Get("signature")))
	changed = q
	changed.path = address.Path + "?" + v.Encode()
	second.do(changed).want(t, "the same signature in capitals", http.StatusForbidden, "callback_replayed")
	// The border between nonce and timestamp is not signed.
	v = address.Query()
	stamp := v.Get("signTimestamp")
	v.Set("nonce", v.Get("nonce")+stamp[:3])
	v.Set("signTimestamp", stamp[3:])
	changed.path = address.Path + "?" + v.Encode()
	if a := second.do(changed); a.status != http.StatusForbidden {
		t.Errorf("the same signature with the border moved = %d %s, want 403", a.status, a.raw)
	}
	// It is remembered for as long as it is fresh for the process whose clock is behind.
	r.store.Clock.Advance(5*time.Minute + 30*time.Second)
	if err := r.store.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	slow := other
	slow.Now = func() time.Time { return r.store.Clock.Now().Add(-45 * time.Second) }
	behind := &rig{t: t, store: r.store, deps: slow, log: r.log, api: handlers.New(slow)}
	behind.do(q).want(t, "the same at a process whose clock is behind", http.StatusForbidden, "callback_replayed")
	if got := r.counted("rongcloud", "replayed"); got != "5" {
		t.Errorf("callbacks counted as replayed = %s, want 5", got)
	}
}

// easeQuestion is Easemob's form of a question, signed.
func (r *callbackRig) easeQuestion(change func(m map[string]any)) request {
	r.nonce++
	m := map[string]any{"callId": easeAppKey + "_" + strconv.Itoa(r.nonce), "timestamp": r.deps.Now().UnixMilli(), "chat_type": "chat",
		"group_id": "", "msg_id": "1", "payload": map[string]any{"type": "txt", "msg": "hello"}, "secret": ruleSecret}
	change(m)
	sum := md5.Sum([]byte(fmt.Sprint(m["callId"], m["secret"], m["timestamp"])))
	if m["security"] == nil {
		m["security"] = hex.EncodeToString(sum[:])
	}
	delete(m, "secret")
	r.plant(m["security"].(string))
	return request{method: "POST", path: "/v1/callbacks/easemob/message", body: m}
}

func newEaseRig(t *testing.T) *callbackRig {
	return newCallbackRig(t, withDeps(func(d *handlers.Deps) {
		d.Callbacks = handlers.Callbacks{AppKey: easeAppKey, Easemob: handlers.EasemobProof("another rule's", ruleSecret), RequireFriendship: true}
	}))
}

func TestEasemobsCallbackIsAnswered(t *testing.T) {
	r := newEaseRig(t)
	ann, bob, eve, dan := r.store.AddUser(t), r.store.AddUser(t), r.store.AddUser(t), r.store.AddUser(t)
	r.befriend(ann, bob)
	r.block(ann, dan)
	r.store.Exec(t, "UPDATE users SET status = 'banned' WHERE id = ?", eve.ID)
	zoe := r.store.AddUser(t)
	for _, c := range []struct {
		what, from, to string
		change         func(m map[string]any)
		valid          bool
		code           string
	}{
		{what: "a friend", from: bob.IMID, to: ann.IMID, valid: true},
		{what: "a friend, in the long form", from: easeAppKey + "_" + bob.IMID + "@easemob.com", to: ann.IMID, valid: true},
		{what: "a stranger", from: zoe.IMID, to: ann.IMID, code: "not_accepted"},
		{what: "a stranger, in the long form", from: easeAppKey + "_" + zoe.IMID + "@easemob.com", to: ann.IMID, code: "not_accepted"},
		{what: "who is blocked", from: dan.IMID, to: ann.IMID, code: "not_accepted"},
		{what: "who is banned", from: eve.IMID, to: ann.IMID, code: "not_allowed"},
		{what: "the system", from: "admin", to: ann.IMID, valid: true},
		{what: "a group", from: zoe.IMID, to: "123", valid: true, change: func(m map[string]any) { m["chat_type"] = "groupchat" }},
		{what: "a time as text", from: bob.IMID, to: ann.IMID, valid: true, change: func(m map[string]any) { m["timestamp"] = fmt.Sprint(m["timestamp"]) }},
		{what: "another rule", from: bob.IMID, to: ann.IMID, valid: true, change: func(m map[string]any) { m["secret"] = "another rule's" }},
	} {
		a := r.do(r.easeQuestion(func(m map[string]any) {
			m["from"], m["to"] = c.from, c.to
			if c.change != nil {
				c.change(m)
			}
		}))
		if a.status != http.StatusOK || a.get("valid") != c.valid || a.text("code") != c.code {
			t.Errorf("%s = %d %s, want valid %v and code %q", c.what, a.status, a.raw, c.valid, c.code)
		}
	}
}

func TestForeignEasemobCallbacksAreRefused(t *testing.T) {
	r := newEaseRig(t)
	ann := r.store.AddUser(t)
	for _, c := range []struct {
		what   string
		change func(m map[string]any)
		status int
		code   string
	}{
		{"another secret", func(m map[string]any) { m["secret"] = "other" }, 403, "callback_forged"},
		{"no signature", func(m map[string]any) { m["security"] = "" }, 403, "callback_forged"},
		{"no call id", func(m map[string]any) { m["callId"] = "" }, 403, "callback_forged"},
		{"six minutes old", func(m map[string]any) { m["timestamp"] = r.deps.Now().Add(-6 * time.Minute).UnixMilli() }, 403, "callback_late"},
		{"six minutes ahead", func(m map[string]any) { m["timestamp"] = r.deps.Now().Add(6 * time.Minute).UnixMilli() }, 403, "callback_late"},
		{"no time", func(m map[string]any) { m["timestamp"] = "now" }, 403, "callback_late"},
		{"a time below all", func(m map[string]any) { m["timestamp"] = "-9223372036854775808" }, 403, "callback_late"},
		{"a time beyond all", func(m map[string]any) { m["timestamp"] = "9223372036854775807" }, 403, "callback_late"},
		{"another app", func(m map[string]any) { m["callId"] = "org#app2_1" }, 403, "callback_foreign"},
		{"another app, whose name begins as ours", func(m map[string]any) { m["callId"] = easeAppKey + "2_1" }, 403, "callback_foreign"},
		{"no app", func(m map[string]any) { m["callId"] = "1" }, 403, "callback_foreign"},
		{"nobody", func(m map[string]any) { m["from"] = "" }, 400, "callback_malformed"},
		{"a number for a name", func(m map[string]any) { m["from"] = 7 }, 400, "callback_malformed"},
		{"too long", func(m map[string]any) { m["payload"] = strings.Repeat("x", 513<<10) }, 413, "body_too_large"},
	} {
		r.do(r.easeQuestion(func(m map[string]any) { m["from"], m["to"] = "system", ann.IMID; c.change(m) })).want(t, c.what, c.status, c.code)
	}
	q := r.easeQuestion(func(m map[string]any) { m["from"], m["to"] = "system", ann.IMID })
	r.do(q).want(t, "a good one", http.StatusOK, "")
	r.do(q).want(t, "the same again", http.StatusForbidden, "callback_replayed")
	for what, at := range map[string]time.Duration{"four minutes old": -4 * time.Minute, "four minutes ahead": 4 * time.Minute} {
		r.do(r.easeQuestion(func(m map[string]any) {
			m["from"], m["to"], m["timestamp"] = "system", ann.IMID, r.deps.Now().Add(at).UnixMilli()
		})).want(t, what, http.StatusOK, "")
	}
	for outcome, want := range map[string]string{"forged": "3", "late": "5", "foreign": "3", "malformed": "2", "replayed": "1", "passed": "3", "refused": "0", "unsure": "0"} {
		if got := r.counted("easemob", outcome); got != want {
			t.Errorf("callbacks counted as %s = %s, want %s", outcome, got, want)
		}
	}
}

// TestAReplayedEasemobCallbackIsRefusedByEveryProcess: the signature covers the id
// of the call and its time, and nothing of the message.
func TestAReplayedEasemobCallbackIsRefusedByEveryProcess(t *testing.T) {
	r := newEaseRig(t)
	other := r.deps
	other.Store = r.store.Again(t).Store
	second := &rig{t: t, store: r.store, deps: other, log: r.log, api: handlers.New(other)}
	ann := r.store.AddUser(t)
	q := r.easeQuestion(func(m map[string]any) { m["from"], m["to"] = "system", ann.IMID })
	r.do(q).want(t, "the first", http.StatusOK, "")
	with := func(key string, value any) request {
		changed, body := q, maps.Clone(q.body.(map[string]any))
		body[key] = value
		changed.body = body
		return changed
	}
	in := q.body.(map[string]any)
	second.do(q).want(t, "the same at another process", http.StatusForbidden, "callback_replayed")
	second.do(with("from", "eve")).want(t, "the same signature around another sender", http.StatusForbidden, "callback_replayed")
	second.do(with("chat_type", "groupchat")).want(t, "the same signature around a message to a group", http.StatusForbidden, "callback_replayed")
	second.do(with("security", strings.ToUpper(in["security"].(string)))).want(t, "the same signature in capitals", http.StatusForbidden, "callback_replayed")
	second.do(with("timestamp", fmt.Sprint(in["timestamp"]))).want(t, "the same time as text", http.StatusForbidden, "callback_replayed")
	second.do(with("timestamp", in["timestamp"].(int64)+1)).want(t, "another time", http.StatusForbidden, "callback_forged")
	r.store.Clock.Advance(5*time.Minute + 30*time.Second)
	if err := r.store.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	slow := other
	slow.Now = func() time.Time { return r.store.Clock.Now().Add(-45 * time.Second) }
	behind := &rig{t: t, store: r.store, deps: slow, log: r.log, api: handlers.New(slow)}
	behind.do(q).want(t, "the same at a process whose clock is behind", http.StatusForbidden, "callback_replayed")
	r.do(q).want(t, "the same when it is too old", http.StatusForbidden, "callback_late")
	for outcome, want := range map[string]string{"replayed": "6", "forged": "1", "late": "1", "passed": "1"} {
		if got := r.counted("easemob", outcome); got != want {
			t.Errorf("callbacks counted as %s = %s, want %s", outcome, got, want)
		}
	}
}

// TestCallbackVectors holds the signatures against sums made by other tools.
func TestCallbackVectors(t *testing.T) {
	rong, ease := handlers.RongCloudProof("Y1W2MeFwwwRxa0"), handlers.EasemobProof("easemobSecret")
	if !rong("14314", "1408706337", "e107e3819638b81a00383951d1d871197910ffe6") {
		t.Error("RongCloud's signature is not taken")
	}
	if slices.ContainsFunc([]string{"", "e107e3819638b81a00383951d1d871197910ffe5", "e107e3819638b81a00383951d1d871197910ffe600"}, func(s string) bool { return rong("14314", "1408706337", s) }) {
		t.Error("another signature is taken")
	}
	if !ease("org#app_1", "1600000000000", "534591e6404e842dd7e083cf93be467d") {
		t.Error("Easemob's signature is not taken")
	}
}
