package sandbox

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// defaultRows bounds each list of /control/state.
const defaultRows = 1000

// A stateView is the body of GET /control/state. Counts are always of
// everything; the lists obey user_id and limit.
type stateView struct {
	Clock      clockView           `json:"clock"`
	App        appView             `json:"app"`
	Counts     countsView          `json:"counts"`
	Users      []userView          `json:"users"`
	Tokens     []tokenView         `json:"tokens"`
	Bans       []banView           `json:"bans"`
	Blacklists map[string][]string `json:"blacklists"`
	Whitelists map[string][]string `json:"whitelists"`
	Easemob    easeStateView       `json:"easemob"`
	// Truncated is true where a list ended at the limit.
	Truncated bool `json:"truncated"`
}

type countsView struct {
	Users       int           `json:"users"`
	Tokens      map[State]int `json:"tokens"`
	Bans        int           `json:"bans"`
	Deactivated int           `json:"deactivated"`
	Connections int           `json:"connections"`
	Messages    int           `json:"messages"`
	Faults      int           `json:"faults"`
}

type userView struct {
	UserID        string     `json:"user_id"`
	Name          string     `json:"name"`
	PortraitURI   string     `json:"portrait_uri"`
	RegisteredAt  time.Time  `json:"registered_at"`
	DeactivatedAt *time.Time `json:"deactivated_at"`
	Connections   int        `json:"connections"`
	// TokensVoidBefore is the latest time of a token/expire call, or null.
	TokensVoidBefore *time.Time `json:"tokens_void_before"`
}

type tokenView struct {
	Fingerprint string     `json:"fingerprint"`
	UserID      string     `json:"user_id"`
	State       State      `json:"state"`
	IssuedAt    time.Time  `json:"issued_at"`
	ExpiresAt   *time.Time `json:"expires_at"` // null for a permanent token
	Revoked     bool       `json:"revoked"`
}

type banView struct {
	UserID string    `json:"user_id"`
	Until  time.Time `json:"until"`
}

func (s *Sandbox) showState(r *http.Request, _ []byte) (any, *complaint) {
	q := r.URL.Query()
	only, rows := q.Get("user_id"), defaultRows
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, &complaint{"limit", "want how many rows of each list, from 0"}
		}
		rows = n
	}
	for name := range q {
		if name != "user_id" && name != "limit" {
			return nil, &complaint{name, "unknown parameter; want user_id or limit"}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	out := stateView{Clock: s.clockView(), App: s.appView(), Counts: s.countsView(now)}
	wanted := func(id string) bool { return only == "" || only == id }

	out.Users = []userView{}
	for _, id := range s.store.userOrder {
		if wanted(id) {
			out.Users = append(out.Users, s.userView(s.store.users[id]))
		}
	}
	out.Tokens = []tokenView{}
	for _, t := range slices.SortedFunc(maps.Values(s.store.tokens), func(a, b *token) int { return cmp.Compare(a.seq, b.seq) }) {
		if wanted(t.userID) {
			out.Tokens = append(out.Tokens, s.tokenView(t, now))
		}
	}
	out.Bans = []banView{}
	for _, id := range slices.Sorted(maps.Keys(s.store.bans)) {
		if until := s.store.bans[id]; wanted(id) && now.Before(until) {
			out.Bans = append(out.Bans, banView{id, until.UTC()})
		}
	}
	out.Users = head(out.Users, rows, &out.Truncated)
	out.Tokens = head(out.Tokens, rows, &out.Truncated)
	out.Bans = head(out.Bans, rows, &out.Truncated)
	out.Blacklists = listsView(s.store.blacklists, wanted, rows, &out.Truncated)
	out.Whitelists = listsView(s.store.whitelists, wanted, rows, &out.Truncated)
	out.Easemob = s.easeStateView(wanted, rows, &out.Truncated)
	return out, nil
}

func head[T any](list []T, rows int, truncated *bool) []T {
	if len(list) > rows {
		*truncated = true
		return list[:rows]
	}
	return list
}

func listsView(lists map[string]*idList, wanted func(string) bool, rows int, truncated *bool) map[string][]string {
	out := map[string][]string{}
	for _, id := range slices.Sorted(maps.Keys(lists)) {
		ids := lists[id].ids()
		if !wanted(id) || len(ids) == 0 {
			continue
		}
		if len(out) == rows {
			*truncated = true
			break
		}
		out[id] = ids
	}
	return out
}

func (s *Sandbox) countsView(now time.Time) countsView {
	c := countsView{
		Users:    len(s.store.users),
		Tokens:   map[State]int{StateValid: 0, StateExpired: 0, StateBanned: 0, StateDeactivated: 0},
		Messages: s.store.messages,
		Faults:   len(s.faults.list),
	}
	for _, t := range s.store.tokens {
		c.Tokens[s.stateOf(t, now)]++
	}
	for _, until := range s.store.bans {
		if now.Before(until) {
			c.Bans++
		}
	}
	for _, u := range s.store.users {
		if !u.deactivatedAt.IsZero() {
			c.Deactivated++
		}
	}
	for _, list := range s.sockets.live {
		c.Connections += len(list)
	}
	return c
}

func (s *Sandbox) userView(u *user) userView {
	v := userView{
		UserID:        u.id,
		Name:          u.name,
		PortraitURI:   u.portrait,
		RegisteredAt:  u.registeredAt.UTC(),
		DeactivatedAt: timeOrNull(u.deactivatedAt),
		Connections:   len(s.sockets.live[u.id]),
	}
	if ms := s.store.revokedBefore[u.id]; ms != 0 {
		v.TokensVoidBefore = timeOrNull(time.UnixMilli(ms))
	}
	return v
}

func (s *Sandbox) tokenView(t *token, now time.Time) tokenView {
	return tokenView{
		Fingerprint: t.fingerprint,
		UserID:      t.userID,
		State:       s.stateOf(t, now),
		IssuedAt:    t.issuedAt.UTC(),
		ExpiresAt:   timeOrNull(s.expiry(t)),
		Revoked:     s.revoked(t),
	}
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// A verdictView answers "would the cloud accept this token".
type verdictView struct {
	// Cloud is whose token it is taken for.
	Cloud string `json:"cloud"`
	State State  `json:"state"`
	// SDKCode is what the cloud's client SDK would report, 0 for none.
	SDKCode   int        `json:"sdk_code"`
	UserID    string     `json:"user_id,omitempty"`
	IssuedAt  *time.Time `json:"issued_at"`
	ExpiresAt *time.Time `json:"expires_at"`
}

func (s *Sandbox) showToken(_ *http.Request, body []byte) (any, *complaint) {
	var in struct {
		Token  string `json:"token"`
		AppKey string `json:"app_key"`
		UserID string `json:"user_id"`
	}
	if _, no := decode(body, &in); no != nil {
		return nil, no
	}
	if in.Token == "" {
		return nil, &complaint{"token", "want the connect token, with or without what follows the @"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.looksEasemob(in.AppKey, in.Token) {
		return s.showEaseToken(in.AppKey, in.UserID, in.Token), nil
	}
	if in.UserID != "" {
		return nil, &complaint{"user_id", "RongCloud's clients do not say who they are"}
	}
	state, t := s.judge(cmp.Or(in.AppKey, s.cfg.AppKey), in.Token)
	out := verdictView{Cloud: "rongcloud", State: state, SDKCode: state.Code()}
	if t != nil && state != StateOtherApp {
		out.UserID, out.IssuedAt, out.ExpiresAt = t.userID, timeOrNull(t.issuedAt), timeOrNull(s.expiry(t))
	}
	return out, nil
}
