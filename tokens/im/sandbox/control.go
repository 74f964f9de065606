package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxControlBody is the largest body that the control API reads, in bytes.
const maxControlBody = 64 << 10

// A complaint says what is wrong with a control request.
type complaint struct {
	Field string `json:"field,omitempty"`
	Error string `json:"error"`
}

// A knob is one route of the control API.
type knob struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Does   string `json:"does"`
	turn   func(r *http.Request, body []byte) (any, *complaint)
}

func (s *Sandbox) knobs() []knob {
	return []knob{
		{"GET", "/control/state", "what the cloud holds; ?user_id= for one user, ?limit= rows of each list (default 1000)", s.showState},
		{"GET", "/control/calls", "calls by path", s.showCalls},
		{"GET", "/control/peaks", "most calls in any one-second window, by path", s.showPeaks},
		{"GET", "/control/connections", "live web sockets; ?user_id= for one user", s.showConnections},
		{"POST", "/control/connections", "{user_id: id or \"*\", action: " + strings.Join(actions, "|") + "} ends live web sockets", s.endConnections},
		{"GET", "/control/faults", "faults in force and how often each has fired", s.showFaults},
		{"POST", "/control/faults", "{path, mode: " + strings.Join(modes, "|") + ", status?, code?, error?, delay_ms?, times?, percent?, seed?, effect?, garbage?: " + strings.Join(garbages, "|") + ", retry_after?, lifetime_ms?, skew_s?, user?}", s.addFault},
		{"POST", "/control/reset", "{all?: bool} ends faults, clears calls and peaks; with all also users, tokens, bans, lists and rate windows", s.reset},
		{"POST", "/control/app", "{token_lifetime?: \"20s\"|\"24h\"|\"7d\"|\"permanent\", lifetime_applies?: new|all, user_cap?: int, rotate_secret?: true|string, rate_limits?: bool, rates?: {path: calls}, blacklist?: bool, whitelist?: bool, whitelist_for_all?: bool, pre_send_url?: url, pre_send_status?: int, development?: bool, open_anti?: bool, easemob?: {token_ttl?, edition?: free|paid, friendship_required?, blocks?, open_registration?, strict_bulk?, autocreate_conflict?, vip5?, service_off?, rotate_client_secret?: true|string, one_device?, max_devices?, max_online?, banned_forbidden?, webhooks?: {url?, presend_url?, secret?, presend_wait_ms?, presend_default?: pass|block, events?: [" + strings.Join(hookKinds, "|") + "]}}}", s.setApp},
		{"POST", "/control/clock", "{advance: \"36h\" or seconds} moves the cloud's clock forward", s.moveClock},
		{"POST", "/control/token", "{token, app_key?, user_id?} would the cloud accept it, and until when", s.showToken},
	}
}

// Control is the control API: JSON in, JSON out, no password. It belongs on a
// loopback listener of its own. Pages of other origins are refused, so that no
// web site can turn the knobs through a browser on the same machine.
func (s *Sandbox) Control() http.Handler {
	knobs := s.knobs()
	byPath := map[string]map[string]knob{}
	for _, k := range knobs {
		if byPath[k.Path] == nil {
			byPath[k.Path] = map[string]knob{}
		}
		byPath[k.Path][k.Method] = k
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && r.Method == http.MethodGet {
			reply(w, http.StatusOK, map[string]any{"knobs": knobs})
			return
		}
		methods, ok := byPath[r.URL.Path]
		if !ok {
			reply(w, http.StatusNotFound, complaint{Error: "no such knob; GET / lists them"})
			return
		}
		k, ok := methods[r.Method]
		if !ok {
			for m := range methods {
				w.Header().Add("Allow", m)
			}
			reply(w, http.StatusMethodNotAllowed, complaint{Error: "this knob does not take " + r.Method})
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxControlBody))
		if err != nil {
			reply(w, http.StatusRequestEntityTooLarge, complaint{Error: fmt.Sprintf("want a body of at most %d bytes", maxControlBody)})
			return
		}
		out, no := k.turn(r, body)
		if no != nil {
			reply(w, http.StatusBadRequest, no)
			return
		}
		reply(w, http.StatusOK, out)
	})
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusForbidden, complaint{Error: "requests from pages of other origins are refused"})
	}))
	return guard.Handler(h)
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v)
}

