package handlers_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func (r *rig) find(p person, query string) answer {
	r.t.Helper()
	return r.do(request{method: "GET", path: "/v1/people?" + query, token: p.access})
}

func (a answer) names() []string {
	var names []string
	list, _ := a.get("people").([]any)
	for _, p := range list {
		names = append(names, p.(map[string]any)["username"].(string))
	}
	return names
}

func TestPeople(t *testing.T) {
	r := newRig(t)
	ann := r.register("Ann")
	r.do(request{method: "POST", path: "/v1/register", body: map[string]any{"username": "annabel", "password": password, "email": "secret@example.com", "phone": "+8613800138000", "nickname": "Bel"}})
	bob, wang := r.register("bob_1"), r.register("王小明")
	r.register("bobx1")
	cases := []struct {
		query string
		want  []string
	}{
		{"an", []string{"annabel"}}, // never oneself
		{"ANNABEL", []string{"annabel"}},
		{"bob", []string{"bob_1", "bobx1"}},
		{"bob_", []string{"bob_1"}}, // no wildcard
		{"%", nil},
		{"b%", nil},
		{"王", []string{"王小明"}},
		{"nobel", nil},
		{"nab", nil},            // not in the middle
		{"secret@example", nil}, // nor by what is not for others
		{"+8613800138000", nil},
		{bob.id, nil},
	}
	for _, c := range cases {
		if got := r.find(ann, "query="+url.QueryEscape(c.query)).want(t, c.query, http.StatusOK, "").names(); !slices.Equal(got, c.want) {
			t.Errorf("people for %q = %v, want %v", c.query, got, c.want)
		}
	}
	a := r.find(ann, "query=annabel")
	list := a.get("people").([]any)
	if got := list[0].(map[string]any); len(got) != 5 || got["nickname"] != "Bel" || got["im_user_id"] != got["id"] {
		t.Errorf("somebody found = %v, want id, im_user_id, username, nickname and avatar_url alone", got)
	}
	if strings.Contains(string(a.raw), "secret@") || strings.Contains(string(a.raw), "138") {
		t.Errorf("the answer shows what is not for others: %s", a.raw)
	}
	if got := r.find(ann, "im_user_ids="+bob.id+","+wang.id+",nobody").names(); !slices.Equal(got, []string{"bob_1", "王小明"}) {
		t.Errorf("people by id = %v, want the two", got)
	}

	// The banned are not found, but what they wrote has a name; the deleted are gone.
	admin := r.admin()
	r.do(request{method: "POST", path: "/v1/admin/users/" + bob.id + "/ban", token: admin, body: map[string]any{"reason": "x"}}).want(t, "ban", http.StatusNoContent, "")
	r.do(request{method: "DELETE", path: "/v1/me", token: wang.access}).want(t, "delete", http.StatusNoContent, "")
	if got := r.find(ann, "query=bob").names(); !slices.Equal(got, []string{"bobx1"}) {
		t.Errorf("people after a ban = %v, want the other", got)
	}
	if got := r.find(ann, "im_user_ids="+bob.id+","+wang.id).names(); !slices.Equal(got, []string{"bob_1"}) {
		t.Errorf("people by id after a ban and a deletion = %v, want the banned one", got)
	}
}

func TestPeopleLimits(t *testing.T) {
	r := newRig(t)
	ann := r.register("ann")
	for i := range 25 {
		if i < 22 {
			r.register(fmt.Sprintf("many%02d", i))
		}
	}
	if got := r.find(ann, "query=many").names(); len(got) != 20 || got[0] != "many00" {
		t.Errorf("%d people found, beginning with %v, want the first 20", len(got), got)
	}
	for query, code := range map[string]string{
		"": "bad_query", "query=": "bad_query", "query=%00": "bad_query", "query=%ff": "bad_query", "query=" + strings.Repeat("x", 255): "bad_query",
		"im_user_ids=" + strings.Repeat("x,", 20) + "x": "bad_query", "im_user_ids=" + strings.Repeat("x", 65): "bad_query", "im_user_ids=a,,b": "bad_query", "im_user_ids=%20": "bad_query",
	} {
		r.find(ann, query).want(t, query, http.StatusBadRequest, code)
	}
	// One was asked above; what is refused does not count.
	for i := range 29 {
		r.find(ann, "query=x").want(t, fmt.Sprint("search ", i), http.StatusOK, "")
	}
	a := r.find(ann, "query=x").want(t, "the 31st search", http.StatusTooManyRequests, "throttled")
	if s, _ := a.get("retry_after").(float64); s < 1 || s > 60 {
		t.Errorf("retry_after = %v, want up to a minute", s)
	}
	// What conversations are named by is counted apart, so that neither keeps the other waiting.
	for i := range 120 {
		r.find(ann, "im_user_ids="+ann.id).want(t, fmt.Sprint("look-up ", i), http.StatusOK, "")
	}
	r.find(ann, "im_user_ids="+ann.id).want(t, "the 121st look-up", http.StatusTooManyRequests, "throttled")
	bob := r.register("bob")
	r.find(bob, "query=x").want(t, "somebody else's search", http.StatusOK, "")
	r.store.Clock.Advance(time.Minute)
	r.find(ann, "query=x").want(t, "a search a minute later", http.StatusOK, "")
	r.find(ann, "im_user_ids="+bob.id).want(t, "a look-up a minute later", http.StatusOK, "")
}
