package sandbox

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Limits of RongCloud's server API as a whole.
const (
	rongMaxBody = 100 << 10 // bytes, then code 1508
	// rongMaxMessageBody: the message pages allow a content of 128 kB, which
	// the general limit would forbid. Room for its form encoding is added.
	rongMaxMessageBody = 512 << 10
	rongMaxNonce       = 18 // characters, enforced when Strict
	rongMaxRequestID   = 36 // characters; a longer one is not echoed
	rongClockSkew      = 5 * time.Minute
)

// rongcloud is the dialect of RongCloud's server API.
// https://docs.rongcloud.cn/platform-chat-api/
type rongcloud struct {
	s      *Sandbox
	routes map[string]rongRoute
}

// A rongRoute is one endpoint. do is called with the sandbox's lock held.
type rongRoute struct {
	limit limit
	// cost is what a call takes from the limit; nil is 1.
	cost func(f rongForm) int
	// maxBody is in bytes; 0 is rongMaxBody.
	maxBody int
	// bare endpoints take no parameters, hence an empty body.
	bare bool
	do   func(f rongForm, now time.Time) (rongReply, *rongError)
}

// A rongReply is the fields of a success beside its code.
type rongReply map[string]any

func newRongcloud(s *Sandbox) *rongcloud {
	rc := &rongcloud{s: s}
	second := func(n int) limit { return limit{n, time.Second} }
	rc.routes = map[string]rongRoute{
		"/user/getToken.json":         {limit: second(200), do: rc.getToken},
		"/user/token/expire.json":     {limit: second(100), do: rc.expireTokens},
		"/user/refresh.json":          {limit: second(100), do: rc.refreshUser},
		"/user/info.json":             {limit: second(100), do: rc.userInfo},
		"/user/query.json":            {limit: second(100), bare: true, do: rc.queryUsers},
		"/user/delusers.json":         {limit: second(100), do: rc.deleteUsers},
		"/user/checkOnline.json":      {limit: second(100), do: rc.checkOnline},
		"/user/block.json":            {limit: second(100), do: rc.block},
		"/user/unblock.json":          {limit: second(100), do: rc.unblock},
		"/user/block/query.json":      {limit: second(100), bare: true, do: rc.queryBlocks},
		"/user/blacklist/add.json":    {limit: second(100), do: rc.blacklist().add},
		"/user/blacklist/remove.json": {limit: second(100), do: rc.blacklist().remove},
		"/user/blacklist/query.json":  {limit: second(100), do: rc.blacklist().query},
		"/user/whitelist/add.json":    {limit: second(100), do: rc.whitelist().add},
		"/user/whitelist/remove.json": {limit: second(100), do: rc.whitelist().remove},
		"/user/whitelist/query.json":  {limit: second(100), do: rc.whitelist().query},
		"/user/whitesetting/set.json": {limit: second(100), do: rc.setWhite},
		// These two are limited by users, not by calls.
		"/user/deactivate.json":       {limit: second(100), cost: rongJoinedUsers, do: rc.deactivate},
		"/user/reactivate.json":       {limit: second(100), cost: rongJoinedUsers, do: rc.reactivate},
		"/user/deactivate/query.json": {limit: second(100), bare: true, do: rc.queryDeactivated},
		// By recipients.
		"/message/private/publish.json": {
			limit:   limit{6000, time.Minute},
			cost:    func(f rongForm) int { return len(f.values["toUserId"]) },
			maxBody: rongMaxMessageBody,
			do:      rc.publishPrivate,
		},
	}
	return rc
}

func (rc *rongcloud) owns(path string) bool {
	_, known := rc.routes[path]
	return known || path == rongNavi || path == rongSocket
}

func (rc *rongcloud) label(_, path string) (string, bool) { return path, rc.owns(path) }

func (rc *rongcloud) shared(string) string { return "" }

// about looks for the person as a user id or a name in the form.
func (rc *rongcloud) about(person string, c *call) bool {
	form, err := url.ParseQuery(string(c.body))
	return err == nil && (slices.Contains(form["userId"], person) || slices.Contains(form["name"], person))
}

func (rc *rongcloud) limits() map[string]limit {
	out := map[string]limit{}
	for path, r := range rc.routes {
		out[path] = r.limit
	}
	return out
}

func (rc *rongcloud) refuse(code, status int, _ string) answer {
	if code == 0 {
		code = 1000 // the fault names an error of another cloud
	}
	return (&rongError{code: code, status: status, message: "fault set by /control/faults"}).answer()
}

