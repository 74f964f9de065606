package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
)

func TestBlacklistPagesNewestFirst(t *testing.T) {
	r := newRig(t)
	for i := range 5 {
		r.ok("/user/blacklist/add.json", "userId", "a", "blackUserId", fmt.Sprintf("b%d", i))
	}
	r.ok("/user/blacklist/add.json", "userId", "a", "blackUserId", "b1") // stays where it is
	var got []string
	next := ""
	for range 10 {
		a := r.ok("/user/blacklist/query.json", "userId", "a", "size", "2", "pageToken", next).fields
		for _, id := range a["users"].([]any) {
			got = append(got, id.(string))
		}
		// An id that arrives between two pages disturbs neither.
		r.ok("/user/blacklist/add.json", "userId", "a", "blackUserId", "late"+strconv.Itoa(len(got)))
		if next = a["next"].(string); next == "" {
			break
		}
	}
	if want := []string{"b4", "b3", "b2", "b1", "b0"}; !slices.Equal(got, want) {
		t.Errorf("pages = %v, want %v", got, want)
	}
	r.ok("/user/blacklist/remove.json", "userId", "a", "blackUserId", "b4", "blackUserId", "nobody")
	if ids := r.ok("/user/blacklist/query.json", "userId", "a").fields["users"].([]any); slices.Contains(ids, any("b4")) {
		t.Errorf("blacklist after remove = %v, want no b4", ids)
	}
	if a := r.ok("/user/blacklist/query.json", "userId", "b4").fields; len(a["users"].([]any)) != 0 || a["next"] != "" {
		t.Errorf("blacklist of another = %v, want none: it is one-way", a)
	}
}

func TestBlacklistEndsAt3000(t *testing.T) {
	r := newRig(t, func(c *Config) { c.NoRateLimits = true })
	for i := range 150 {
		var pairs []string
		for j := range 20 {
			pairs = append(pairs, "blackUserId", fmt.Sprintf("b%d", i*20+j))
		}
		r.ok("/user/blacklist/add.json", append(pairs, "userId", "a")...)
	}
	if a := r.call("/user/blacklist/add.json", "userId", "a", "blackUserId", "more"); a.code != 1502 {
		t.Errorf("id 3001 = code %d, want 1502", a.code)
	}
	r.ok("/user/blacklist/add.json", "userId", "a", "blackUserId", "b7")
}

func TestListsCanBeSwitchedOff(t *testing.T) {
	r := newRig(t)
	r.set("/control/app", `{"blacklist":false,"whitelist":false}`)
	if a := r.call("/user/blacklist/query.json", "userId", "a"); a.code != 1011 || a.status != 430 {
		t.Errorf("blacklist switched off = code %d, http %d, want 1011, 430", a.code, a.status)
	}
	if a := r.call("/user/whitelist/add.json", "userId", "a", "whiteUserId", "b"); a.code != 1010 || a.status != 430 {
		t.Errorf("whitelist switched off = code %d, http %d, want 1010, 430", a.code, a.status)
	}
	r.set("/control/app", `{"whitelist":true}`)
	r.ok("/user/whitelist/add.json", "userId", "a", "whiteUserId", "b")
	if got := r.ok("/user/whitelist/query.json", "userId", "a").fields["users"]; fmt.Sprint(got) != "[b]" {
		t.Errorf("whitelist = %v, want [b]", got)
	}
	r.ok("/user/whitelist/remove.json", "userId", "a", "whiteUserId", "b")
}