// decode reads one JSON object and refuses fields that v does not have. It
// returns which fields were there.
func decode(body []byte, v any) (map[string]bool, *complaint) {
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return nil, jsonComplaint(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, &complaint{Error: "want one JSON object and nothing behind it"}
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil || fields == nil {
		return nil, &complaint{Error: "want a JSON object"}
	}
	given := map[string]bool{}
	for name, value := range fields {
		if string(value) == "null" {
			return nil, &complaint{name, "null means nothing here; leave the field out"}
		}
		// encoding/json matches names in any case; here they have one.
		if name != strings.ToLower(name) {
			return nil, &complaint{name, "unknown field; names are lower case"}
		}
		given[name] = true
	}
	return given, nil
}

func jsonComplaint(err error) *complaint {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return &complaint{wrong.Field, fmt.Sprintf("a JSON %s does not fit", wrong.Value)}
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return &complaint{strings.Trim(name, `"`), "unknown field; GET / lists the knobs"}
	}
	return &complaint{Error: "want a JSON object: " + strings.TrimPrefix(err.Error(), "json: ")}
}

func (s *Sandbox) showCalls(*http.Request, []byte) (any, *complaint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return copyCounts(s.calls.counts), nil
}

func (s *Sandbox) showPeaks(*http.Request, []byte) (any, *complaint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return copyCounts(s.calls.peaks), nil
}

func copyCounts(counts map[string]int) map[string]int {
	out := make(map[string]int, len(counts))
	for path, n := range counts {
		out[path] = n
	}
	return out
}

// A faultView is a fault as the control API shows it.
type faultView struct {
	ID int `json:"id"`
	faultSpec
	Fired int `json:"fired"`
	// Left is how often the fault still fires; absent where there is no end.
	Left *int `json:"left,omitempty"`
}

func (f *fault) view() faultView {
	v := faultView{ID: f.id, faultSpec: f.faultSpec, Fired: f.fired}
	if f.Times > 0 {
		left := f.Times - f.fired
		v.Left = &left
	}
	return v
}

func (s *Sandbox) showFaults(*http.Request, []byte) (any, *complaint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	views := []faultView{}
	for _, f := range s.faults.list {
		views = append(views, f.view())
	}
	return map[string]any{"faults": views}, nil
}

func (s *Sandbox) addFault(_ *http.Request, body []byte) (any, *complaint) {
	var spec faultSpec
	given, no := decode(body, &spec)
	if no != nil {
		return nil, no
	}
	if no := spec.check(given); no != nil {
		return nil, no
	}
	if spec.Path == "" {
		spec.Path = everyPath
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults.list) >= maxFaults {
		return nil, &complaint{Error: fmt.Sprintf("%d faults are in force, which is all there may be; POST /control/reset ends them", maxFaults)}
	}
	return s.faults.add(spec, s.cfg.Seed).view(), nil
}

func (s *Sandbox) reset(_ *http.Request, body []byte) (any, *complaint) {
	var in struct {
		All bool `json:"all"`
	}
	if _, no := decode(body, &in); no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = faultTable{lastID: s.faults.lastID}
	s.calls = callLog{}
	cleared := []string{"faults", "calls", "peaks"}
	if in.All {
		s.ease.socket.reset()
		s.store = newStore()
		for id := range s.sockets.live {
			s.sever(id) // nobody is anybody any more
		}
		cleared = append(cleared, "users", "tokens", "bans", "blacklists", "whitelists", "friends", "blocks", "groups", "messages", "connections", "rate windows")
	}
	return map[string]any{"cleared": cleared}, nil
}

func (s *Sandbox) moveClock(_ *http.Request, body []byte) (any, *complaint) {
	var in struct {
		Advance json.RawMessage `json:"advance"`
	}
	if _, no := decode(body, &in); no != nil {
		return nil, no
	}
	d, ok := parseAdvance(in.Advance)
	if !ok {
		return nil, &complaint{"advance", `want a duration such as "36h", or seconds such as 20: not negative, at most 3650 days`}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ahead+d > 10*maxLifetime {
		return nil, &complaint{"advance", "the clock is as far ahead as it may be"}
	}
	s.ahead += d
	return s.clockView(), nil
}

func parseAdvance(raw json.RawMessage) (time.Duration, bool) {
	var text string
	if err := json.Unmarshal(raw, &text); err == nil {
		d, err := parseDuration(text)
		return d, err == nil && d >= 0 && d <= maxLifetime
	}
	var seconds float64
	if err := json.Unmarshal(raw, &seconds); err != nil || !(seconds >= 0 && seconds <= maxLifetime.Seconds()) {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}
