package models_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

func TestACallbackIsTakenOnceByAllProcesses(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, a *modelstest.Store) {
		b := a.Again(t)
		until := a.Clock.Now().Add(10 * time.Minute)
		var taken, replayed atomic.Int64
		var all sync.WaitGroup
		for i := range 20 {
			s := a
			if i%2 == 1 {
				s = b
			}
			all.Go(func() {
				switch err := s.TakeCallback(t.Context(), "one signature", until); {
				case err == nil:
					taken.Add(1)
				case errors.Is(err, models.ErrReplayed):
					replayed.Add(1)
				default:
					t.Errorf("TakeCallback = %v, want nil or ErrReplayed", err)
				}
			})
		}
		all.Wait()
		if taken.Load() != 1 || replayed.Load() != 19 {
			t.Errorf("20 of the same signature in two processes: %d taken, %d replayed, want 1 and 19", taken.Load(), replayed.Load())
		}
		if err := b.TakeCallback(t.Context(), "another signature", until); err != nil {
			t.Errorf("TakeCallback of another signature = %v, want nil", err)
		}
	})
}

func TestSweepForgetsOldCallbacksOnly(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		now := s.Clock.Now()
		for signature, until := range map[string]time.Time{"old": now.Add(time.Minute), "new": now.Add(time.Hour)} {
			if err := s.TakeCallback(t.Context(), signature, until); err != nil {
				t.Fatal(err)
			}
		}
		s.Clock.Advance(2 * time.Minute)
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.TakeCallback(t.Context(), "old", now.Add(time.Hour)); err != nil {
			t.Errorf("TakeCallback of a signature that was swept = %v, want nil", err)
		}
		if err := s.TakeCallback(t.Context(), "new", now.Add(time.Hour)); !errors.Is(err, models.ErrReplayed) {
			t.Errorf("TakeCallback of a signature that is still to be kept = %v, want ErrReplayed", err)
		}
	})
}

func TestMayWrite(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		me, friend, stranger, blocked, blockedFriend, banned, deleted := s.AddUser(t), s.AddUser(t), s.AddUser(t), s.AddUser(t), s.AddUser(t), s.AddUser(t), s.AddUser(t)
		now := s.Clock.Now().UnixMicro()
		for _, u := range []models.User{friend, blockedFriend, banned, deleted} {
			s.Exec(t, "INSERT INTO friends (owner_id, friend_id, created_at) VALUES (?, ?, ?), (?, ?, ?)", me.ID, u.ID, now, u.ID, me.ID, now)
		}
		for _, u := range []models.User{blocked, blockedFriend} {
			s.Exec(t, "INSERT INTO blocks (owner_id, blocked_id, created_at) VALUES (?, ?, ?)", me.ID, u.ID, now)
		}
		s.Exec(t, "UPDATE users SET status = ? WHERE id = ?", models.StatusBanned, banned.ID)
		s.Exec(t, "UPDATE users SET status = ? WHERE id = ?", models.StatusDeleted, deleted.ID)
		// An id at the cloud need not be the id here.
		s.Exec(t, "UPDATE users SET im_id = 'imported' WHERE id = ?", friend.ID)
		for _, c := range []struct {
			what, from, to string
			want           models.Verdict
		}{
			{"a friend to me", "imported", me.IMID, models.VerdictFriends},
			{"me to a friend", me.IMID, "imported", models.VerdictFriends},
			{"our id of a friend, which the cloud does not know", friend.ID, me.IMID, models.VerdictSystem},
			{"a stranger to me", stranger.IMID, me.IMID, models.VerdictStrangers},
			{"who is blocked", blocked.IMID, me.IMID, models.VerdictBlocked},
			{"me to whom I block", me.IMID, blocked.IMID, models.VerdictStrangers},
			{"a friend who is blocked", blockedFriend.IMID, me.IMID, models.VerdictBlocked},
			{"me to a friend whom I block", me.IMID, blockedFriend.IMID, models.VerdictFriends},
			{"a friend who is banned", banned.IMID, me.IMID, models.VerdictGone},
			{"me to a friend who is banned", me.IMID, banned.IMID, models.VerdictFriends},
			{"me to who is deleted", me.IMID, deleted.IMID, models.VerdictGone},
			{"who is deleted to nobody", deleted.IMID, "support", models.VerdictGone},
			{"me to myself", me.IMID, me.IMID, models.VerdictFriends},
			{"the system to me", "system", me.IMID, models.VerdictSystem},
			{"me to the system", me.IMID, "system", models.VerdictSystem},
			{"an id in another case", "IMPORTED", me.IMID, models.VerdictSystem},
			{"an id that is none", "é", me.IMID, models.VerdictSystem},
			{"an empty id", "", me.IMID, models.VerdictSystem},
			{"an id with a quote", "' OR 1=1 --", me.IMID, models.VerdictSystem},
		} {
			if got, err := s.MayWrite(t.Context(), c.from, c.to); err != nil || got != c.want {
				t.Errorf("MayWrite, %s = %q, %v, want %q", c.what, got, err, c.want)
			}
		}
	})
}
