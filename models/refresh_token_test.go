package models_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"imbridge/models"
	"imbridge/models/modelstest"
)

func TestRefreshRotates(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		session, first := s.AddSession(t, u)
		s.Clock.Advance(time.Hour)
		got, second, err := s.RefreshSession(ctx, first, models.Origin{IP: "198.51.100.7", UserAgent: "newer"})
		want(t, "RefreshSession", err, nil)
		wanted := session
		wanted.IP, wanted.UserAgent = "198.51.100.7", "newer"
		wanted.RotatedAt, wanted.LastUsedAt, wanted.ExpiresAt = s.Clock.Now(), s.Clock.Now(), s.Clock.Now().Add(30*24*time.Hour)
		equal(t, "the session as returned", got, wanted)
		_, read, err := s.SessionUser(ctx, session.ID, u.ID)
		want(t, "SessionUser", err, nil)
		equal(t, "the session as read", read, wanted)
		if second == first || !strings.HasPrefix(second, "imr1_") {
			t.Errorf("the successor is %q, want another token", second)
		}
	})
}

func TestRefreshWithinTheGraceGivesTheSuccessor(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		_, first := s.AddSession(t, s.AddUser(t))
		_, second, err := s.RefreshSession(ctx, first, from)
		want(t, "RefreshSession", err, nil)
		s.Clock.Advance(10 * time.Second)
		_, again, err := s.RefreshSession(ctx, first, from)
		want(t, "RefreshSession at the end of the grace", err, nil)
		equal(t, "the successor", again, second)
		_, third, err := s.RefreshSession(ctx, second, from)
		want(t, "RefreshSession of the successor", err, nil)
		if third == second {
			t.Error("the successor's successor is itself, want another")
		}
	})
}

func TestReplayEndsTheSessionAndRevokesTokens(t *testing.T) {
	for name, replay := range map[string]func(s *modelstest.Store, first, second string) string{
		"after the grace": func(s *modelstest.Store, first, _ string) string {
			s.Clock.Advance(10*time.Second + time.Microsecond)
			return first
		},
		"within the grace, after the successor was used": func(s *modelstest.Store, first, second string) string {
			_, _, _ = s.RefreshSession(ctx, second, from)
			return first
		},
	} {
		t.Run(name, func(t *testing.T) {
			modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
				u := s.AddUser(t)
				session, first := s.AddSession(t, u)
				other, _ := s.AddSession(t, u)
				s.AddToken(t, u, models.NewToken{})
				_, second, err := s.RefreshSession(ctx, first, from)
				want(t, "RefreshSession", err, nil)
				token := replay(s, first, second)
				_, _, err = s.RefreshSession(ctx, token, from)
				want(t, "RefreshSession of an old token", err, models.ErrRefreshReplayed)
				_, _, err = s.RefreshSession(ctx, token, from)
				want(t, "and once more", err, models.ErrSessionEnded)
				_, _, err = s.RefreshSession(ctx, second, from)
				want(t, "RefreshSession of the newer one", err, models.ErrSessionEnded)
				_, _, err = s.SessionUser(ctx, session.ID, u.ID)
				want(t, "SessionUser", err, models.ErrSessionEnded)
				v, err := s.TokenView(ctx, modelstest.App, u.ID, other.ID)
				want(t, "TokenView with another session", err, nil)
				if v.Value != "" || v.Epoch != 2 {
					t.Errorf("stored token after a replay = %q at epoch %d, want none at 2", v.Value, v.Epoch)
				}
				before, err := s.Revocation(ctx, modelstest.App, u.ID)
				if err != nil || !before.Equal(s.Clock.Now()) {
					t.Errorf("Revocation = %s, %v; want up to now", before, err)
				}
				equal(t, "audit rows of replays", s.Count(t, "SELECT COUNT(*) FROM audit WHERE action = 'session.replayed'"), 1)
			})
		})
	}
}

