package sandbox

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// bearer is the token of the header Authorization.
func (q *easeCall) bearer() string {
	kind, token, _ := strings.Cut(q.header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// authenticate finds out who calls, and refuses who may not.
func (q *easeCall) authenticate(auth easeAuth) *easeError {
	if auth == easeAnybody {
		return nil
	}
	token := q.bearer()
	if t := q.s.store.ease.tokens[token]; t != nil && t.user == nil {
		if !t.expiresAt.IsZero() && !q.now.Before(t.expiresAt) {
			return easeRefusal("unauthorized", "Unable to authenticate due to expired access token")
		}
		q.byApp = true
		return nil
	}
	v := q.s.easeJudge(q.s.cfg.EasemobAppKey, "", token)
	switch {
	case v.state == StateExpired:
		return easeRefusal("unauthorized", "Unable to authenticate due to expired access token")
	case v.state != StateValid:
		return easeBadToken()
	case auth == easeAppOnly:
		return easeCorrupt()
	case v.user.name != easeName(q.args["u"]):
		return easeRefusal("forbidden_op", "token of user "+v.user.name+" is not for user "+easeName(q.args["u"]))
	}
	q.byUser = v.user
	return nil
}

// parse reads a body of JSON, whatever its content type says. None at all is
// an empty object.
func (q *easeCall) parse() *easeError {
	raw := bytes.TrimSpace(q.call.body)
	if len(raw) == 0 {
		return nil
	}
	bad := easeRefusal("json_parse", "Unexpected content: the body is no JSON")
	if !utf8.Valid(raw) {
		return bad
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil || dec.More() {
		return bad
	}
	switch v := v.(type) {
	case map[string]any:
		q.body = v
	case []any:
		q.list = v
	default:
		return bad
	}
	return nil
}

// user finds the user that the path names.
func (q *easeCall) user(arg string) (*easeUser, *easeError) {
	if u := q.s.easeUser(q.args[arg]); u != nil {
		return u, nil
	}
	return nil, easeNotFound()
}

// text reads an optional string of the body. Numbers count as their digits.
func easeText(body map[string]any, name string) (string, bool) {
	switch v := body[name].(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

func (q *easeCall) text(name string) (string, bool) { return easeText(q.body, name) }

// names reads a list of user names, in lower case and each once.
func (q *easeCall) names(field string, most int) ([]string, *easeError) {
	list, ok := q.body[field].([]any)
	if !ok || len(list) == 0 {
		return nil, easeRefusal("illegal_argument", field+" must be provided")
	}
	if len(list) > most {
		return nil, easeRefusal("illegal_argument", field+" size is more than max limit : "+strconv.Itoa(most))
	}
	seen, out := map[string]bool{}, []string{}
	for _, v := range list {
		name, ok := v.(string)
		if !ok || name == "" {
			return nil, easeRefusal("illegal_argument", field+" has an element that is no user name")
		}
		if name = easeName(name); !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	return out, nil
}

// number reads an optional whole number of the query.
func (q *easeCall) number(name string, fallback, low, high int) (int, *easeError) {
	text := q.query.Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, easeRefusal("illegal_argument", name+" must be "+strconv.Itoa(low)+" to "+strconv.Itoa(high))
	}
	return n, nil
}

// uri is an address as the cloud shows it, below the app.
func (q *easeCall) uri(path string) string {
	org, app := q.s.easeOrgApp()
	return "http://" + q.host + "/" + org + "/" + app + path
}

// envelope is what most successes have around them.
func (q *easeCall) envelope(path string) easeReply {
	org, app := q.s.easeOrgApp()
	return easeReply{
		"action": strings.ToLower(q.method), "application": q.e.appID, "applicationName": app, "organization": org,
		"path": path, "uri": q.uri(path),
	}
}

// here is the path of the call below the app.
func (q *easeCall) here() string {
	_, _, parts, _ := easeSplit(q.path)
	return "/" + strings.Join(parts, "/")
}

// entity is a user as answers show it.
func (u *easeUser) entity() map[string]any {
	out := map[string]any{
		"uuid": u.uuid, "type": "user", "created": u.created.UnixMilli(), "modified": u.modified.UnixMilli(),
		"username": u.name, "activated": u.activated,
	}
	if u.nickname != "" {
		out["nickname"] = u.nickname
	}
	return out
}
