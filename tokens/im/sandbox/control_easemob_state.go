package sandbox

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// An easeStateView is what Easemob's cloud holds, as /control/state shows it.
type easeStateView struct {
	App    easeAppView         `json:"app"`
	Counts easeCountsView      `json:"counts"`
	Users  []easeUserView      `json:"users"`
	Tokens []tokenView         `json:"tokens"`
	Groups []easeGroupView     `json:"groups"`
	Blocks map[string][]string `json:"blocks"`
	// Contacts are everybody's friends, newest first.
	Contacts map[string][]string `json:"contacts"`
}

type easeCountsView struct {
	Users       int           `json:"users"`
	Tokens      map[State]int `json:"tokens"`
	AppTokens   int           `json:"app_tokens"`
	Groups      int           `json:"groups"`
	Connections int           `json:"connections"`
	Messages    int           `json:"messages"`
}

type easeUserView struct {
	UserID       string            `json:"user_id"`
	UUID         string            `json:"uuid"`
	Nickname     string            `json:"nickname"`
	Activated    bool              `json:"activated"`
	HasPassword  bool              `json:"has_password"`
	RegisteredAt time.Time         `json:"registered_at"`
	Metadata     map[string]string `json:"metadata"`
	Remarks      map[string]string `json:"remarks"`
	Connections  int               `json:"connections"`
}

type easeGroupView struct {
	GroupID string   `json:"group_id"`
	Name    string   `json:"name"`
	Owner   string   `json:"owner"`
	Members []string `json:"members"`
}

func (s *Sandbox) easeStateView(wanted func(string) bool, rows int, truncated *bool) easeStateView {
	store, key := &s.store.ease, s.cfg.EasemobAppKey
	out := easeStateView{
		App: s.easeAppView(), Users: []easeUserView{}, Tokens: []tokenView{}, Groups: []easeGroupView{},
		Counts: easeCountsView{
			Users: len(store.users), Tokens: map[State]int{}, Groups: len(store.groups),
			Connections: len(s.ease.socket.connections()), Messages: store.messages,
		},
	}
	contacts, blocks := map[string]*idList{}, map[string]*idList{}
	for _, u := range store.order {
		contacts[u.name], blocks[u.name] = &u.contacts, &u.blocks
		if wanted(u.name) && len(out.Users) <= rows {
			out.Users = append(out.Users, easeUserView{
				UserID: u.name, UUID: u.uuid, Nickname: u.nickname, Activated: u.activated, HasPassword: u.password != "",
				RegisteredAt: u.created.UTC(), Metadata: maps.Clone(u.metadata), Remarks: maps.Clone(u.remarks), Connections: len(s.ease.socket.resources(u)),
			})
		}
	}
	seqs := map[string]uint64{}
	for value, t := range store.tokens {
		if t.user == nil {
			out.Counts.AppTokens++
			continue
		}
		state := s.easeJudge(key, "", value).state
		out.Counts.Tokens[state]++
		if wanted(t.user.name) {
			seqs[t.fingerprint] = t.seq
			out.Tokens = append(out.Tokens, tokenView{
				Fingerprint: t.fingerprint, UserID: t.user.name, State: state,
				IssuedAt: t.issuedAt.UTC(), ExpiresAt: timeOrNull(t.expiresAt), Revoked: t.age != t.user.passwordAge,
			})
		}
	}
	slices.SortFunc(out.Tokens, func(a, b tokenView) int { return cmp.Compare(seqs[a.Fingerprint], seqs[b.Fingerprint]) })
	groups := slices.Collect(maps.Values(store.groups))
	easeSortGroups(groups)
	for _, g := range groups {
		if people := g.people(); slices.ContainsFunc(people, wanted) && len(out.Groups) <= rows {
			out.Groups = append(out.Groups, easeGroupView{g.id, g.name, g.owner, people[1:]})
		}
	}
	out.Users = head(out.Users, rows, truncated)
	out.Tokens = head(out.Tokens, rows, truncated)
	out.Groups = head(out.Groups, rows, truncated)
	out.Contacts = listsView(contacts, wanted, rows, truncated)
	out.Blocks = listsView(blocks, wanted, rows, truncated)
	return out
}

// looksEasemob tells whether a token is of Easemob's dialect: by the app key
// that the client uses, or by its shape.
func (s *Sandbox) looksEasemob(appKey, token string) bool {
	if appKey != "" {
		return strings.Contains(appKey, "#")
	}
	token = strings.TrimPrefix(token, "$t$")
	if key, _, _ := strings.Cut(token, "@"); s.store.tokens[key] != nil {
		return false
	}
	return strings.HasPrefix(token, "YWMt") || easeLooksSigned(token)
}

// showEaseToken is showToken for Easemob's.
func (s *Sandbox) showEaseToken(appKey, name, token string) verdictView {
	if appKey == "" {
		appKey = s.cfg.EasemobAppKey
	}
	v := s.easeJudge(appKey, name, token)
	out := verdictView{Cloud: "easemob", State: v.state, SDKCode: v.state.EasemobCode()}
	if v.user != nil && v.state != StateOtherApp {
		out.UserID, out.IssuedAt, out.ExpiresAt = v.user.name, timeOrNull(v.issuedAt), timeOrNull(v.expiresAt)
	}
	return out
}
