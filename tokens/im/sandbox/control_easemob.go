package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Editions of Easemob's service.
const (
	editionFree = "free"
	editionPaid = "paid"
)

// What becomes of a message whose pre-send webhook does not answer.
const (
	presendPass  = "pass"
	presendBlock = "block"
)

var hookKinds = []string{hookPresend, hookPostsend, hookPresence, hookRoster}

// An easeAppView is Easemob's settings as /control/state shows them, without
// the secrets.
type easeAppView struct {
	AppKey             string       `json:"app_key"`
	ClientID           string       `json:"client_id"`
	TokenTTL           string       `json:"token_ttl"`
	Edition            string       `json:"edition"`
	FriendshipRequired bool         `json:"friendship_required"`
	Blocks             bool         `json:"blocks"`
	OpenRegistration   bool         `json:"open_registration"`
	StrictBulk         bool         `json:"strict_bulk"`
	AutocreateConflict bool         `json:"autocreate_conflict"`
	VIP5               bool         `json:"vip5"`
	ServiceOff         bool         `json:"service_off"`
	OneDevice          bool         `json:"one_device"`
	MaxDevices         int          `json:"max_devices"`
	MaxOnline          int          `json:"max_online"`
	BannedForbidden    bool         `json:"banned_forbidden"`
	Webhooks           easeHookView `json:"webhooks"`
}

type easeHookView struct {
	URL            string   `json:"url"`
	PresendURL     string   `json:"presend_url"`
	PresendWaitMS  int64    `json:"presend_wait_ms"`
	PresendDefault string   `json:"presend_default"`
	Events         []string `json:"events"`
	Waiting        int      `json:"waiting"`
	Delivered      int      `json:"delivered"`
	Failed         int      `json:"failed"`
	Dropped        int      `json:"dropped"`
}

func (s *Sandbox) easeAppView() easeAppView {
	a, door := s.app.ease, s.easeDoor()
	v := easeAppView{
		AppKey: s.cfg.EasemobAppKey, ClientID: a.clientID, TokenTTL: lifetimeText(a.tokenTTL), Edition: editionPaid,
		FriendshipRequired: a.friendship, Blocks: a.blocks, OpenRegistration: a.openRegister, StrictBulk: a.strictBulk,
		AutocreateConflict: a.conflicts, VIP5: a.milliseconds, ServiceOff: a.serviceOff,
		OneDevice: door.oneDevice, MaxDevices: door.maxDevices, MaxOnline: door.maxOnline, BannedForbidden: door.bannedForbidden,
		Webhooks: easeHookView{
			URL: a.webhooks.url, PresendURL: a.webhooks.presendURL, PresendWaitMS: a.webhooks.wait.Milliseconds(),
			PresendDefault: presendPass, Events: []string{},
			Waiting: len(s.ease.hooks.queue), Delivered: s.ease.hooks.delivered, Failed: s.ease.hooks.failed, Dropped: s.ease.hooks.dropped,
		},
	}
	if a.free {
		v.Edition = editionFree
	}
	if a.webhooks.block {
		v.Webhooks.PresendDefault = presendBlock
	}
	for _, kind := range hookKinds {
		if !a.webhooks.off[kind] {
			v.Webhooks.Events = append(v.Webhooks.Events, kind)
		}
	}
	return v
}

// easeDoor is the settings of the web socket.
func (s *Sandbox) easeDoor() easeDoor {
	if lines, ok := s.ease.socket.(*easeLines); ok {
		return lines.door
	}
	return easeDoor{}
}

// RequireFriendship lets only friends write to each other, as Easemob's console
// would. With an address that is asked before delivery too, and the secret of its
// rule; "" asks nobody. An address of another machine is refused.
func (s *Sandbox) RequireFriendship(address, secret string) error {
	if err := s.checkHookURL(address); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app.ease.friendship = true
	s.app.ease.webhooks.presendURL, s.app.ease.webhooks.secret = address, secret
	return nil
}

// An easeSpec is the field easemob of POST /control/app.
type easeSpec struct {
	TokenTTL           *string         `json:"token_ttl"`
	Edition            *string         `json:"edition"`
	FriendshipRequired *bool           `json:"friendship_required"`
	Blocks             *bool           `json:"blocks"`
	OpenRegistration   *bool           `json:"open_registration"`
	StrictBulk         *bool           `json:"strict_bulk"`
	AutocreateConflict *bool           `json:"autocreate_conflict"`
	VIP5               *bool           `json:"vip5"`
	ServiceOff         *bool           `json:"service_off"`
	RotateClientSecret json.RawMessage `json:"rotate_client_secret"`
	OneDevice          *bool           `json:"one_device"`
	MaxDevices         *int            `json:"max_devices"`
	MaxOnline          *int            `json:"max_online"`
	BannedForbidden    *bool           `json:"banned_forbidden"`
	Webhooks           *easeHookSpec   `json:"webhooks"`
}