func TestForgedRefreshTokensChangeNothing(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		session, mine := s.AddSession(t, u)
		_, theirs := s.AddSession(t, u)
		for range 3 {
			_, next, err := s.RefreshSession(ctx, mine, from)
			want(t, "RefreshSession", err, nil)
			mine = next
		}
		for name, token := range map[string]string{
			"an old counter with a wrong HMAC": models.ForgeRefreshToken(session.ID, 1, make([]byte, 16)),
			"the next counter":                 models.ForgeRefreshToken(session.ID, 5, models.RefreshMACOf(mine)),
			"today's counter, a wrong HMAC":    models.ForgeRefreshToken(session.ID, 4, make([]byte, 16)),
			"another session's HMAC":           models.ForgeRefreshToken(session.ID, 1, models.RefreshMACOf(theirs)),
			"no such session":                  models.ForgeRefreshToken("01aaaaaaaaaaaaaaaaaaaaaaaa", 1, make([]byte, 16)),
			"garbage":                          "imr1_garbage",
			"nothing":                          "",
		} {
			_, _, err := s.RefreshSession(ctx, token, from)
			want(t, "RefreshSession of "+name, err, models.ErrRefreshInvalid)
		}
		_, _, err := s.RefreshSession(ctx, mine, from)
		want(t, "RefreshSession of the true one", err, nil)
	})
}

func TestManyRefreshesOfOneTokenHaveOneSuccessor(t *testing.T) {
	n := 200
	if testing.Short() {
		n = 100
	}
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		stores := []*modelstest.Store{s, s.Again(t)}
		u := s.AddUser(t)
		session, token := s.AddSession(t, u)
		for round := range 3 {
			successors := make([]string, n)
			together(n, func(i int) {
				var err error
				if _, successors[i], err = stores[i%2].RefreshSession(ctx, token, from); err != nil {
					t.Errorf("RefreshSession number %d: %v", i, err)
				}
			})
			for _, got := range successors {
				equal(t, "a successor", got, successors[0])
			}
			equal(t, "the counter", s.Count(t, "SELECT counter FROM sessions WHERE id = ?", session.ID), int64(round+2))
			token = successors[0]
		}
	})
}

func TestNoRefreshOutlivesTheEndOfItsSession(t *testing.T) {
	rounds := 200
	if testing.Short() {
		rounds = 40
	}
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		other := s.Again(t)
		u := s.AddUser(t)
		survivors := 0
		for range rounds {
			session, token := s.AddSession(t, u)
			together(2, func(i int) {
				if i == 0 {
					if err := other.EndSession(ctx, u.ID, session.ID, true, from); err != nil {
						t.Errorf("EndSession: %v", err)
					}
					return
				}
				_, next, err := s.RefreshSession(ctx, token, from)
				if err == nil {
					token = next
				} else if !errors.Is(err, models.ErrSessionEnded) {
					t.Errorf("RefreshSession = %v, want a successor or ErrSessionEnded", err)
				}
			})
			if _, _, err := s.RefreshSession(ctx, token, from); !errors.Is(err, models.ErrSessionEnded) {
				survivors++
			}
		}
		equal(t, "sessions that outlived their end", survivors, 0)
	})
}

