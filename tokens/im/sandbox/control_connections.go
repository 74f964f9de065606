package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Actions on connections.
const (
	actDrop   = "drop"   // the network breaks; the client comes again by itself
	actKick   = "kick"   // another client of the user takes over
	actExpire = "expire" // the connection's token expires, and the cloud says so
)

var actions = []string{actDrop, actKick, actExpire}

// everybody stands for all user ids; no id has this character.
const everybody = "*"

// A connectionView is a live web socket as the control API shows it.
type connectionView struct {
	ID          int64     `json:"id"`
	UserID      string    `json:"user_id"`
	DeviceID    string    `json:"device_id"`
	Protocol    int       `json:"protocol"`
	Since       time.Time `json:"since"`
	Fingerprint string    `json:"token_fingerprint"`
	// TokenState is what the cloud would say if the client connected now.
	TokenState State `json:"token_state"`
}

func (s *Sandbox) showConnections(r *http.Request, _ []byte) (any, *complaint) {
	only := r.URL.Query().Get("user_id")
	s.mu.Lock()
	defer s.mu.Unlock()
	now, views := s.now(), []connectionView{}
	for id, list := range s.sockets.live {
		if only != "" && only != id {
			continue
		}
		for _, c := range list {
			state := StateUnknown
			if s.store.tokens[c.tokenKey] == c.token {
				state = s.stateOf(c.token, now)
			}
			views = append(views, connectionView{
				ID: c.id, UserID: c.userID, DeviceID: c.deviceID, Protocol: c.version,
				Since: c.since.UTC(), Fingerprint: c.token.fingerprint, TokenState: state,
			})
		}
	}
	for _, v := range s.ease.socket.connections() {
		if only == "" || only == v.UserID {
			views = append(views, v)
		}
	}
	slices.SortFunc(views, func(a, b connectionView) int { return cmp.Compare(a.ID, b.ID) })
	return map[string]any{"connections": views}, nil
}

func (s *Sandbox) endConnections(_ *http.Request, body []byte) (any, *complaint) {
	var in struct {
		UserID string `json:"user_id"`
		Action string `json:"action"`
	}
	if _, no := decode(body, &in); no != nil {
		return nil, no
	}
	if in.UserID == "" {
		return nil, &complaint{"user_id", `want a user id, or "*" for everybody`}
	}
	if !slices.Contains(actions, in.Action) {
		return nil, &complaint{"action", "want one of " + strings.Join(actions, ", ")}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ended := 0
	for id, list := range s.sockets.live {
		if in.UserID != everybody && in.UserID != id {
			continue
		}
		ended += len(list)
		switch in.Action {
		case actDrop:
			s.sever(id)
		case actKick:
			s.dismiss(id, rongFarewell(rongKicked))
		case actExpire:
			for _, c := range list {
				c.token.expired = true
			}
			s.dismiss(id, rongFarewell(rongExpired))
		}
	}
	ended += s.ease.socket.end(in.UserID, in.Action)
	return map[string]any{"ended": ended}, nil
}