type easeHookSpec struct {
	URL            *string   `json:"url"`
	PresendURL     *string   `json:"presend_url"`
	Secret         *string   `json:"secret"`
	PresendWaitMS  *int      `json:"presend_wait_ms"`
	PresendDefault *string   `json:"presend_default"`
	Events         *[]string `json:"events"`
}

// An easeChange is what an easeSpec asks for, all of it sound.
type easeChange struct {
	app    easeApp
	door   easeDoor
	secret string // the new client secret; empty: the old one stays
}

// easeChange reads a spec over the settings in force. A nil spec changes nothing.
func (s *Sandbox) easeChange(spec *easeSpec) (easeChange, *complaint) {
	c := easeChange{app: s.app.ease, door: s.easeDoor()}
	if spec == nil {
		return c, nil
	}
	bad := func(field, want string) (easeChange, *complaint) {
		return easeChange{}, &complaint{"easemob." + field, want}
	}
	if spec.TokenTTL != nil {
		d, err := parseLifetime(*spec.TokenTTL)
		if err != nil {
			return bad("token_ttl", err.Error())
		}
		c.app.tokenTTL = d
	}
	if spec.Edition != nil {
		if *spec.Edition != editionFree && *spec.Edition != editionPaid {
			return bad("edition", "want free or paid")
		}
		c.app.free = *spec.Edition == editionFree
	}
	for _, n := range []struct {
		field    string
		to, from *int
	}{{"max_devices", &c.door.maxDevices, spec.MaxDevices}, {"max_online", &c.door.maxOnline, spec.MaxOnline}} {
		if n.from == nil {
			continue
		}
		if *n.from < 0 {
			return bad(n.field, "want how many may be online; 0 is no limit")
		}
		*n.to = *n.from
	}
	set(&c.app.friendship, spec.FriendshipRequired)
	set(&c.app.blocks, spec.Blocks)
	set(&c.app.openRegister, spec.OpenRegistration)
	set(&c.app.strictBulk, spec.StrictBulk)
	set(&c.app.conflicts, spec.AutocreateConflict)
	set(&c.app.milliseconds, spec.VIP5)
	set(&c.app.serviceOff, spec.ServiceOff)
	set(&c.door.oneDevice, spec.OneDevice)
	set(&c.door.bannedForbidden, spec.BannedForbidden)
	secret, no := newSecretFrom(spec.RotateClientSecret)
	if no != nil {
		return bad("rotate_client_secret", no.Error)
	}
	c.secret = secret
	if spec.Webhooks != nil {
		if no := spec.Webhooks.change(s, &c.app.webhooks); no != nil {
			return bad("webhooks."+no.Field, no.Error)
		}
	}
	return c, nil
}

const easeMaxPresendWait = 60_000 // ms

func (spec *easeHookSpec) change(s *Sandbox, w *easeWebhooks) *complaint {
	for _, a := range []struct {
		field    string
		to, from *string
	}{{"url", &w.url, spec.URL}, {"presend_url", &w.presendURL, spec.PresendURL}} {
		if a.from == nil {
			continue
		}
		if err := s.checkHookURL(*a.from); err != nil {
			return &complaint{a.field, err.Error()}
		}
		*a.to = *a.from
	}
	if spec.Secret != nil {
		if *spec.Secret == "" || len(*spec.Secret) > 128 || strings.ContainsFunc(*spec.Secret, notPrintable) {
			return &complaint{"secret", "want 1 to 128 printable ASCII characters, no spaces"}
		}
		w.secret = *spec.Secret
	}
	if ms := spec.PresendWaitMS; ms != nil {
		if *ms < 1 || *ms > easeMaxPresendWait {
			return &complaint{"presend_wait_ms", fmt.Sprintf("want milliseconds, 1 to %d", easeMaxPresendWait)}
		}
		w.wait = time.Duration(*ms) * time.Millisecond
	}
	if spec.PresendDefault != nil {
		if *spec.PresendDefault != presendPass && *spec.PresendDefault != presendBlock {
			return &complaint{"presend_default", "want pass or block"}
		}
		w.block = *spec.PresendDefault == presendBlock
	}
	if spec.Events != nil {
		off := map[string]bool{}
		for _, kind := range hookKinds {
			off[kind] = !slices.Contains(*spec.Events, kind)
		}
		for _, kind := range *spec.Events {
			if !slices.Contains(hookKinds, kind) {
				return &complaint{"events", "want some of " + strings.Join(hookKinds, ", ")}
			}
		}
		w.off = off
	}
	return nil
}

// applyEase puts a change into force.
func (s *Sandbox) applyEase(c easeChange) {
	s.app.ease = c.app
	if lines, ok := s.ease.socket.(*easeLines); ok {
		lines.door = c.door
	}
	if c.secret != "" {
		s.app.ease.clientSecret = c.secret
		// App tokens of the old secret are void; those of users are not.
		maps.DeleteFunc(s.store.ease.tokens, func(_ string, t *easeToken) bool { return t.user == nil })
	}
}
