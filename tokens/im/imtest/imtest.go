package imtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"imbridge/tokens/im"
)

// A Target is a client to test.
type Target struct {
	// New returns a client and a fresh, empty cloud of its own, whose tokens
	// live for lifetime; zero means for ever. It cleans up by t.Cleanup.
	New func(t *testing.T, lifetime time.Duration) Harness
}

// A Harness is a client and the emulated cloud behind it. Every field is
// required, but for those that say otherwise.
type Harness struct {
	// Client is what is tested. Its clock must be Now.
	Client im.Cloud
	// Accepts tells whether an SDK with this token could connect now.
	Accepts func(token string) bool
	// Now is the cloud's clock.
	Now func() time.Time
	// Advance moves it.
	Advance func(d time.Duration)
	// Break makes every call fail in the given way until Heal. It returns
	// false where the emulator cannot do that; the case is then left out.
	Break func(f Fault) bool
	// Heal ends what Break began.
	Heal func()
	// ChangeSecret makes the client's secret wrong.
	ChangeSecret func()
	// Secrets must never be seen in an error: the app secret and what it signs.
	Secrets []string
	// Unlist makes the cloud refuse to list its users, as it does for some
	// apps. Nil where it never does.
	Unlist func()
	// LifetimeByCall: tokens live for what Mint is told, not for what New is.
	LifetimeByCall bool
	// NeverPermanent: every token ends, also one that was to be permanent.
	NeverPermanent bool
	// EndlessBans: a ban lasts until Unban, whatever Ban is told.
	EndlessBans bool
	// KnownOnly: only people whom the cloud knows can be blocked.
	KnownOnly bool
	// LogsIn tells whether an SDK could log in with a password. Nil where there
	// are none.
	LogsIn func(userID, password string) bool
	// FriendsPage is how many friends fit in one page; zero if there are no pages.
	FriendsPage int
	// Pages is how many ids fit in one page of a block list; zero if there
	// are no pages.
	Pages int
	// BanCrowd registers and bans more people than fit in one page of bans, behind
	// the client's back, and returns their ids. Nil where there are no pages.
	BanCrowd func() []string
	// MayWrite tells whether the cloud delivers a message that a client of one
	// sends to another. Nil where the emulator cannot tell.
	MayWrite func(from, to string) bool
	// Lose makes the cloud forget everybody whom it knows, behind the client's back.
	Lose func()
	// FillFriends gives a user as many friends as the plan allows, behind the
	// client's back. Nil where nothing limits them.
	FillFriends func(userID string)
	// DisableAllowLists switches the cloud's service of allow lists off. Nil where
	// it cannot be.
	DisableAllowLists func()
}

// A Fault is one way to break.
type Fault string

// The faults. Those with an answer have HTTP status 200 unless they say
// otherwise.
const (
	ResetBefore Fault = "reset before" // the connection breaks, nothing was done
	ResetAfter  Fault = "reset after"  // it was done, the connection breaks
	Status500   Fault = "status 500"   // a proxy's page with status 500
	Status503   Fault = "status 503"   // a proxy's page with status 503
	HTML        Fault = "html"         // a login page
	Empty       Fault = "empty"        // no body
	Truncated   Fault = "truncated"    // the first half of the real answer
	WrongType   Fault = "wrong type"   // JSON whose fields have other types
	Binary      Fault = "binary"       // bytes that are no text
	Huge        Fault = "huge"         // 10 MB of sound JSON
	Slow        Fault = "slow"         // the answer comes after 5 s
	Throttled   Fault = "throttled"    // the cloud says: too many calls
)

// Run runs every case in a parallel subtest with a fresh Harness.
func Run(t *testing.T, target Target) {
	var all []testCase
	for _, group := range [][]testCase{
		cloudCases, mintCases, revokeCases, passwordCases, kickCases, banCases, profileCases, listCases, removeCases, blockCases, allowCases, friendCases, watchCases, checkCases, faultCases(),
	} {
		all = append(all, group...)
	}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, target.New(t, c.lifetime))
		})
	}
}

