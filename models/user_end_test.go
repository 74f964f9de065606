package models_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

// queued lists "kind +seconds" of a person's rows, from now, in the order of kinds.
func queued(t testing.TB, s *modelstest.Store, userID string) string {
	t.Helper()
	rows, err := s.Outbox(ctx, models.OutboxFilter{Subject: userID}, "", 10)
	want(t, "Outbox", err, nil)
	var list []string
	for _, kind := range allKinds {
		for _, r := range rows {
			if r.Kind == kind {
				list = append(list, fmt.Sprintf("%s +%g", kind, r.NextAt.Sub(s.Clock.Now()).Seconds()))
			}
		}
	}
	return strings.Join(list, ", ")
}

// ends are the changes that the cloud must hear of.
var ends = []struct {
	name string
	// ready people have a token; the others are new.
	ready bool
	do    func(s *modelstest.Store, id string) error
	// queued is what the change alone puts into the queue.
	queued, action string
}{
	{"ban", true, func(s *modelstest.Store, id string) error { return s.BanUser(ctx, id, "spam", "admin:a", from) }, "revoke +0, ban +0", "user.ban"},
	{"ban of a new person", false, func(s *modelstest.Store, id string) error { return s.BanUser(ctx, id, "spam", "admin:a", from) }, "ban +0", "user.ban"},
	{"unban", true, func(s *modelstest.Store, id string) error { return s.UnbanUser(ctx, id, "sorry", "admin:a", from) }, "ban +0", "user.unban"},
	{"unban of a new person", false, func(s *modelstest.Store, id string) error { return s.UnbanUser(ctx, id, "sorry", "admin:a", from) }, "provision +0, ban +0", "user.unban"},
	{"delete", true, func(s *modelstest.Store, id string) error { return s.DeleteUser(ctx, id, "admin:a", from) }, "revoke +0, remove +0", "user.delete"},
	{"rollback", false, func(s *modelstest.Store, id string) error { return s.RollbackUser(ctx, id, from) }, "remove +0", "user.rollback"},
	{"end all", true, func(s *modelstest.Store, id string) error { return s.EndSessionsByAdmin(ctx, id, "admin:a", from) }, "revoke +0", "session.end_all"},
	{"nickname", true, func(s *modelstest.Store, id string) error {
		nick := "Nick"
		_, err := s.ChangeProfile(ctx, id, models.ProfileChange{Nickname: &nick}, from)
		return err
	}, "profile +0", "user.profile"},
}

func TestAChangeAndItsOutboxRowsCommitTogether(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		for _, c := range ends {
			u := s.AddUser(t)
			s.AddSession(t, u)
			if c.ready {
				s.AddToken(t, u, models.NewToken{})
			}
			state := func() string {
				var status, nick string
				var epoch, tokens, sessions int64
				err := s.SQL(t).QueryRow(`SELECT status, nickname, token_epoch, (SELECT COUNT(*) FROM im_tokens WHERE user_id = users.id AND token_sealed IS NOT NULL),
					(SELECT COUNT(*) FROM sessions WHERE user_id = users.id AND revoked_at IS NULL) FROM users WHERE id = ?`, u.ID).Scan(&status, &nick, &epoch, &tokens, &sessions)
				want(t, "state", err, nil)
				return fmt.Sprint(status, nick, epoch, tokens, sessions, queued(t, s, u.ID))
			}
			before := state()
			s.Exec(t, "ALTER TABLE audit RENAME TO audit_away") // the last statement of each
			err := c.do(s, u.ID)
			s.Exec(t, "ALTER TABLE audit_away RENAME TO audit")
			if err == nil {
				t.Fatalf("%s without the audit = nil, want it refused", c.name)
			}
			equal(t, "what a "+c.name+" that failed has changed", state(), before)
			select {
			case <-s.OutboxWritten(): // of earlier changes, or of this one's failure
			default:
			}

			want(t, c.name, c.do(s, u.ID), nil)
			equal(t, "queue after "+c.name, queued(t, s, u.ID), c.queued)
			equal(t, "audit rows of "+c.name, s.Count(t, "SELECT COUNT(*) FROM audit WHERE action = ? AND subject = ?", c.action, "user:"+u.ID), 1)
			select {
			case <-s.OutboxWritten():
			default:
				t.Errorf("%s woke nobody", c.name)
			}
		}
	})
}

