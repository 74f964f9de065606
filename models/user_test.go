package models_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

func newUser(name string) models.NewUser {
	return models.NewUser{Username: name, Password: modelstest.Password}
}

func TestCreateUserNamesTheFieldThatIsTaken(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		in := models.NewUser{Username: "Ann", Password: modelstest.Password, Email: "Ann@Example.com", Phone: "+86 138 0013 8000", Nickname: "Ännchen 😀", AvatarURL: "https://example.com/a.png"}
		reg, err := s.CreateUser(ctx, in, "", from)
		want(t, "CreateUser", err, nil)
		u, err := s.User(ctx, reg.User.ID)
		want(t, "User", err, nil)
		equal(t, "the user read back", u, reg.User)
		wanted := models.User{ID: u.ID, IMID: u.ID, Username: "Ann", Email: "Ann@Example.com", Phone: "+8613800138000", Nickname: "Ännchen 😀", AvatarURL: "https://example.com/a.png",
			Status: models.StatusActive, IMState: models.IMPending, Version: 1, CreatedAt: s.Clock.Now()}
		wanted = models.SameEpoch(wanted, u)
		equal(t, "the user", u, wanted)
		if len(u.ID) != 26 || u.ID != strings.ToLower(u.ID) {
			t.Errorf("id = %q, want a lower-case ULID", u.ID)
		}
		_, session, err := s.SessionUser(ctx, reg.Session.ID, u.ID)
		want(t, "SessionUser", err, nil)
		equal(t, "the session", session, reg.Session)

		for field, in := range map[string]models.NewUser{
			"username": {Username: "ANN", Password: modelstest.Password},
			"email":    {Username: "bob", Password: modelstest.Password, Email: "aNN@example.COM"},
			"phone":    {Username: "bob", Password: modelstest.Password, Phone: "+8613800138000"},
		} {
			_, err := s.CreateUser(ctx, in, "", from)
			var taken *models.TakenError
			if !errors.As(err, &taken) || taken.Field != field {
				t.Errorf("CreateUser with a %s that is taken = %v, want a TakenError for it", field, err)
			}
			for _, value := range []string{"ann@example.com", "13800138000"} {
				if err != nil && strings.Contains(strings.ToLower(err.Error()), value) {
					t.Errorf("the error %q quotes a value", err)
				}
			}
		}
		equal(t, "users after refusals", s.Count(t, "SELECT COUNT(*) FROM users"), 1)
		equal(t, "sessions after refusals", s.Count(t, "SELECT COUNT(*) FROM sessions"), 1)
		equal(t, "audit rows of registering", s.Count(t, "SELECT COUNT(*) FROM audit WHERE action = 'user.register'"), 1)
	})
}

func TestCreateUserNamesTheFieldThatIsWrong(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		good := models.NewUser{Username: "ann", Password: modelstest.Password}
		for field, change := range map[string]func(*models.NewUser){
			"username":   func(u *models.NewUser) { u.Username = "13800138000" },
			"password":   func(u *models.NewUser) { u.Password = "short" },
			"email":      func(u *models.NewUser) { u.Email = "nowhere" },
			"phone":      func(u *models.NewUser) { u.Phone = "123" },
			"nickname":   func(u *models.NewUser) { u.Nickname = "a\x00" },
			"avatar_url": func(u *models.NewUser) { u.AvatarURL = "ftp://x" },
		} {
			in := good
			change(&in)
			_, err := s.CreateUser(ctx, in, "", from)
			var wrong *models.FieldError
			if !errors.As(err, &wrong) || wrong.Field != field {
				t.Errorf("CreateUser with a bad %s = %v, want a FieldError for it", field, err)
			}
		}
	})
}

