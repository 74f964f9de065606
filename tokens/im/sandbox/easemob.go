package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// easeMaxBody is in bytes. Endpoints whose documented parameters do not fit
// into it have a longest body of their own.
const easeMaxBody = 5 << 10

// easemob is the dialect of Easemob's server API.
// https://doc.easemob.com/document/server-side/overview.html
type easemob struct {
	s         *Sandbox
	socket    easeSocket
	hooks     *easeHooks
	routes    []easeRoute
	appID     string // a UUID; every answer of an app shows it
	resources map[string]bool
}

// Who may call an endpoint.
type easeAuth int

const (
	easeAppOnly  easeAuth = iota // an app token
	easeOwnerToo                 // also the token of the user in the path
	easeAnybody                  // no token at all, or the endpoint looks itself
)

// An easeRoute is one endpoint. do is called with the sandbox's lock held.
type easeRoute struct {
	method string
	path   string // with {names} for what differs from call to call
	limit  limit
	// shared names a limit that several endpoints use up together; empty: the
	// endpoint has its own.
	shared  string
	auth    easeAuth
	maxBody int  // bytes; 0 is easeMaxBody
	form    bool // takes a form instead of JSON
	do      func(q *easeCall) (easeReply, *easeError)
	parts   []string
}

func (r *easeRoute) label() string { return r.method + " " + r.path }

func (r *easeRoute) limitName() string {
	if r.shared != "" {
		return r.shared
	}
	return r.label()
}

// match returns what stands in the place of the names.
func (r *easeRoute) match(parts []string) (map[string]string, bool) {
	if len(parts) != len(r.parts) {
		return nil, false
	}
	var args map[string]string
	for i, p := range r.parts {
		if !strings.HasPrefix(p, "{") {
			if p != parts[i] {
				return nil, false
			}
			continue
		}
		if parts[i] == "" {
			return nil, false
		}
		if args == nil {
			args = map[string]string{}
		}
		args[strings.Trim(p, "{}")] = parts[i]
	}
	return args, true
}

// An easeReply is the fields of a success beside timestamp and duration.
type easeReply map[string]any

// An easeCall is one call to an endpoint, its caller known.
type easeCall struct {
	*call
	e     *easemob
	s     *Sandbox
	args  map[string]string
	query url.Values
	now   time.Time
	// byUser is whose token it was; nil for an app token, or none.
	byUser *easeUser
	byApp  bool
	body   map[string]any // JSON, {} where there is none
	list   []any          // JSON where it is an array
}

func newEasemob(s *Sandbox) *easemob {
	e := &easemob{s: s, socket: newEaseLines(s), hooks: newEaseHooks(s), appID: easeUUID(), resources: map[string]bool{}}
	e.routes = slices.Concat(
		e.tokenRoutes(), e.userRoutes(), e.accountRoutes(), e.statusRoutes(), e.metadataRoutes(),
		e.contactRoutes(), e.blockRoutes(), e.groupRoutes(), e.memberRoutes(), e.messageRoutes(), e.sdkRoutes(),
	)
	for i := range e.routes {
		r := &e.routes[i]
		r.parts = strings.Split(r.path[1:], "/")
		e.resources[r.parts[0]] = true
	}
	return e
}

// easeSplit takes a path apart: organisation, app, and what comes behind them.
func easeSplit(path string) (org, app string, parts []string, ok bool) {
	parts = strings.Split(strings.TrimPrefix(path, "/"), "/")
	if len(parts) < 3 || parts[0] == "" || parts[1] == "" {
		return "", "", nil, false
	}
	return parts[0], parts[1], parts[2:], true
}

// owns: all below the app, and below other apps what looks like an endpoint.
func (e *easemob) owns(path string) bool {
	if path == e.socket.path() {
		return true
	}
	org, app, parts, ok := easeSplit(path)
	return ok && (e.isApp(org, app) || e.resources[parts[0]])
}

func (e *easemob) isApp(org, app string) bool {
	return strings.EqualFold(org+"#"+app, e.s.cfg.EasemobAppKey)
}

// find looks an endpoint up. Methods are those that the path takes.
func (e *easemob) find(method string, parts []string) (route *easeRoute, args map[string]string, methods []string) {
	for i := range e.routes {
		r := &e.routes[i]
		a, ok := r.match(parts)
		if !ok {
			continue
		}
		if r.method == method && route == nil {
			route, args = r, a
		}
		methods = append(methods, r.method)
	}
	return route, args, methods
}

func (e *easemob) label(method, path string) (string, bool) {
	if path == e.socket.path() {
		return path, true
	}
	_, _, parts, _ := easeSplit(path)
	if r, _, _ := e.find(method, parts); r != nil {
		return r.label(), true
	}
	return method + " " + path, false
}

func (e *easemob) shared(label string) string {
	for i := range e.routes {
		if e.routes[i].label() == label {
			return e.routes[i].shared
		}
	}
	return ""
}

