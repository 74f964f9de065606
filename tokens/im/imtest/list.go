package imtest

import (
	"testing"

	"imbridge/tokens/im"
)

// everybody reads all pages and fails where somebody is on two of them.
func everybody(t *testing.T, l im.Lister) (all map[string]im.User, last im.UserPage) {
	t.Helper()
	all = map[string]im.User{}
	for pages, page := 0, ""; ; pages++ {
		if pages > 1000 {
			t.Fatal("no end after 1000 pages")
		}
		got, err := l.Users(within(t, limit), page)
		must(t, "Users", err)
		for _, u := range got.Users {
			if _, twice := all[u.ID]; twice {
				t.Errorf("%q is listed twice", u.ID)
			}
			all[u.ID] = u
		}
		if got.Next == "" {
			return all, got
		}
		if got.Complete {
			t.Errorf("page %q is Complete and names a next one", page)
		}
		page = got.Next
	}
}

var listCases = []testCase{
	{name: "Users/is empty where nobody is", run: func(t *testing.T, h Harness) {
		l, ok := role[im.Lister](t, h)
		if !ok {
			return
		}
		all, last := everybody(t, l)
		if len(all) != 0 || !last.Complete || last.Unlisted {
			t.Errorf("Users of an empty cloud = %v, last page %+v, want nobody and Complete", all, last)
		}
	}},
	{name: "Users/lists everybody once with name and avatar", run: func(t *testing.T, h Harness) {
		l, ok := role[im.Lister](t, h)
		if !ok {
			return
		}
		want := map[string]im.User{}
		for i := range 205 {
			u := newUser()
			if i%2 == 0 {
				u.AvatarURL = ""
			}
			mint(t, h, u, 0)
			want[u.ID] = u
		}
		all, last := everybody(t, l)
		for id, u := range want {
			if all[id] != u {
				t.Errorf("Users has %+v, want %+v", all[id], u)
			}
		}
		if len(all) != len(want) || !last.Complete {
			t.Errorf("Users has %d people, Complete %v, want %d and true", len(all), last.Complete, len(want))
		}
		if last.Total != 0 && last.Total != len(want) {
			t.Errorf("Total = %d, want %d or 0", last.Total, len(want))
		}
	}},
	{name: "Users/leaves out who was removed", run: func(t *testing.T, h Harness) {
		l, ok := role[im.Lister](t, h)
		r, able := h.Client.(im.Remover)
		if !ok || !able {
			return
		}
		gone, kept := newUser(), newUser()
		mint(t, h, gone, 0)
		mint(t, h, kept, 0)
		must(t, "Remove", r.Remove(within(t, limit), gone.ID))
		all, last := everybody(t, l)
		if _, there := all[gone.ID]; there || all[kept.ID] != kept {
			t.Errorf("Users after Remove = %v, want %q alone", all, kept.ID)
		}
		if !last.Complete {
			t.Error("Complete = false, want true: who was removed is not missing from the list")
		}
		if p, ok := h.Client.(im.Profiler); ok {
			_, err := p.Profile(within(t, limit), gone.ID)
			refused(t, h, "Profile of somebody who was removed", err, im.UnknownUser)
		}
	}},
	{name: "Users/says that it does not list here", run: func(t *testing.T, h Harness) {
		l, ok := role[im.Lister](t, h)
		if !ok || h.Unlist == nil {
			return
		}
		mint(t, h, newUser(), 0)
		h.Unlist()
		got, err := l.Users(within(t, limit), "")
		must(t, "Users", err)
		if !got.Unlisted || len(got.Users) != 0 || got.Next != "" || got.Complete {
			t.Errorf("Users where the cloud does not list = %+v, want Unlisted and nothing else", got)
		}
	}},
	{name: "Users/a wrong secret is Unauthorized, not Unlisted", run: func(t *testing.T, h Harness) {
		if l, ok := role[im.Lister](t, h); ok {
			h.ChangeSecret()
			_, err := l.Users(within(t, limit), "")
			refused(t, h, "Users with a wrong secret", err, im.Unauthorized)
		}
	}},
	{name: "Users/a page that was never named is Invalid", run: func(t *testing.T, h Harness) {
		if l, ok := role[im.Lister](t, h); ok {
			_, err := l.Users(within(t, limit), "nonsense page")
			refused(t, h, "Users of a page of nonsense", err, im.Invalid)
		}
	}},
}