// TestEveryWrongFieldIsNamedAtOnce: nobody has to send a form once for each
// mistake in it.
func TestEveryWrongFieldIsNamedAtOnce(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		named := func(err error) string {
			var all models.FieldErrors
			if !errors.As(err, &all) {
				t.Fatalf("error = %v, want FieldErrors", err)
			}
			names := make([]string, len(all))
			for i, f := range all {
				names[i] = f.Field
			}
			return strings.Join(names, " ")
		}
		_, err := s.CreateUser(ctx, models.NewUser{Username: "a b", Password: "short", Nickname: "a\x00", Email: "nowhere", Phone: "12", AvatarURL: "ftp://x"}, "", from)
		equal(t, "fields of a bad registration", named(err), "username password nickname email phone avatar_url")

		u := s.AddUser(t)
		bad := func(s string) *string { return &s }
		_, err = s.ChangeProfile(ctx, u.ID, models.ProfileChange{Nickname: bad("a\n"), Email: bad("nowhere"), Phone: bad("12"), AvatarURL: bad("x")}, from)
		equal(t, "fields of a bad profile", named(err), "nickname email phone avatar_url")

		_, err = s.CreateUser(ctx, models.NewUser{Username: "ben", Password: modelstest.Password, Email: "ben@example.com", Phone: "+8613800138001"}, "", from)
		want(t, "CreateUser", err, nil)
		_, err = s.CreateUser(ctx, models.NewUser{Username: "BEN", Password: modelstest.Password, Email: "Ben@example.com", Phone: "+8613800138001"}, "", from)
		var taken *models.TakenError
		if !errors.As(err, &taken) || len(taken.Also) != 2 {
			t.Errorf("CreateUser with three names of another = %+v, want a TakenError with two others", taken)
		}
	})
}

func TestChangeProfile(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u, other := s.AddUser(t), s.AddUser(t)
		str := func(v string) *string { return &v }
		got, err := s.ChangeProfile(ctx, u.ID, models.ProfileChange{Nickname: str("Ann"), Email: str("ann@example.com"), Phone: str("+8613800138000"), AvatarURL: str("https://e.com/a")}, from)
		want(t, "ChangeProfile", err, nil)
		u.Nickname, u.Email, u.Phone, u.AvatarURL, u.Version = "Ann", "ann@example.com", "+8613800138000", "https://e.com/a", 2
		equal(t, "the user as returned", got, u)
		read, err := s.User(ctx, u.ID)
		want(t, "User", err, nil)
		equal(t, "the user as read", read, u)

		got, err = s.ChangeProfile(ctx, u.ID, models.ProfileChange{Phone: str("")}, from)
		want(t, "ChangeProfile", err, nil)
		if got.Phone != "" || got.Email != "ann@example.com" || got.Nickname != "Ann" {
			t.Errorf("after removing the phone alone: %+v, want the rest as it was", got)
		}
		_, err = s.ChangeProfile(ctx, other.ID, models.ProfileChange{Email: str("ANN@example.com")}, from)
		var taken *models.TakenError
		if !errors.As(err, &taken) || taken.Field != "email" {
			t.Errorf("ChangeProfile to an e-mail of another = %v, want a TakenError for it", err)
		}
		_, err = s.ChangeProfile(ctx, "nobody", models.ProfileChange{}, from)
		want(t, "ChangeProfile of nobody", err, models.ErrNotFound)

		var c tally
		together(8, func(i int) {
			_, err := s.ChangeProfile(ctx, u.ID, models.ProfileChange{Nickname: str(fmt.Sprint("Ann", i))}, from)
			c.err(err, models.ErrStale)
		})
		read, err = s.User(ctx, u.ID)
		want(t, "User", err, nil)
		if c.n["ok"] < 1 || c.n["ok"]+c.n[models.ErrStale.Error()] != 8 || read.Version != int64(3+c.n["ok"]) {
			t.Errorf("eight changes at once: %v, version %d; want each made or stale, and counted", c.n, read.Version)
		}
	})
}

func TestChangePasswordEndsWhatTheOldOneOpened(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		mine, _ := s.AddSession(t, u)
		other, _ := s.AddSession(t, u)
		s.AddToken(t, u, models.NewToken{})
		want(t, "ChangePassword with a wrong one", s.ChangePassword(ctx, u.ID, mine.ID, "wrong password", "another password 7", from), models.ErrBadCredentials)
		var wrong *models.FieldError
		if err := s.ChangePassword(ctx, u.ID, mine.ID, modelstest.Password, "short", from); !errors.As(err, &wrong) || wrong.Field != "new_password" {
			t.Errorf("ChangePassword to a short one = %v, want a FieldError for new_password", err)
		}
		want(t, "ChangePassword", s.ChangePassword(ctx, u.ID, mine.ID, modelstest.Password, "another password 7", from), nil)

		_, _, err := s.SessionUser(ctx, mine.ID, u.ID)
		want(t, "the session that changed it", err, nil)
		_, _, err = s.SessionUser(ctx, other.ID, u.ID)
		want(t, "the other session", err, models.ErrSessionEnded)
		v, err := s.TokenView(ctx, modelstest.App, u.ID, mine.ID)
		want(t, "TokenView", err, nil)
		equal(t, "the stored token", v.Value, "")
		equal(t, "the epoch", v.Epoch, 2)
		_, err = s.Authenticate(ctx, u.Username, modelstest.Password, from)
		want(t, "Authenticate with the old password", err, models.ErrBadCredentials)
		_, err = s.Authenticate(ctx, u.Username, "another password 7", from)
		want(t, "Authenticate with the new password", err, nil)
	})
}