type testCase struct {
	name     string
	lifetime time.Duration
	run      func(t *testing.T, h Harness)
}

// role finds a role of the client and says so in the log where there is none.
func role[R any](t *testing.T, h Harness) (R, bool) {
	t.Helper()
	r, ok := h.Client.(R)
	if !ok {
		t.Logf("the client is no %s: left out", strings.TrimPrefix(fmt.Sprintf("%T", (*R)(nil)), "*"))
	}
	return r, ok
}

// limit is the deadline of calls that should succeed: far beyond what they
// need, so that only a call that hangs meets it.
const limit = 30 * time.Second

func within(t *testing.T, d time.Duration) context.Context {
	ctx, stop := context.WithTimeout(t.Context(), d)
	t.Cleanup(stop)
	return ctx
}

// newUser is somebody whom the cloud has never seen.
func newUser() im.User {
	id := "u" + strings.ToLower(rand.Text()[:20])
	return im.User{ID: id, Name: "Name of " + id, AvatarURL: "https://example.com/" + id + ".png"}
}

// mint is Mint that must work and yield a token as the contract has it.
func mint(t *testing.T, h Harness, u im.User, lifetime time.Duration) im.Token {
	t.Helper()
	tok, err := minter(t, h).Mint(within(t, limit), u, lifetime)
	if err != nil {
		t.Fatalf("Mint(%q) = %v, want a token", u.ID, err)
	}
	checkToken(t, tok)
	return tok
}

func minter(t *testing.T, h Harness) im.Minter {
	t.Helper()
	m, ok := h.Client.(im.Minter)
	if !ok {
		t.Fatalf("%T is no im.Minter, which every client must be", h.Client)
	}
	return m
}

func checkToken(t *testing.T, tok im.Token) {
	t.Helper()
	if n := len(tok.Value); n < 1 || n > 512 {
		t.Errorf("a token of %d bytes, want 1 to 512", n)
	}
	for i := range len(tok.Value) {
		if tok.Value[i] < 0x20 || tok.Value[i] > 0x7e {
			t.Errorf("token byte %d is %#x, want printable ASCII", i, tok.Value[i])
		}
	}
}

// accepted fails unless the cloud says want to each of the tokens.
func accepted(t *testing.T, h Harness, want bool, what string, toks ...im.Token) {
	t.Helper()
	for i, tok := range toks {
		if got := h.Accepts(tok.Value); got != want {
			t.Errorf("%s (token %d): the cloud accepts it = %v, want %v", what, i+1, got, want)
		}
	}
}

// must fails on an error.
func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s = %v, want no error", what, err)
	}
}

// refused fails unless err is an *im.Error as the contract has it, of one of
// the kinds.
func refused(t *testing.T, h Harness, what string, err error, kinds ...im.Kind) *im.Error {
	t.Helper()
	var e *im.Error
	if !errors.As(err, &e) {
		t.Fatalf("%s = %v (%T), want an *im.Error of kind %v", what, err, err, kinds)
	}
	fits := false
	for _, k := range kinds {
		fits = fits || e.Kind == k
	}
	if !fits {
		t.Errorf("%s: kind %q, want one of %q: %v", what, e.Kind, kinds, err)
	}
	if e.Cloud != h.Client.Name() || e.Op == "" {
		t.Errorf("%s: cloud %q and op %q, want %q and the call's name", what, e.Cloud, e.Op, h.Client.Name())
	}
	if len(e.Message) > 200 {
		t.Errorf("%s: a message of %d bytes, want at most 200", what, len(e.Message))
	}
	for cause := error(e); cause != nil; cause = errors.Unwrap(cause) {
		for _, secret := range h.Secrets {
			if text := fmt.Sprintf("%v %+v %#v", cause, cause, cause); strings.Contains(text, secret) {
				t.Errorf("%s: a planted secret is in the error %T", what, cause)
			}
		}
	}
	return e
}
