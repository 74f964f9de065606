package rongcloud

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"imbridge/tokens/im"
)

func TestUsersAsksForFullPagesOldestFirst(t *testing.T) {
	f := &forms{body: `{"code":200,"total":250,"users":[{"userId":"u1","userName":"n","userPortrait":"p","regTime":"2016-05-24 10:38:19"}]}`}
	c := newTestClient(t, f)
	first, err := c.Users(t.Context(), "")
	if err != nil || len(first.Users) != 1 || first.Users[0] != (im.User{ID: "u1", Name: "n", AvatarURL: "p"}) || first.Total != 250 {
		t.Errorf("Users = %+v, %v, want u1 with name and avatar, of 250", first, err)
	}
	f.wantForm(t, "/user/query.json", url.Values{"page": {"1"}, "pageSize": {"100"}, "order": {"0"}})
	if _, err := c.Users(t.Context(), first.Next); err != nil {
		t.Fatal(err)
	}
	f.wantForm(t, "/user/query.json", url.Values{"page": {"2"}, "pageSize": {"100"}, "order": {"0"}})
}

func TestUsersEndsAndSaysWhetherThatWasAll(t *testing.T) {
	people := func(n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(`{"userId":"u","userName":"n"},`, n), ",") + "]"
	}
	for _, c := range []struct {
		page, body string
		next       string
		complete   bool
	}{
		{"", `{"code":200,"total":0,"users":[]}`, "", true},
		{"", `{"code":200,"total":2,"users":` + people(2) + `}`, "", true},
		{"", `{"code":200,"total":101,"users":` + people(100) + `}`, "2.100", false},
		{"2.100", `{"code":200,"total":101,"users":` + people(1) + `}`, "", true},
		// Somebody on an earlier page was deleted meanwhile, so that one slipped through.
		{"3.200", `{"code":200,"total":202,"users":[]}`, "", false},
		// Without a total, a page that is not full is the last, and nobody can vouch for it.
		{"", `{"code":200,"users":` + people(100) + `}`, "2.100", false},
		{"2.100", `{"code":200,"users":` + people(5) + `}`, "", false},
	} {
		cl := newTestClient(t, always(http.StatusOK, c.body))
		got, err := cl.Users(t.Context(), c.page)
		if err != nil || got.Next != c.next || got.Complete != c.complete {
			t.Errorf("Users(%q) of %.60s… = next %q, complete %v, %v; want %q, %v", c.page, c.body, got.Next, got.Complete, err, c.next, c.complete)
		}
	}
}

func TestUsersOfAnAppThatMayNotListIsNoError(t *testing.T) {
	for _, c := range []struct {
		status, code int
		unlisted     bool
	}{
		{430, 1009, true}, {404, 404, true}, {401, 1007, true}, {403, 403, true}, {405, 405, true},
		{401, 1001, false}, {401, 1004, false}, {429, 1008, false}, {503, 1000, false}, {400, 1002, false},
	} {
		cl := newTestClient(t, always(c.status, fmt.Sprintf(`{"code":%d,"errorMessage":"no"}`, c.code)))
		got, err := cl.Users(t.Context(), "")
		if got.Unlisted != c.unlisted || (err == nil) != c.unlisted {
			t.Errorf("Users refused by code %d (http %d) = unlisted %v, %v; want unlisted %v", c.code, c.status, got.Unlisted, err, c.unlisted)
		}
	}
	// A list that cannot be read is no empty list.
	_, err := newTestClient(t, always(http.StatusOK, `{"code":200,"total":3,"users":"many"}`)).Users(t.Context(), "")
	wantKind(t, err, im.Unknown)
}
