package models_test

import (
	"testing"

	"imbridge/models"
	"imbridge/models/modelstest"
)

// TestUserChangesAtAVersion has two admins who look at the same person: the one
// who comes second changes nothing, whatever the two do.
func TestUserChangesAtAVersion(t *testing.T) {
	changes := map[string]func(s *modelstest.Store, id string, version int64) error{
		"ban": func(s *modelstest.Store, id string, version int64) error {
			return s.BanUserAt(ctx, id, version, "spam", "admin:ann", from)
		},
		"unban": func(s *modelstest.Store, id string, version int64) error {
			return s.UnbanUserAt(ctx, id, version, "a mistake", "admin:ann", from)
		},
		"delete": func(s *modelstest.Store, id string, version int64) error {
			return s.DeleteUserAt(ctx, id, version, "admin:ann", from)
		},
	}
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		for name, change := range changes {
			reg, err := s.CreateUser(ctx, models.NewUser{Username: "carl-" + name, Password: "correct horse battery"}, "", from)
			want(t, "CreateUser", err, nil)
			id, seen := reg.User.ID, reg.User.Version
			want(t, name+" at a version to come", change(s, id, seen+1), models.ErrStale)
			var c tally
			together(4, func(int) { c.err(change(s, id, seen), models.ErrStale, models.ErrNotFound) })
			if c.n["ok"] != 1 {
				t.Errorf("%s by four at one version = %v, want one of them", name, c.n)
			}
			missing := models.ErrStale
			if name == "delete" {
				missing = models.ErrNotFound
			}
			want(t, name+" at the old version", change(s, id, seen), missing)
			equal(t, "audit rows of "+name, s.Count(t, "SELECT COUNT(*) FROM audit WHERE subject = ? AND action = ?", "user:"+id, "user."+name), 1)
		}
		want(t, "ban of nobody", changes["ban"](s, "01h00000000000000000000000", 1), models.ErrNotFound)
	})
}