func (rc *rongcloud) serve(c *call) answer {
	a := rc.answer(c)
	if id := c.header.Get("X-Request-ID"); id != "" && utf8.RuneCountInString(id) <= rongMaxRequestID {
		a.header.Set("X-Request-ID", id)
	}
	return a
}

func (rc *rongcloud) ownsSocket(path string) bool { return path == rongSocket }

func (rc *rongcloud) answer(c *call) answer {
	if c.path == rongNavi {
		return rc.navi(c)
	}
	route, ok := rc.routes[c.path]
	if !ok {
		return rongRefusal(http.StatusNotFound, "no such path").answer()
	}
	if c.method != http.MethodPost {
		a := rongRefusal(http.StatusMethodNotAllowed, "want POST").answer()
		a.header.Set("Allow", http.MethodPost)
		return a
	}
	fields, no := rc.handle(route, c)
	if no != nil {
		return no.answer()
	}
	if fields == nil {
		fields = rongReply{}
	}
	fields["code"] = 200
	body, err := json.Marshal(map[string]any(fields))
	if err != nil {
		return rongRefusal(1000, "internal error").answer()
	}
	return jsonAnswer(http.StatusOK, body)
}

func (rc *rongcloud) handle(route rongRoute, c *call) (rongReply, *rongError) {
	maxBody := route.maxBody
	if maxBody == 0 {
		maxBody = rongMaxBody
	}
	if len(c.body) > maxBody {
		return nil, rongRefusal(1508, "body is longer than "+strconv.Itoa(maxBody)+" bytes")
	}
	form, malformed := rongParse(route, c)

	s := rc.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if no := rc.authenticate(c.header); no != nil {
		return nil, no
	}
	now, cost := s.now(), 1
	if route.cost != nil && malformed == nil {
		cost = max(1, route.cost(form))
	}
	if !s.admit(c.path, route.limit, cost, now) {
		return nil, rongRefusal(1008, "too many requests")
	}
	if malformed != nil {
		return nil, malformed
	}
	return route.do(form, now)
}

// authenticate checks the signature: hex SHA-1 of secret, nonce and timestamp
// as they were sent. The body is not signed.
func (rc *rongcloud) authenticate(h http.Header) *rongError {
	// Each header is also known with the prefix RC-.
	get := func(name string) string {
		if v := h.Get(name); v != "" {
			return v
		}
		return h.Get("RC-" + name)
	}
	key, nonce, stamp, signature := get("App-Key"), get("Nonce"), get("Timestamp"), get("Signature")
	for _, f := range []struct{ name, value string }{{"App-Key", key}, {"Nonce", nonce}, {"Timestamp", stamp}, {"Signature", signature}} {
		if f.value == "" {
			return rongRefusal(1004, "header "+f.name+" is missing")
		}
	}
	if key != rc.s.cfg.AppKey {
		return rongRefusal(1001, "App-Key is unknown or has another secret")
	}
	sum := sha1.Sum([]byte(rc.s.app.secret + nonce + stamp))
	if subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(signature)) != 1 {
		return rongRefusal(1004, "signature is wrong")
	}
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || at <= 0 {
		return rongRefusal(1004, "Timestamp is no number")
	}
	if !rc.s.cfg.Strict {
		return nil
	}
	if utf8.RuneCountInString(nonce) > rongMaxNonce {
		return rongRefusal(1004, "Nonce is longer than 18 characters")
	}
	// Callers send milliseconds, as the documentation says, or seconds, as the
	// official SDKs do. Held against the clock below the movable one: a test
	// that moves the cloud's clock does not move its caller's.
	t := time.UnixMilli(at)
	if at < 1e11 {
		t = time.Unix(at, 0)
	}
	if skew := rc.s.cfg.Now().Sub(t).Abs(); skew > rongClockSkew {
		return rongRefusal(1004, "Timestamp is too far off")
	}
	return nil
}

// rongParse reads a form. It does not touch the sandbox's state.
func rongParse(route rongRoute, c *call) (rongForm, *rongError) {
	if len(c.body) == 0 {
		if route.bare {
			return rongForm{}, nil
		}
		return rongForm{}, rongRefusal(1003, "no POST data")
	}
	media, _, err := mime.ParseMediaType(c.header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return rongForm{}, rongRefusal(1003, "no POST data: want Content-Type application/x-www-form-urlencoded")
	}
	values, err := url.ParseQuery(string(c.body))
	if err != nil {
		return rongForm{}, rongRefusal(1002, "the form is malformed")
	}
	for name, list := range values {
		for _, v := range list {
			if !utf8.ValidString(v) || !utf8.ValidString(name) {
				return rongForm{}, rongRefusal(1002, "the form is not UTF-8")
			}
		}
	}
	return rongForm{values}, nil
}