func TestALoginUnderWayDoesNotOutliveAPasswordChangeOrADelete(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		mine, _ := s.AddSession(t, u)
		authenticated, err := s.Authenticate(ctx, u.Username, modelstest.Password, from)
		want(t, "Authenticate", err, nil)
		want(t, "ChangePassword", s.ChangePassword(ctx, u.ID, mine.ID, modelstest.Password, "another password 7", from), nil)
		_, _, err = s.CreateSession(ctx, authenticated, from)
		want(t, "CreateSession after the password was changed", err, models.ErrStale)

		authenticated, err = s.Authenticate(ctx, u.Username, "another password 7", from)
		want(t, "Authenticate", err, nil)
		want(t, "DeleteUser", s.DeleteUser(ctx, u.ID, "user:"+u.ID, from), nil)
		_, _, err = s.CreateSession(ctx, authenticated, from)
		want(t, "CreateSession after the delete", err, models.ErrStale)
	})
}

func TestDeleteUserLeavesNoPersonalDataAndNoWayIn(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		reg, err := s.CreateUser(ctx, models.NewUser{Username: "Ann", Password: modelstest.Password, Nickname: "Annie", Email: "ann@example.com", Phone: "+8613800138000", AvatarURL: "https://e.com/annie"}, "", from)
		want(t, "CreateUser", err, nil)
		u := reg.User
		s.AddToken(t, u, models.NewToken{})
		want(t, "SetLifetime", s.SetLifetime(ctx, u.ID, time.Hour, models.Match{}, "admin:x", from), nil)
		before, err := s.Lifetimes(ctx)
		want(t, "Lifetimes", err, nil)

		want(t, "DeleteUser", s.DeleteUser(ctx, u.ID, "user:"+u.ID, from), nil)
		want(t, "DeleteUser again", s.DeleteUser(ctx, u.ID, "user:"+u.ID, from), models.ErrNotFound)
		_, err = s.User(ctx, u.ID)
		want(t, "User", err, models.ErrNotFound)
		_, err = s.TokenView(ctx, modelstest.App, u.ID, reg.Session.ID)
		want(t, "TokenView with the session", err, models.ErrSessionEnded)
		_, err = s.TokenView(ctx, modelstest.App, u.ID, "")
		want(t, "TokenView", err, models.ErrNotFound)
		_, _, err = s.RefreshSession(ctx, reg.RefreshToken, from)
		want(t, "RefreshSession", err, models.ErrSessionEnded)
		revoked, err := s.Revocation(ctx, modelstest.App, u.ID)
		if err != nil || !revoked.Equal(s.Clock.Now()) {
			t.Errorf("Revocation = %s, %v; want the deleted person's, up to now", revoked, err)
		}
		after, err := s.Lifetimes(ctx)
		if err != nil || len(after.Users) != 0 || after.Revision == before.Revision {
			t.Errorf("Lifetimes = %+v, %v; want none of the person's, and another revision than %d", after, err, before.Revision)
		}
		for _, column := range []string{"COALESCE(username_key, '')", "COALESCE(email_key, '')", "COALESCE(phone, '')", "password_hash"} {
			equal(t, "rows that keep "+column+" before the cloud has removed them", s.Count(t, "SELECT COUNT(*) FROM users WHERE "+column+" <> ''"), 0)
		}
		want(t, "ScrubUser", s.ScrubUser(ctx, u.ID), nil)
		for _, column := range []string{"username", "COALESCE(username_key, '')", "COALESCE(email, '')", "COALESCE(email_key, '')", "COALESCE(phone, '')", "nickname", "avatar_url", "password_hash"} {
			equal(t, "rows that keep "+column, s.Count(t, "SELECT COUNT(*) FROM users WHERE "+column+" <> ''"), 0)
		}
		again, err := s.CreateUser(ctx, models.NewUser{Username: "ann", Password: modelstest.Password, Email: "ann@example.com", Phone: "+8613800138000"}, "", from)
		if err != nil || again.User.ID == u.ID {
			t.Errorf("CreateUser with the names of a deleted person = %q, %v; want another id", again.User.ID, err)
		}
	})
}

