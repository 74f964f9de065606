package handlers_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"imbridge/handlers"
)

// overviewRig has an Overview that the test takes samples of.
func overviewRig(t *testing.T) (*rig, *handlers.Overview) {
	t.Helper()
	var o *handlers.Overview
	r := newRig(t, withDeps(func(d *handlers.Deps) {
		o = &handlers.Overview{Metrics: d.Metrics, Now: d.Now}
		d.Overview = o
		d.Settings.MintsPerSecond = 10
	}))
	return r, o
}

// TestOverview counts what is there, and spreads what happened over minutes.
func TestOverview(t *testing.T) {
	r, o := overviewRig(t)
	admin := r.admin()
	look := func() answer {
		t.Helper()
		return r.do(request{method: "GET", path: "/v1/admin/overview", token: admin}).want(t, "overview", http.StatusOK, "")
	}
	minutes := func(a answer, name string) []any { t.Helper(); return a.get("last_hour", name).([]any) }
	o.Note()
	ann := r.register("ann")
	bob := r.register("bob")
	r.register("eve")
	r.store.Clock.Advance(10 * time.Second)
	o.Note()
	r.store.Clock.Advance(2 * time.Minute)
	o.Note()
	r.token(ann)
	r.store.Clock.Advance(10 * time.Second)
	o.Note()

	a := look()
	for _, c := range []struct {
		group, name string
		want        float64
	}{
		{"accounts", "active", 3}, {"accounts", "banned", 0}, {"accounts", "sessions", 3}, {"tokens", "good", 3}, {"tokens", "void", 0}, {"queue", "buried", 0},
	} {
		if got := a.get(c.group, c.name); got != c.want {
			t.Errorf("%s.%s = %v, want %v", c.group, c.name, got, c.want)
		}
	}
	if got := minutes(a, "issued"); len(got) != 60 || got[57] != 3.0 || got[59] != 0.0 {
		t.Errorf("issued by minute = %v, want 3 in the third last", got)
	}
	if got := minutes(a, "reused"); got[59] != 1.0 {
		t.Errorf("reused by minute = %v, want 1 in the last", got)
	}
	if a.get("cloud", "calls").(float64) < 3 || a.get("cloud", "breaker") != "closed" || a.get("cloud", "failed") != 0.0 {
		t.Errorf("cloud = %v, want at least 3 calls, none failed", a.get("cloud"))
	}

	if got := a.get("cloud", "quota_percent"); got != 3.0 {
		t.Errorf("quota in use = %v %%, want 3: three in ten seconds of ten a second", got)
	}

	// A ban makes a token void, a short lifetime makes tokens run out. The counts
	// of before are shown for a while.
	r.asAdmin(admin, "POST", "users/"+bob.id+"/ban", because("spam")).want(t, "ban", http.StatusNoContent, "")
	if got := look().get("accounts", "banned"); got != 0.0 {
		t.Errorf("banned right after = %v, want the 0 that was counted before", got)
	}
	r.setLifetime(admin, "default", "1d", "*").want(t, "lifetime", http.StatusOK, "")
	r.store.Clock.Advance(5 * time.Second)
	a = look()
	if got, _ := json.Marshal(a.get("tokens")); string(got) != `{"ended":0,"ending":2,"good":0,"void":0}` && string(got) != `{"ended":0,"ending":2,"good":0,"void":1}` {
		t.Errorf("tokens under a day = %s, want 2 that end within one", got)
	}
	r.setLifetime(admin, "default", "20s", "*").want(t, "lifetime", http.StatusOK, "")
	r.store.Clock.Advance(30 * time.Second)
	if a = look(); a.get("tokens", "ended") != 2.0 || a.get("accounts", "banned") != 1.0 {
		t.Errorf("tokens and accounts = %v %v, want 2 ended and 1 banned", a.get("tokens"), a.get("accounts"))
	}

	// What is older than an hour is forgotten.
	r.store.Clock.Advance(50 * time.Minute)
	o.Note()
	admin = r.do(request{method: "POST", path: "/v1/admin/login", body: map[string]any{"name": "root", "password": adminPassword}}).text("access_token")
	r.store.Clock.Advance(8 * time.Minute)
	a = look()
	for i, n := range minutes(a, "issued") {
		if n != 0.0 {
			t.Errorf("issued an hour later = %v in minute %d, want nothing", n, i)
		}
	}
	r.do(request{method: "GET", path: "/v1/admin/overview", token: ann.access}).want(t, "overview for a person", http.StatusUnauthorized, "token_expired")
}

// TestOverviewRun looks at once and each ten seconds, and ends with its context.
func TestOverviewRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		looks := 0
		o := &handlers.Overview{Metrics: handlers.NewMetrics(), Now: func() time.Time { looks++; return time.Now() }}
		ended := make(chan error, 1)
		go func() { ended <- o.Run(ctx) }()
		time.Sleep(25 * time.Second)
		synctest.Wait()
		if looks != 3 {
			t.Errorf("looks within 25 s = %d, want 3", looks)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v, want nil at the end of its context", err)
		}
	})
}