func TestBanKeepsOutUntilUnban(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		session, refresh := s.AddSession(t, u)
		s.AddToken(t, u, models.NewToken{})
		want(t, "BanUser", s.BanUser(ctx, u.ID, strings.Repeat("r", 600), "admin:a", from), nil)
		banned, err := s.User(ctx, u.ID)
		if err != nil || banned.Status != models.StatusBanned || len(banned.BanReason) != 500 {
			t.Errorf("user = %+v, %v; want banned, with 500 characters of the reason", banned, err)
		}
		_, err = s.TokenView(ctx, app, u.ID, session.ID)
		want(t, "TokenView with the session", err, models.ErrBanned)
		_, err = s.TokenView(ctx, app, u.ID, "")
		want(t, "TokenView", err, models.ErrBanned)
		_, _, err = s.RefreshSession(ctx, refresh, from)
		want(t, "RefreshSession", err, models.ErrBanned)
		_, _, err = s.CreateSession(ctx, u, from)
		want(t, "CreateSession of a login under way", err, models.ErrStale)

		want(t, "BanUser again", s.BanUser(ctx, u.ID, "another reason", "admin:a", from), nil)
		want(t, "UnbanUser", s.UnbanUser(ctx, u.ID, "sorry", "admin:a", from), nil)
		free, err := s.User(ctx, u.ID)
		if err != nil || free.Status != models.StatusActive || free.BanReason != "" {
			t.Errorf("user = %+v, %v; want active, without a reason", free, err)
		}
		v, err := s.TokenView(ctx, app, u.ID, session.ID)
		if err != nil || v.Value != "" {
			t.Errorf("TokenView with the session of before = %+v, %v; want it alive, and no token", v, err)
		}
		equal(t, "rows of ban", outboxRowOf(t, s, u.ID, models.KindBan).Generation, 3)
		for name, do := range map[string]error{"BanUser": s.BanUser(ctx, "nobody", "", "admin:a", from), "UnbanUser": s.UnbanUser(ctx, "nobody", "", "admin:a", from),
			"EndSessionsByAdmin": s.EndSessionsByAdmin(ctx, "nobody", "admin:a", from), "DeleteUser": s.DeleteUser(ctx, "nobody", "admin:a", from), "RollbackUser": s.RollbackUser(ctx, "nobody", from)} {
			want(t, name+" of nobody", do, models.ErrNotFound)
		}
		want(t, "DeleteUser", s.DeleteUser(ctx, u.ID, "admin:a", from), nil)
		want(t, "UnbanUser of the deleted", s.UnbanUser(ctx, u.ID, "", "admin:a", from), models.ErrNotFound)
		want(t, "BanUser of the deleted", s.BanUser(ctx, u.ID, "", "admin:a", from), models.ErrNotFound)
	})
}

func outboxRowOf(t testing.TB, s *modelstest.Store, subject, kind string) models.OutboxRow {
	t.Helper()
	rows, err := s.Outbox(ctx, models.OutboxFilter{Subject: subject, Kind: kind}, "", 10)
	want(t, "Outbox", err, nil)
	if len(rows) != 1 {
		t.Fatalf("rows of %s and %s = %d, want one", kind, subject, len(rows))
	}
	return rows[0]
}

