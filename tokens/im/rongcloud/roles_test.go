package rongcloud

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"imbridge/tokens/im"
)

// forms is a cloud that notes the forms it gets and gives one answer.
type forms struct {
	body string

	mu   sync.Mutex
	path []string
	got  []url.Values
}

func (f *forms) RoundTrip(r *http.Request) (*http.Response, error) {
	_ = r.ParseForm()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.path, f.got = append(f.path, r.URL.Path), append(f.got, r.PostForm)
	return reply(200, f.body), nil
}

// wantForm compares the last call.
func (f *forms) wantForm(t *testing.T, path string, want url.Values) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.got) == 0 || f.path[len(f.path)-1] != path || f.got[len(f.got)-1].Encode() != want.Encode() {
		t.Errorf("calls %q with %v, want the last to be %s with %v", f.path, f.got, path, want)
	}
}

func TestMintTellsTheConsolesLifetimeFromBeforeTheCall(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	var c *Client
	cloud := cloudFunc(func(*http.Request) (*http.Response, error) {
		c.Now = func() time.Time { return now.Add(3 * time.Second) } // the call takes that long
		return reply(200, goodToken), nil
	})
	c = newTestClient(t, cloud, func(cfg *Config) { cfg.ConsoleLifetime = 24 * time.Hour })
	c.Now = func() time.Time { return now }
	tok, err := c.Mint(t.Context(), im.User{ID: "u1", Name: "n"}, time.Minute)
	if want := now.Add(24 * time.Hour); err != nil || !tok.ExpiresAt.Equal(want) {
		t.Errorf("ExpiresAt = %v, %v, want %v", tok.ExpiresAt, err, want)
	}
}

func TestWhatIsSentOfAUser(t *testing.T) {
	f := &forms{body: goodToken}
	c := newTestClient(t, f)
	long := "https://example.com/" + strings.Repeat("a", 1005)
	for _, tc := range []struct {
		u    im.User
		want url.Values
	}{
		{im.User{ID: "u1", Name: " n ", AvatarURL: "https://a/b"}, url.Values{"userId": {"u1"}, "name": {"n"}, "portraitUri": {"https://a/b"}}},
		{im.User{ID: "u1", Name: "n"}, url.Values{"userId": {"u1"}, "name": {"n"}, "portraitUri": {""}}},
		{im.User{ID: "u1"}, url.Values{"userId": {"u1"}, "name": {"u1"}, "portraitUri": {""}}},
		{im.User{ID: "u1", Name: "n", AvatarURL: long}, url.Values{"userId": {"u1"}, "name": {"n"}, "portraitUri": {""}}},
		{im.User{ID: "u1", Name: "n", AvatarURL: "https://a/ b"}, url.Values{"userId": {"u1"}, "name": {"n"}, "portraitUri": {""}}},
		{im.User{ID: "u1", Name: " \u3000"}, url.Values{"userId": {"u1"}, "name": {"u1"}, "portraitUri": {""}}},
		{im.User{ID: "u1", Name: "n", AvatarURL: long[:1024]}, url.Values{"userId": {"u1"}, "name": {"n"}, "portraitUri": {long[:1024]}}},
	} {
		if _, err := c.Mint(t.Context(), tc.u, 0); err != nil {
			t.Fatal(err)
		}
		f.wantForm(t, "/user/getToken.json", tc.want)
	}
	if err := c.PutProfile(t.Context(), im.User{ID: "u1"}); err != nil {
		t.Fatal(err)
	}
	f.wantForm(t, "/user/refresh.json", url.Values{"userId": {"u1"}, "name": {"u1"}, "portraitUri": {""}})
}

func TestRevokeBeforeSendsMilliseconds(t *testing.T) {
	f := &forms{body: `{"code":200}`}
	at := time.UnixMilli(1234567890123).Add(999 * time.Microsecond)
	if ended, err := newTestClient(t, f).RevokeBefore(t.Context(), "u1", at); err != nil || !ended.Equal(at) {
		t.Errorf("RevokeBefore = %v, %v, want %v", ended, err, at)
	}
	f.wantForm(t, "/user/token/expire.json", url.Values{"userId": {"u1"}, "time": {"1234567890123"}})
}

func TestBanSendsWholeMinutes(t *testing.T) {
	f := &forms{body: `{"code":200}`}
	c := newTestClient(t, f)
	for d, want := range map[time.Duration]string{
		-time.Hour: "1", 0: "1", time.Nanosecond: "1", time.Minute: "1", time.Minute + 1: "2", 90 * time.Minute: "90",
		30 * 24 * time.Hour: "43200", 31 * 24 * time.Hour: "43200", 1<<63 - 1: "43200",
	} {
		if err := c.Ban(t.Context(), "u1", d); err != nil {
			t.Fatal(err)
		}
		f.wantForm(t, "/user/block.json", url.Values{"userId": {"u1"}, "minute": {want}})
	}
}

