package rongcloud

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"imbridge/tokens/im"
)

func TestAllowTakesTwentyAtATime(t *testing.T) {
	f := &forms{body: `{"code":200}`}
	var ids []string
	for i := range 45 {
		ids = append(ids, fmt.Sprint("u", i))
	}
	if err := newTestClient(t, f).Allow(t.Context(), "owner", ids...); err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, form := range f.got {
		got = append(got, fmt.Sprintf("%s %d", f.path[i], len(form["whiteUserId"])))
	}
	want := []string{"/user/whitelist/add.json 20", "/user/whitelist/add.json 20", "/user/whitelist/add.json 5"}
	if !slices.Equal(got, want) {
		t.Errorf("calls = %q, want %q", got, want)
	}
}

func TestRestrictSwitchesTheListAlone(t *testing.T) {
	for on, setting := range map[bool]string{true: "1", false: "0"} {
		f := &forms{body: `{"code":200}`}
		if err := newTestClient(t, f).Restrict(t.Context(), "owner", on); err != nil {
			t.Fatal(err)
		}
		f.wantForm(t, "/user/whitesetting/set.json", url.Values{"userId": {"owner"}, "whiteSetting": {setting}})
		if len(f.got) != 1 {
			t.Errorf("%d calls, want 1", len(f.got))
		}
	}
}

func TestDisallow(t *testing.T) {
	f := &forms{body: `{"code":200}`}
	if err := newTestClient(t, f).Disallow(t.Context(), "owner", "a", "b"); err != nil {
		t.Fatal(err)
	}
	f.wantForm(t, "/user/whitelist/remove.json", url.Values{"userId": {"owner"}, "whiteUserId": {"a", "b"}})
	if err := newTestClient(t, always(200, recorded(t, "error_1015.json"))).Disallow(t.Context(), "u1", "u2"); err != nil {
		t.Errorf("Disallow of who is not on the list = %v, want no error", err)
	}
}

func TestAllowListsThatAreOffAreAQuota(t *testing.T) {
	n := 0
	c := newTestClient(t, cloudFunc(func(*http.Request) (*http.Response, error) {
		n++
		return reply(400, `{"code":1010,"errorMessage":"not enabled"}`), nil
	}))
	wantKind(t, c.Allow(t.Context(), "u1", "u2"), im.Quota)
	wantKind(t, c.Disallow(t.Context(), "u1", "u2"), im.Quota)
	wantKind(t, c.Restrict(t.Context(), "u1", false), im.Quota)
	if _, err := c.Allowed(t.Context(), "u1"); im.KindOf(err) != im.Quota {
		t.Errorf("Allowed = %v, want kind %q", err, im.Quota)
	}
	if n != 4 {
		t.Errorf("%d calls, want 4: nothing is tried again", n)
	}
}

func TestABadIDOnAnAllowListCostsNoCall(t *testing.T) {
	f := &forms{body: `{"code":200}`}
	c := newTestClient(t, f)
	for _, id := range []string{"", strings.Repeat("x", 65), "a b", "é"} {
		_, listed := c.Allowed(t.Context(), id)
		for _, err := range []error{listed, c.Restrict(t.Context(), id, true), c.Allow(t.Context(), id, "u"), c.Allow(t.Context(), "u", id), c.Disallow(t.Context(), "u", id)} {
			wantKind(t, err, im.Invalid)
		}
	}
	if len(f.got) != 0 {
		t.Errorf("%d calls with bad ids, want none", len(f.got))
	}
}