// A mint that is at the cloud when somebody is deleted would register them
// again, so that the removal waits for it.
func TestRemovalWaitsForAMintUnderWay(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		for _, c := range []struct {
			name  string
			ready bool
		}{{"first mint", false}, {"renewal", true}} {
			u := s.AddUser(t)
			if c.ready {
				s.AddToken(t, u, models.NewToken{})
			}
			v, until := view(t, s, u), s.Clock.Now().Add(15*time.Second)
			want(t, "ClaimToken", s.ClaimToken(ctx, app, v, "me", until), nil)
			want(t, "DeleteUser", s.DeleteUser(ctx, u.ID, "admin:a", from), nil)
			equal(t, c.name+": queue", queued(t, s, u.ID), "revoke +0, remove +15")
			under, err := s.MintUnderWay(ctx, u.ID)
			if err != nil || !under.Equal(until) {
				t.Errorf("%s: MintUnderWay after the deletion = %s, %v; want %s", c.name, under, err, until)
			}
			s.Clock.Advance(15 * time.Second)
			if under, err = s.MintUnderWay(ctx, u.ID); err != nil || !under.IsZero() {
				t.Errorf("%s: MintUnderWay after the lease = %s, %v; want none", c.name, under, err)
			}
		}
	})
}

// A revocation leaves the next mint free to begin, while the one that it fenced
// may still be at the cloud.
func TestARevokedMintDoesNotHoldUpTheNext(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		s.AddToken(t, u, models.NewToken{})
		until := s.Clock.Now().Add(15 * time.Second)
		want(t, "ClaimToken", s.ClaimToken(ctx, app, view(t, s, u), "old", until), nil)
		want(t, "EndSessions", s.EndSessions(ctx, u.ID, "", from), nil)
		v := view(t, s, u)
		if v.LeaseUntil.After(s.Clock.Now()) {
			t.Errorf("lease in the view after a revocation = %s, want a free one", v.LeaseUntil)
		}
		if under, err := s.MintUnderWay(ctx, u.ID); err != nil || !under.Equal(until) {
			t.Errorf("MintUnderWay = %s, %v; want %s", under, err, until)
		}
		want(t, "ClaimToken of the next", s.ClaimToken(ctx, app, v, "new", until), nil)
		want(t, "SwapToken of the next", s.SwapToken(ctx, app, v, "new", models.NewToken{Value: "new", IssuedAt: s.Clock.Now(), SecretVersion: 1}), nil)
		equal(t, "the token", view(t, s, u).Value, "new")
	})
}

func TestADeletedNameComesBackAsSomebodyElse(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		in := models.NewUser{Username: "Ann", Password: modelstest.Password, Email: "ann@example.com", Phone: "+8613800138000", Nickname: "Annie"}
		first, err := s.CreateUser(ctx, in, "", from)
		want(t, "CreateUser", err, nil)
		want(t, "DeleteUser", s.DeleteUser(ctx, first.User.ID, "user:"+first.User.ID, from), nil)
		second, err := s.CreateUser(ctx, in, "", from)
		want(t, "CreateUser with the names of the deleted", err, nil)
		if second.User.ID == first.User.ID || second.User.IMID == first.User.IMID {
			t.Errorf("ids = %s and %s, want others than %s and %s", second.User.ID, second.User.IMID, first.User.ID, first.User.IMID)
		}
		tomb, err := s.UserEver(ctx, first.User.ID)
		if err != nil || tomb.Username != "Ann" || tomb.Email != "ann@example.com" || tomb.Status != models.StatusDeleted || !tomb.DeletedAt.Equal(s.Clock.Now()) {
			t.Errorf("tombstone = %+v, %v; want the names still there, deleted now", tomb, err)
		}
		want(t, "ScrubUser of somebody alive", s.ScrubUser(ctx, second.User.ID), nil)
		want(t, "ScrubUser", s.ScrubUser(ctx, first.User.ID), nil)
		want(t, "ScrubUser again", s.ScrubUser(ctx, first.User.ID), nil)
		if tomb, err = s.UserEver(ctx, first.User.ID); err != nil || tomb.Username+tomb.Email+tomb.Nickname != "" {
			t.Errorf("tombstone after scrubbing = %+v, %v; want no name", tomb, err)
		}
		if alive, err := s.User(ctx, second.User.ID); err != nil || alive.Username != "Ann" || alive.Nickname != "Annie" {
			t.Errorf("the second of the name = %+v, %v; want untouched", alive, err)
		}
	})
}