func TestUsersFindsByBeginningAndPages(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		names := []string{"per%cent", "per_son", "person", "perXson", "王小明"}
		byName := map[string]models.User{}
		for i, name := range names {
			in := newUser(name)
			in.Email = fmt.Sprintf("m%d@example.com", i)
			if i == 0 {
				in.Phone = "+8613800138000"
			}
			reg, err := s.CreateUser(ctx, in, "", from)
			want(t, "CreateUser "+name, err, nil)
			byName[name] = reg.User
			s.Clock.Advance(time.Second)
		}
		for query, wanted := range map[string]string{
			"per": "per%cent per_son person perXson", "per%": "per%cent", "per_": "per_son", "PERX": "perXson", "per!": "", "%": "", "_": "", "erson": "",
			"王": "王小明", "M2@Ex": "person", "+8613800138000": "per%cent", byName["person"].ID: "person", "\\": "", "'": "", "": strings.Join(names, " "),
		} {
			found, err := s.Users(ctx, query, "", 10)
			want(t, "Users", err, nil)
			var got []string
			for _, u := range found {
				got = append(got, u.Username)
			}
			equal(t, fmt.Sprintf("Users(%q)", query), strings.Join(got, " "), wanted)
		}
		var got []string
		for after := ""; ; {
			page, err := s.Users(ctx, "", after, 2)
			want(t, "Users", err, nil)
			if len(page) == 0 {
				break
			}
			if len(page) > 2 {
				t.Fatalf("a page of %d, want at most 2", len(page))
			}
			for _, u := range page {
				got = append(got, u.Username)
			}
			after = page[len(page)-1].ID
		}
		equal(t, "all pages", strings.Join(got, " "), strings.Join(names, " "))
	})
}

func TestIdsThatAreNotOursAreNotFound(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		for _, id := range []string{"", "x", "ü", "王", "\x00", "\xff", strings.Repeat("x", 10_000), "' OR 1=1 --"} {
			what := fmt.Sprintf(" of %.20q", id)
			_, err := s.User(ctx, id)
			want(t, "User"+what, err, models.ErrNotFound)
			_, err = s.TokenView(ctx, modelstest.App, id, "")
			want(t, "TokenView"+what, err, models.ErrNotFound)
			_, err = s.TokenView(ctx, modelstest.App, u.ID, "x"+id)
			want(t, "TokenView with session"+what, err, models.ErrSessionEnded)
			_, _, err = s.SessionUser(ctx, id, u.ID)
			want(t, "SessionUser"+what, err, models.ErrSessionEnded)
			want(t, "EndSession"+what, s.EndSession(ctx, u.ID, id, true, from), models.ErrNotFound)
			want(t, "DeleteUser"+what, s.DeleteUser(ctx, id, "system", from), models.ErrNotFound)
			_, err = s.Admin(ctx, id)
			want(t, "Admin"+what, err, models.ErrNotFound)
			if id != "" { // which is the default
				want(t, "SetLifetime"+what, s.SetLifetime(ctx, id, time.Hour, models.Match{}, "admin:x", from), models.ErrNotFound)
				want(t, "DeleteLifetime"+what, s.DeleteLifetime(ctx, id, models.Match{}, "admin:x", from), models.ErrNotFound)
			}
			_, err = s.Users(ctx, id, "", 10)
			want(t, "Users"+what, err, nil)
		}
		odd := models.Origin{IP: "ü", UserAgent: "é\x00\xff", Device: strings.Repeat("王", 200), RequestID: "ü" + strings.Repeat("x", 200)}
		session, _, err := s.CreateSession(ctx, u, odd)
		want(t, "CreateSession from an odd origin", err, nil)
		equal(t, "its device", session.Device, strings.Repeat("王", 42))
	})
}

func TestAbandonedCallsGiveTheContextsError(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		gone, cancel := context.WithCancel(ctx)
		cancel()
		_, err := s.Authenticate(gone, "ann", modelstest.Password, from)
		want(t, "Authenticate", err, context.Canceled)
		_, err = s.TokenView(gone, modelstest.App, "x", "")
		want(t, "TokenView", err, context.Canceled)
		_, err = s.CreateUser(gone, newUser("ann"), "k", from)
		want(t, "CreateUser", err, context.Canceled)
	})
}

func TestOthersSeeTheNicknameOrTheUsername(t *testing.T) {
	for nickname, want := range map[string]string{"Ann A.": "Ann A.", " x": " x", "": "ann", " ": "ann", " \u3000\u00a0 ": "ann"} {
		if got := (models.User{Username: "ann", Nickname: nickname}).DisplayName(); got != want {
			t.Errorf("DisplayName with nickname %q = %q, want %q", nickname, got, want)
		}
	}
}