func TestBannedReadsTimes(t *testing.T) {
	bans, err := newTestClient(t, always(200, recorded(t, "block_query.json"))).Banned(t.Context())
	end := time.Date(2015, 1, 10, 17, 28, 20, 0, time.UTC)
	if err != nil || len(bans) != 2 || bans[0].UserID != "jlk456j5" || !bans[0].Until.Equal(end) || !bans[1].Until.Equal(end) {
		t.Errorf("Banned = %v, %v, want two until %v", bans, err, end)
	}
}

// TestBannedEndsAtALastPage: also at one that is full, or not another one.
func TestBannedEndsAtALastPage(t *testing.T) {
	page := func(from, n int) string {
		var users []string
		for i := range n {
			users = append(users, fmt.Sprintf(`{"userId":"u%d"}`, from+i))
		}
		return `{"code":200,"users":[` + strings.Join(users, ",") + `]}`
	}
	for _, tc := range []struct {
		pages       []string
		bans, calls int
		kind        im.Kind
	}{
		{[]string{page(0, 999)}, 999, 1, ""},
		{[]string{page(0, 1000), page(0, 0)}, 1000, 2, ""},
		{[]string{page(0, 1000), page(999, 1000), page(1998, 1)}, 1999, 3, ""}, // one moved a place down meanwhile
		{[]string{page(0, 1000), page(0, 1000)}, 0, 2, im.Unknown},             // a cloud that knows no pages
	} {
		var asked []string
		c := newTestClient(t, cloudFunc(func(r *http.Request) (*http.Response, error) {
			_ = r.ParseForm()
			asked = append(asked, r.PostForm.Get("page")+"/"+r.PostForm.Get("size"))
			return reply(200, tc.pages[min(len(asked), len(tc.pages))-1]), nil
		}))
		bans, err := c.Banned(t.Context())
		if want := []string{"1/1000", "2/1000", "3/1000"}[:tc.calls]; len(bans) != tc.bans || im.KindOf(err) != tc.kind || !slices.Equal(asked, want) {
			t.Errorf("%d pages: %d bans, %v, asked for %q; want %d, kind %q, %q", len(tc.pages), len(bans), err, asked, tc.bans, tc.kind, want)
		}
	}
}

func TestDeletingWhatIsNotThereIsNoError(t *testing.T) {
	c := newTestClient(t, always(200, recorded(t, "error_1015.json")))
	if err := c.Unban(t.Context(), "u1"); err != nil {
		t.Errorf("Unban = %v, want no error", err)
	}
	if err := c.Remove(t.Context(), "u1"); err != nil {
		t.Errorf("Remove = %v, want no error", err)
	}
	if err := c.Unblock(t.Context(), "u1", "u2"); err != nil {
		t.Errorf("Unblock = %v, want no error", err)
	}
	wantKind(t, c.PutProfile(t.Context(), im.User{ID: "u1"}), im.Conflict)
}

func TestBlockSendsTwentyAtATime(t *testing.T) {
	f := &forms{body: `{"code":200}`}
	var ids []string
	for i := range 45 {
		ids = append(ids, fmt.Sprint("u", i))
	}
	if err := newTestClient(t, f).Block(t.Context(), "owner", ids...); err != nil {
		t.Fatal(err)
	}
	var sizes []int
	var all []string
	for _, form := range f.got {
		sizes = append(sizes, len(form["blackUserId"]))
		all = append(all, form["blackUserId"]...)
	}
	if !slices.Equal(sizes, []int{20, 20, 5}) || !slices.Equal(all, ids) {
		t.Errorf("chunks of %v, want 20, 20, 5 with every id in order", sizes)
	}
}

func TestBlockStopsAtTheFirstFailure(t *testing.T) {
	n := 0
	c := newTestClient(t, cloudFunc(func(*http.Request) (*http.Response, error) {
		if n++; n == 2 {
			return reply(400, `{"code":1502}`), nil
		}
		return reply(200, `{"code":200}`), nil
	}))
	wantKind(t, c.Block(t.Context(), "owner", make45()...), im.Invalid)
	if n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
	wantKind(t, c.Block(t.Context(), "owner", "fine", "not fine"), im.Invalid)
	if n != 2 {
		t.Errorf("a bad id cost %d calls, want none", n-2)
	}
}

func make45() []string { return strings.Split(strings.Repeat("u,", 44)+"u", ",") }