func TestRollbackFreesKeyAndName(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		first, err := s.CreateUser(ctx, newUser("ann"), "key-1", from)
		want(t, "CreateUser", err, nil)
		equal(t, "queue after registering", queued(t, s, first.User.ID), "provision +5")
		want(t, "RollbackUser", s.RollbackUser(ctx, first.User.ID, from), nil)
		want(t, "RollbackUser again", s.RollbackUser(ctx, first.User.ID, from), models.ErrNotFound)
		_, _, err = s.RefreshSession(ctx, first.RefreshToken, from)
		want(t, "RefreshSession", err, models.ErrSessionEnded)
		_, err = s.Authenticate(ctx, "ann", modelstest.Password, from)
		want(t, "Authenticate", err, models.ErrBadCredentials)
		second, err := s.CreateUser(ctx, newUser("ann"), "key-1", from)
		if err != nil || second.Replayed || second.User.ID == first.User.ID {
			t.Errorf("CreateUser with the same key and name = %+v, %v; want somebody new", second, err)
		}
	})
}

func TestRollbackLosesAgainstATokenAndABan(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		s.AddToken(t, u, models.NewToken{})
		want(t, "RollbackUser after a token", s.RollbackUser(ctx, u.ID, from), models.ErrNotFound)
		if _, err := s.User(ctx, u.ID); err != nil {
			t.Errorf("User = %v, want them there", err)
		}
		want(t, "EndSessions", s.EndSessions(ctx, u.ID, "", from), nil)
		want(t, "RollbackUser after a token that was revoked", s.RollbackUser(ctx, u.ID, from), models.ErrNotFound)

		banned := s.AddUser(t)
		want(t, "BanUser", s.BanUser(ctx, banned.ID, "spam", "admin:a", from), nil)
		want(t, "RollbackUser after a ban", s.RollbackUser(ctx, banned.ID, from), models.ErrNotFound)
	})
}

// Of a rollback and the swap of a first token that meet, one alone holds.
func TestRollbackAgainstTheFirstToken(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		other := s.Again(t)
		for round := range 30 {
			u := s.AddUser(t)
			v := view(t, s, u)
			want(t, "ClaimToken", s.ClaimToken(ctx, app, v, "me", s.Clock.Now().Add(time.Minute)), nil)
			var swapped, rolled error
			together(2, func(i int) {
				if i == round%2 {
					swapped = s.SwapToken(ctx, app, v, "me", models.NewToken{Value: "t", IssuedAt: s.Clock.Now(), SecretVersion: 1})
				} else {
					rolled = other.RollbackUser(ctx, u.ID, from)
				}
			})
			_, err := s.User(ctx, u.ID)
			if kept := err == nil; kept != (swapped == nil) || kept != errors.Is(rolled, models.ErrNotFound) || !kept && !errors.Is(swapped, models.ErrStale) {
				t.Fatalf("round %d: swap = %v, rollback = %v, User = %v; want one of them to hold", round, swapped, rolled, err)
			}
		}
	})
}

// The first token takes the person's provisioning away, unless somebody has it
// under delivery, who then does so.
func TestTheFirstTokenEndsProvisioning(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		for _, leased := range []bool{false, true} {
			u := s.AddUser(t)
			enqueue(t, s, models.KindProvision, u.ID, s.Clock.Now())
			var row models.OutboxRow
			if leased {
				row = claimOne(t, s, "a")
			}
			s.AddToken(t, u, models.NewToken{})
			if leased {
				want(t, "FinishOutbox of who delivers it", s.FinishOutbox(ctx, row), nil)
			}
			equal(t, fmt.Sprintf("queue, under delivery %v", leased), queued(t, s, u.ID), "")
		}
	})
}