// about looks for the person in the path and as a value in the body.
func (e *easemob) about(person string, c *call) bool {
	_, _, parts, _ := easeSplit(c.path)
	if slices.ContainsFunc(parts, func(p string) bool { return strings.EqualFold(p, person) }) {
		return true
	}
	var body any
	return json.Unmarshal(c.body, &body) == nil && easeMentions(body, person)
}

func easeMentions(v any, person string) bool {
	switch v := v.(type) {
	case string:
		return strings.EqualFold(v, person)
	case []any:
		return slices.ContainsFunc(v, func(v any) bool { return easeMentions(v, person) })
	case map[string]any:
		for _, v := range v {
			if easeMentions(v, person) {
				return true
			}
		}
	}
	return false
}

func (e *easemob) limits() map[string]limit {
	out := map[string]limit{easeSent: easePerMinute, easeBulkDeletes: easeDeletesPerSecond}
	for i := range e.routes {
		out[e.routes[i].limitName()] = e.routes[i].limit
	}
	return out
}

func (e *easemob) ownsSocket(path string) bool { return path == e.socket.path() }

func (e *easemob) connect(w http.ResponseWriter, r *http.Request) { e.socket.serve(w, r) }

// refuse takes the name of an error, or an HTTP status as the code.
func (e *easemob) refuse(code, status int, name string) answer {
	if name == "" {
		name = easeErrorNames[code]
	}
	if name == "" {
		name = "web_application"
	}
	no := easeRefusal(name, "fault set by /control/faults")
	if easeErrorNames[code] != "" || code >= 500 && code < 600 {
		no.status = code
	}
	if status != 0 {
		no.status = status
	}
	e.s.mu.Lock()
	defer e.s.mu.Unlock()
	return easeOpen(no.answer(e.s.now()))
}

// easeOpen lets pages of every origin read an answer.
func easeOpen(a answer) answer { return a.with("Access-Control-Allow-Origin", "*") }

// preflight answers what browsers ask before they send a page's request.
func (e *easemob) preflight(r *http.Request) (answer, bool) {
	if r.Method != http.MethodOptions || !e.owns(r.URL.Path) {
		return answer{}, false
	}
	headers := r.Header.Get("Access-Control-Request-Headers")
	if headers == "" || strings.Trim(strings.ToLower(headers), "abcdefghijklmnopqrstuvwxyz0123456789-_, ") != "" {
		headers = "Authorization, Content-Type, Accept"
	}
	return answer{status: http.StatusNoContent, header: http.Header{
		"Access-Control-Allow-Origin":  {"*"},
		"Access-Control-Allow-Methods": {"GET, POST, PUT, DELETE, OPTIONS"},
		"Access-Control-Allow-Headers": {headers},
		"Access-Control-Max-Age":       {"600"},
	}}, true
}

func (e *easemob) serve(c *call) answer {
	e.s.mu.Lock()
	defer e.s.mu.Unlock()
	now := e.s.now()
	reply, no := e.handle(c, now)
	if no != nil {
		a := easeOpen(no.answer(now))
		if no.status == http.StatusMethodNotAllowed {
			_, _, parts, _ := easeSplit(c.path)
			_, _, methods := e.find(c.method, parts)
			a = a.with("Allow", strings.Join(methods, ", "))
		}
		return a
	}
	body, err := json.Marshal(map[string]any(reply))
	if err != nil {
		return easeOpen(easeRefusal("web_application", "internal error").answer(now))
	}
	return easeOpen(jsonAnswer(http.StatusOK, body))
}

func (e *easemob) handle(c *call, now time.Time) (easeReply, *easeError) {
	org, app, parts, _ := easeSplit(c.path)
	if !e.isApp(org, app) {
		return nil, easeNoApp(org, app, parts)
	}
	route, args, methods := e.find(c.method, parts)
	if route == nil {
		if len(methods) > 0 {
			return nil, easeRefusal("method_not_allowed", "Method Not Allowed").with(http.StatusMethodNotAllowed)
		}
		return nil, easeRefusal("web_application", "javax.ws.rs.WebApplicationException")
	}
	most := route.maxBody
	if most == 0 {
		most = easeMaxBody
	}
	if len(c.body) > most {
		return nil, easeRefusal("request_entity_too_large", "Request Entity Too Large")
	}
	query, err := url.ParseQuery(c.query)
	if err != nil {
		return nil, easeRefusal("illegal_argument", "the query is malformed")
	}
	q := &easeCall{call: c, e: e, s: e.s, args: args, query: query, now: now, body: map[string]any{}}
	if no := q.authenticate(route.auth); no != nil {
		return nil, no
	}
	if !e.s.admit(route.limitName(), route.limit, 1, now) {
		return nil, easeRefusal("reach_limit", "This request has reached api limit")
	}
	if !route.form {
		if no := q.parse(); no != nil {
			return nil, no
		}
	}
	reply, no := route.do(q)
	if no != nil {
		return nil, no
	}
	reply["timestamp"] = now.UnixMilli()
	reply["duration"] = int64(0)
	return reply, nil
}
