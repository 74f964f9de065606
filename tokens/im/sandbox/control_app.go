package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"
)

// An appView is the settings as /control/state shows them. The secret is not
// among them.
type appView struct {
	AppKey          string         `json:"app_key"`
	Navigator       string         `json:"navigator"`
	TokenLifetime   string         `json:"token_lifetime"`
	LifetimeApplies string         `json:"lifetime_applies"`
	UserCap         int            `json:"user_cap"`
	RateLimits      bool           `json:"rate_limits"`
	Rates           map[string]int `json:"rates"`
	Blacklist       bool           `json:"blacklist"`
	Whitelist       bool           `json:"whitelist"`
	WhitelistForAll bool           `json:"whitelist_for_all"`
	PreSendURL      string         `json:"pre_send_url"`
	PreSendStatus   int            `json:"pre_send_status"`
	Development     bool           `json:"development"`
	OpenAnti        bool           `json:"open_anti"`
	Strict          bool           `json:"strict"`
}

// Which tokens a lifetime applies to.
const (
	appliesToNew = "new"
	appliesToAll = "all"
)

func (s *Sandbox) appView() appView {
	applies := appliesToNew
	if s.app.lifetimeForAll {
		applies = appliesToAll
	}
	return appView{
		AppKey:          s.cfg.AppKey,
		Navigator:       s.app.navigator,
		TokenLifetime:   lifetimeText(s.app.lifetime),
		LifetimeApplies: applies,
		UserCap:         s.app.userCap,
		RateLimits:      s.app.rateLimits,
		Rates:           maps.Clone(s.app.rates),
		Blacklist:       s.app.blacklist,
		Whitelist:       s.app.whitelist,
		WhitelistForAll: s.app.whitelistForAll,
		PreSendURL:      s.app.preSendURL,
		PreSendStatus:   s.app.preSendStatus,
		Development:     s.app.development,
		OpenAnti:        s.app.openAnti,
		Strict:          s.cfg.Strict,
	}
}

// setApp changes the settings that the request names, all of them or none.
func (s *Sandbox) setApp(_ *http.Request, body []byte) (any, *complaint) {
	var in struct {
		TokenLifetime   *string         `json:"token_lifetime"`
		LifetimeApplies *string         `json:"lifetime_applies"`
		UserCap         *int            `json:"user_cap"`
		RotateSecret    json.RawMessage `json:"rotate_secret"`
		RateLimits      *bool           `json:"rate_limits"`
		Rates           map[string]int  `json:"rates"`
		Blacklist       *bool           `json:"blacklist"`
		Whitelist       *bool           `json:"whitelist"`
		WhitelistForAll *bool           `json:"whitelist_for_all"`
		PreSendURL      *string         `json:"pre_send_url"`
		PreSendStatus   *int            `json:"pre_send_status"`
		Development     *bool           `json:"development"`
		OpenAnti        *bool           `json:"open_anti"`
		Easemob         *easeSpec       `json:"easemob"`
	}
	given, no := decode(body, &in)
	if no != nil {
		return nil, no
	}
	if len(given) == 0 {
		return nil, &complaint{Error: "name at least one setting; GET / lists them"}
	}
	secret, no := newSecretFrom(in.RotateSecret)
	if no != nil {
		return nil, no
	}
	if no := s.checkRates(in.Rates); no != nil {
		return nil, no
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.app
	next.rates = maps.Clone(s.app.rates)
	for label, n := range in.Rates {
		if n == 0 {
			delete(next.rates, label)
		} else {
			next.rates[label] = n
		}
	}
	if in.TokenLifetime != nil {
		d, err := parseLifetime(*in.TokenLifetime)
		if err != nil {
			return nil, &complaint{"token_lifetime", err.Error()}
		}
		next.lifetime = d
	}
	if in.LifetimeApplies != nil {
		if *in.LifetimeApplies != appliesToNew && *in.LifetimeApplies != appliesToAll {
			return nil, &complaint{"lifetime_applies", "want new or all"}
		}
		next.lifetimeForAll = *in.LifetimeApplies == appliesToAll
	}
	if in.UserCap != nil {
		if *in.UserCap < 0 {
			return nil, &complaint{"user_cap", "want how many users may register; 0 is no cap"}
		}
		next.userCap = *in.UserCap
	}
	if in.PreSendURL != nil {
		if err := s.checkHookURL(*in.PreSendURL); err != nil {
			return nil, &complaint{"pre_send_url", err.Error()}
		}
		next.preSendURL = *in.PreSendURL
	}
	if in.PreSendStatus != nil {
		if *in.PreSendStatus < 0 || *in.PreSendStatus > 0xffff {
			return nil, &complaint{"pre_send_status", "want the status that senders of dropped messages get, 0 to 65535; 0 is success"}
		}
		next.preSendStatus = *in.PreSendStatus
	}
	set(&next.whitelistForAll, in.WhitelistForAll)
	set(&next.rateLimits, in.RateLimits)
	set(&next.blacklist, in.Blacklist)
	set(&next.whitelist, in.Whitelist)
	set(&next.development, in.Development)
	set(&next.openAnti, in.OpenAnti)
	change, no := s.easeChange(in.Easemob)
	if no != nil {
		return nil, no
	}
	s.app = next
	s.applyEase(change)

	out := struct {
		App          appView     `json:"app"`
		AppSecret    string      `json:"app_secret,omitempty"`
		Easemob      easeAppView `json:"easemob"`
		ClientSecret string      `json:"client_secret,omitempty"`
	}{App: s.appView(), Easemob: s.easeAppView(), ClientSecret: change.secret}
	if secret != "" {
		s.rotate(secret)
		out.AppSecret = secret
	}
	return out, nil
}

func set(to *bool, from *bool) {
	if from != nil {
		*to = *from
	}
}

// newSecretFrom reads rotate_secret: true for a random one, or the new secret
// itself. Empty means that there is nothing to rotate.
func newSecretFrom(raw json.RawMessage) (string, *complaint) {
	switch string(raw) {
	case "", "false":
		return "", nil
	case "true":
		return newSecret(), nil
	}
	var secret string
	if err := json.Unmarshal(raw, &secret); err != nil || secret == "" || len(secret) > 128 || strings.ContainsFunc(secret, notPrintable) {
		return "", &complaint{"rotate_secret", "want true for a random one, or the new secret: 1 to 128 printable ASCII characters, no spaces"}
	}
	return secret, nil
}

func notPrintable(r rune) bool { return r <= ' ' || r > '~' }

func (s *Sandbox) checkRates(rates map[string]int) *complaint {
	for label, n := range rates {
		known := false
		for _, d := range s.dialects {
			l, ok := d.limits()[label]
			known = known || ok && l.count > 0
		}
		if !known {
			return &complaint{"rates", fmt.Sprintf("%q has no rate limit to change", label)}
		}
		if n < 0 {
			return &complaint{"rates", fmt.Sprintf("%q: want calls in the span of its documented limit; 0 restores that one", label)}
		}
	}
	return nil
}

// A clockView is the cloud's clock as the control API shows it.
type clockView struct {
	Now time.Time `json:"now"`
	// Ahead is how far the clock was moved, as a Go duration.
	Ahead string `json:"ahead"`
}

func (s *Sandbox) clockView() clockView {
	return clockView{Now: s.now().UTC(), Ahead: s.ahead.String()}
}