// TestRefreshTokensAgainstAModel plays random hands of refreshes, replays, ends
// and pauses against the few lines that say what must happen.
func TestRefreshTokensAgainstAModel(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u := s.AddUser(t)
		rapid.Check(t, func(r *rapid.T) {
			session, token := s.AddSession(t, u)
			issued := []string{token} // by counter, from 1
			rotated, begun, expires := s.Clock.Now(), s.Clock.Now(), session.ExpiresAt
			ended := false
			r.Repeat(map[string]func(*rapid.T){
				"pause": func(r *rapid.T) {
					s.Clock.Advance(rapid.SampledFrom([]time.Duration{time.Microsecond, time.Second, 5 * time.Second, 10 * time.Second, 11 * time.Second,
						24 * time.Hour, 29 * 24 * time.Hour, 31 * 24 * time.Hour}).Draw(r, "for"))
				},
				"end": func(r *rapid.T) {
					if rapid.IntRange(0, 9).Draw(r, "rarely") > 0 {
						return
					}
					gone := ended || !s.Clock.Now().Before(expires)
					err := s.EndSession(ctx, u.ID, session.ID, true, from)
					if gone != errors.Is(err, models.ErrNotFound) || !gone && err != nil {
						r.Fatalf("EndSession = %v, session gone before: %v", err, gone)
					}
					ended = ended || !gone
				},
				"refresh": func(r *rapid.T) {
					back := min(rapid.SampledFrom([]int{0, 0, 0, 0, 1, 1, 2, 3}).Draw(r, "back"), len(issued)-1)
					now := s.Clock.Now()
					got, next, err := s.RefreshSession(ctx, issued[len(issued)-1-back], from)
					switch {
					case ended || !now.Before(expires):
						if !errors.Is(err, models.ErrSessionEnded) {
							r.Fatalf("refresh of a session that is over = %v, want ErrSessionEnded", err)
						}
						ended = true
					case back == 0:
						if err != nil {
							r.Fatalf("refresh = %v, want a successor", err)
						}
						for i, old := range issued {
							if old == next {
								r.Fatalf("the successor of token %d is token %d again", len(issued), i+1)
							}
						}
						issued, rotated = append(issued, next), now
						expires = now.Add(30 * 24 * time.Hour)
						if end := begun.Add(365 * 24 * time.Hour); end.Before(expires) {
							expires = end
						}
						if !got.ExpiresAt.Equal(expires) || !got.RotatedAt.Equal(now) {
							r.Fatalf("session ends %s, rotated %s; want %s, %s", got.ExpiresAt, got.RotatedAt, expires, now)
						}
					case back == 1 && now.Sub(rotated) <= 10*time.Second:
						if err != nil || next != issued[len(issued)-1] {
							r.Fatalf("refresh within the grace = %q, %v; want the successor", next, err)
						}
					default:
						if !errors.Is(err, models.ErrRefreshReplayed) {
							r.Fatalf("refresh of a token %d back, %s after = %v; want ErrRefreshReplayed", back, now.Sub(rotated), err)
						}
						ended = true
					}
				},
				"": func(r *rapid.T) {
					live := !ended && s.Clock.Now().Before(expires)
					if _, _, err := s.SessionUser(ctx, session.ID, u.ID); (err == nil) != live {
						r.Fatalf("SessionUser = %v, want a live session: %v", err, live)
					}
				},
			})
		})
	})
}

func TestRefreshTokensDifferBetweenSessions(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		u, seen := s.AddUser(t), map[string]bool{}
		for i := range 20 {
			_, token := s.AddSession(t, u)
			if seen[token] || len(token) > 80 {
				t.Errorf("token %d = %q, want a new one of at most 80 characters", i, token)
			}
			seen[token] = true
			equal(t, "rows that hold it", s.Count(t, "SELECT COUNT(*) FROM sessions WHERE user_agent LIKE ? OR device LIKE ?", "%"+token+"%", "%"+token+"%"), 0)
		}
		equal(t, "tokens seen", fmt.Sprint(len(seen)), "20")
	})
}

// A refresh asks for the time after it has read its session and before it writes:
// what happens just there is what a race would do.
func TestRefreshWritesNothingOverWhatHappenedMeanwhile(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		var meanwhile func()
		slow := s.Again(t, func(o *models.Options) {
			o.Now = func() time.Time {
				if f := meanwhile; f != nil {
					meanwhile = nil
					f()
				}
				return s.Clock.Now()
			}
		})
		u := s.AddUser(t)

		session, token := s.AddSession(t, u)
		meanwhile = func() { want(t, "EndSession", s.EndSession(ctx, u.ID, session.ID, true, from), nil) }
		_, _, err := slow.RefreshSession(ctx, token, from)
		want(t, "RefreshSession of a session that ended meanwhile", err, models.ErrSessionEnded)
		equal(t, "its counter", s.Count(t, "SELECT counter FROM sessions WHERE id = ?", session.ID), 1)

		session, token = s.AddSession(t, u)
		var second string
		meanwhile = func() {
			_, second, err = s.RefreshSession(ctx, token, from)
			want(t, "RefreshSession", err, nil)
		}
		_, got, err := slow.RefreshSession(ctx, token, from)
		want(t, "RefreshSession of a token that was replaced meanwhile", err, nil)
		equal(t, "its successor", got, second)

		session, token = s.AddSession(t, u)
		meanwhile = func() {
			_, second, err = s.RefreshSession(ctx, token, from)
			want(t, "RefreshSession", err, nil)
			_, _, err = s.RefreshSession(ctx, second, from)
			want(t, "RefreshSession", err, nil)
		}
		_, _, err = slow.RefreshSession(ctx, token, from)
		want(t, "RefreshSession of a token that was replaced twice meanwhile", err, models.ErrRefreshReplayed)
		equal(t, "its counter", s.Count(t, "SELECT counter FROM sessions WHERE id = ?", session.ID), 3)
	})
}