func TestBlockedFollowsPages(t *testing.T) {
	n := 0
	c := newTestClient(t, cloudFunc(func(r *http.Request) (*http.Response, error) {
		_ = r.ParseForm()
		n++
		if got, want := r.PostForm.Get("pageToken"), []string{"", "p1", "p2"}[n-1]; got != want {
			t.Errorf("page %d was asked for with token %q, want %q", n, got, want)
		}
		return reply(200, []string{
			`{"code":200,"users":["a","b"],"next":"p1"}`, `{"code":200,"users":[{"userId":"c"}],"next":"p2"}`, `{"code":200,"users":[],"next":"p3"}`,
		}[n-1]), nil
	}))
	got, err := c.Blocked(t.Context(), "owner")
	if err != nil || !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("Blocked = %q, %v, want a, b, c", got, err)
	}
}

func TestAListWithoutEndIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := newTestClient(t, always(200, `{"code":200,"users":["a"],"next":"more"}`)).Blocked(t.Context(), "owner")
		wantKind(t, err, im.Unknown)
	})
}

// A list that cannot be read must not look like an empty one.
func TestAnUnreadableListIsAnError(t *testing.T) {
	c := newTestClient(t, always(200, `{"code":200,"users":{"a":1}}`))
	if _, err := c.Blocked(t.Context(), "owner"); im.KindOf(err) != im.Unknown {
		t.Errorf("Blocked = %v, want kind %q", err, im.Unknown)
	}
	if _, err := c.Banned(t.Context()); im.KindOf(err) != im.Unknown {
		t.Errorf("Banned = %v, want kind %q", err, im.Unknown)
	}
}

func TestOnline(t *testing.T) {
	for body, want := range map[string]bool{`{"code":200,"status":"1"}`: true, `{"code":200,"status":1}`: true, `{"code":200,"status":"0"}`: false} {
		if got, err := newTestClient(t, always(200, body)).Online(t.Context(), "u1"); err != nil || got != want {
			t.Errorf("Online from %s = %v, %v, want %v", body, got, err, want)
		}
	}
	for _, body := range []string{`{"code":200}`, `{"code":200,"status":"2"}`, `{"code":200,"status":true}`} {
		_, err := newTestClient(t, always(200, body)).Online(t.Context(), "u1")
		wantKind(t, err, im.Unknown)
	}
}

func TestABlankProfileIsAnUnknownUser(t *testing.T) {
	_, err := newTestClient(t, always(200, recorded(t, "info_blank.json"))).Profile(t.Context(), "u1")
	wantKind(t, err, im.UnknownUser)
}

func TestABadIDCostsNoCall(t *testing.T) {
	f := &forms{body: `{"code":200}`}
	c := newTestClient(t, f)
	for _, id := range []string{"", strings.Repeat("x", 65), "a b", "é", "a\n"} {
		_, profile := c.Profile(t.Context(), id)
		_, online := c.Online(t.Context(), id)
		_, blocked := c.Blocked(t.Context(), id)
		_, minted := c.Mint(t.Context(), im.User{ID: id, Name: "n"}, 0)
		_, revoked := c.RevokeBefore(t.Context(), id, time.Now())
		for _, err := range []error{
			profile, online, blocked, minted, c.PutProfile(t.Context(), im.User{ID: id}), revoked,
			c.Ban(t.Context(), id, time.Hour), c.Unban(t.Context(), id), c.Block(t.Context(), id, "u"), c.Unblock(t.Context(), "u", id),
		} {
			wantKind(t, err, im.Invalid)
		}
	}
	if len(f.got) != 0 {
		t.Errorf("%d calls with bad ids, want none", len(f.got))
	}
}

// A cloud whose clock is ahead has issued tokens at times that are still to come
// here; they must end too.
func TestRevokeBeforeReachesACloudWhoseClockIsAhead(t *testing.T) {
	ours := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	for _, c := range []struct{ ahead, moved time.Duration }{
		{0, 0},
		{-3 * time.Second, 0},
		{3 * time.Second, 4 * time.Second},
		{time.Hour, worstSkew + time.Second},
	} {
		var sent string
		client := newTestClient(t, cloudFunc(func(r *http.Request) (*http.Response, error) {
			_ = r.ParseForm()
			sent = r.Form.Get("time")
			resp := reply(200, `{"code":200}`)
			resp.Header.Set("Date", ours.Add(c.ahead).Format(http.TimeFormat))
			return resp, nil
		}))
		client.Now = func() time.Time { return ours }
		for range 2 { // the first answer tells the cloud's clock
			if _, err := client.RevokeBefore(t.Context(), "ann", ours); err != nil {
				t.Fatal(err)
			}
		}
		if want := strconv.FormatInt(ours.Add(c.moved).UnixMilli(), 10); sent != want {
			t.Errorf("time sent to a cloud that is %s ahead = %s, want %s", c.ahead, sent, want)
		}
	}
}
