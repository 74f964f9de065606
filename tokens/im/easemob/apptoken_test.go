package easemob

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imbridge/tokens/im"
)

func asked(c *Client, ctx context.Context) error {
	_, err := c.user(ctx, "u1")
	return err
}

func userCloud() *fake {
	return &fake{answers: map[string]func(int, *http.Request) (int, string){"GET /users/u1": always(200, goodUser)}}
}

func TestOneAppTokenServesForHalfItsLife(t *testing.T) {
	f := userCloud() // tokens live 1000 s
	c := newTestClient(t, f)
	now := time.Unix(1e9, 0)
	c.Now = func() time.Time { return now }
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {499 * time.Second, 1}, {time.Second, 2}, {100 * time.Second, 2}} {
		now = now.Add(step.after)
		if err := asked(c, t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := f.count("app token"); got != step.want {
			t.Errorf("%d app tokens were fetched by %v, want %d", got, now.Sub(time.Unix(1e9, 0)), step.want)
		}
	}
}

func TestCallersShareTheFetchOfAnAppToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := userCloud()
		f.answers["app token"] = func(int, *http.Request) (int, string) {
			time.Sleep(time.Second)
			return 200, `{"access_token":"app","expires_in":1000}`
		}
		c := newTestClient(t, f)
		var all sync.WaitGroup
		for range 300 {
			all.Go(func() {
				if err := asked(c, t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := f.count("app token"); got != 1 {
			t.Errorf("%d app tokens were fetched by 300 callers, want 1", got)
		}
	})
}

// One that the cloud refuses is replaced once, and the call made again with it.
func TestARefusedAppTokenIsReplacedOnce(t *testing.T) {
	for _, refuse := range []int{1, 100} {
		f := userCloud()
		f.answers["GET /users/u1"] = func(n int, _ *http.Request) (int, string) {
			if n <= refuse {
				return 401, `{"error":"unauthorized","error_description":"Unable to authenticate due to expired access token"}`
			}
			return 200, goodUser
		}
		c := newTestClient(t, f)
		err := asked(c, t.Context())
		if refuse == 1 && err != nil {
			t.Errorf("a call after its app token was replaced = %v, want no error", err)
		}
		if refuse > 1 {
			wantKind(t, err, im.Unauthorized)
		}
		if got := f.tokens; !slices.Equal(got, []string{"app1", "app2"}) {
			t.Errorf("calls carried %q, want app1 and then app2", got)
		}
	}
}

// A cloud that refuses whatever it has given is not asked for a token by each call.
func TestAppTokensThatAreAllRefusedAreNotFetchedByEachCall(t *testing.T) {
	f := userCloud()
	f.answers["GET /users/u1"] = always(401, `{"error":"unauthorized","error_description":"Unable to authenticate due to expired access token"}`)
	c := newTestClient(t, f)
	now := time.Unix(1e9, 0)
	c.Now = func() time.Time { return now }
	for range 50 {
		wantKind(t, asked(c, t.Context()), im.Unauthorized)
	}
	if got := f.count("app token"); got > 2 {
		t.Errorf("%d app tokens were fetched by 50 calls that were all refused, want 2 at most", got)
	}
	f.answers["GET /users/u1"] = func(_ int, r *http.Request) (int, string) {
		if r.Header.Get("Authorization") != "Bearer app3" {
			return 401, `{"error":"unauthorized"}`
		}
		return 200, goodUser
	}
	wantKind(t, asked(c, t.Context()), im.Unauthorized)
	now = now.Add(appTokenRefused)
	if err := asked(c, t.Context()); err != nil {
		t.Errorf("a call some time later, when new tokens are good = %v, want no error", err)
	}
}

func TestAfterAFailureNobodyAsksForAnAppTokenAtOnce(t *testing.T) {
	f := userCloud()
	f.answers["app token"] = always(400, `{"error":"invalid_grant","error_description":"client_secret does not match"}`)
	c := newTestClient(t, f)
	now := time.Unix(1e9, 0)
	c.Now = func() time.Time { return now }
	for range 20 {
		wantKind(t, asked(c, t.Context()), im.Unauthorized)
	}
	if got := f.count("app token"); got != 1 {
		t.Errorf("a wrong secret was tried %d times by 20 callers, want once", got)
	}
	now = now.Add(appTokenRefused)
	wantKind(t, asked(c, t.Context()), im.Unauthorized)
	if got := f.count("app token"); got != 2 {
		t.Errorf("it was tried %d times after a pause, want twice", got)
	}
	if f.count("GET /users/u1") != 0 {
		t.Error("a call was sent without an app token")
	}
}

// While no new one is to be had, the old one serves to its end.
func TestAnOldAppTokenServesWhileThereIsNoNewOne(t *testing.T) {
	f := userCloud()
	f.answers["app token"] = func(n int, _ *http.Request) (int, string) {
		if n > 1 {
			return 429, `{"error":"reach_limit","error_description":"slow down"}`
		}
		return 200, `{"access_token":"app1","expires_in":1000}`
	}
	c := newTestClient(t, f)
	now := time.Unix(1e9, 0)
	c.Now = func() time.Time { return now }
	for range 10 {
		if err := asked(c, t.Context()); err != nil {
			t.Fatalf("a call at %v = %v, want the old app token to serve", now.Sub(time.Unix(1e9, 0)), err)
		}
		now = now.Add(99 * time.Second)
	}
	now = now.Add(20 * time.Second)
	wantKind(t, asked(c, t.Context()), im.Throttled)
}

func TestACallerWhoLeavesSpoilsTheFetchForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := userCloud()
		f.answers["app token"] = func(int, *http.Request) (int, string) {
			time.Sleep(time.Second)
			return 200, `{"access_token":"app","expires_in":1000}`
		}
		c := newTestClient(t, f)
		ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer stop()
		first := make(chan error, 1)
		go func() { first <- asked(c, ctx) }()
		time.Sleep(50 * time.Millisecond)
		if err := asked(c, t.Context()); err != nil {
			t.Errorf("the second caller's call = %v, want no error", err)
		}
		wantKind(t, <-first, im.Unavailable)
	})
}
