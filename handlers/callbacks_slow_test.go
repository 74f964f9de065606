package handlers_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"imbridge/handlers"
	"imbridge/models"
	"imbridge/tokens/im/sandbox"
)

// hold keeps everybody else from writing callbacks until it is released.
func (r *callbackRig) hold() (release func()) {
	r.t.Helper()
	hold, end := "LOCK TABLES callbacks WRITE", "UNLOCK TABLES"
	if r.store.Engine == "sqlite" {
		hold, end = "BEGIN IMMEDIATE", "ROLLBACK"
	}
	conn, err := r.store.SQL(r.t).Conn(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	if _, err := conn.ExecContext(r.t.Context(), hold); err != nil {
		r.t.Fatal(err)
	}
	return func() {
		r.t.Helper()
		if _, err := conn.ExecContext(r.t.Context(), end); err != nil {
			r.t.Fatal(err)
		}
	}
}

// askedBy are the two clouds, each with a rig and a question that passes where the
// other one is their friend, and what says so.
var askedBy = []struct {
	cloud    string
	patience time.Duration // of the cloud, before it delivers unasked
	proof    func(*handlers.Callbacks)
	ask      func(r *callbackRig, from, to models.User) request
	passed   func(a answer) bool
}{
	{"rongcloud", 3 * time.Second, func(c *handlers.Callbacks) {
		c.AppKey, c.RongCloud = sandbox.DefaultAppKey, handlers.RongCloudProof(appSecret)
	},
		func(r *callbackRig, from, to models.User) request {
			return r.request(question{from: from.IMID, to: to.IMID})
		},
		func(a answer) bool { return a.get("pass") == 1.0 }},
	{"easemob", 200 * time.Millisecond, func(c *handlers.Callbacks) { c.AppKey, c.Easemob = easeAppKey, handlers.EasemobProof(ruleSecret) },
		func(r *callbackRig, from, to models.User) request {
			return r.easeQuestion(func(m map[string]any) { m["from"], m["to"] = from.IMID, to.IMID })
		},
		func(a answer) bool { return a.get("valid") == true }},
}

// TestACallbackIsAnsweredWithoutTheDatabase has the cloud's question come while
// somebody else holds the database.
func TestACallbackIsAnsweredWithoutTheDatabase(t *testing.T) {
	for _, by := range askedBy {
		for what, refuse := range map[string]bool{"delivering": false, "refusing": true} {
			t.Run(by.cloud+" "+what, func(t *testing.T) {
				r := newCallbackRig(t, withDeps(func(d *handlers.Deps) {
					d.Callbacks = handlers.Callbacks{RequireFriendship: true, RefuseWhenUnsure: refuse}
					by.proof(&d.Callbacks)
				}))
				ann, eve := r.store.AddUser(t), r.store.AddUser(t)
				ask := func(when string, want bool) time.Duration {
					t.Helper()
					q := by.ask(r, eve, ann)
					start := time.Now()
					a := r.do(q)
					if a.status != http.StatusOK || by.passed(a) != want {
						t.Errorf("%s = %d %s, want 200 and passed %t", when, a.status, a.raw, want)
					}
					return time.Since(start)
				}
				ask("before", false)
				release := r.hold()
				var fastest time.Duration
				tries := 0
				for tries < 5 && (tries == 0 || fastest >= by.patience) { // others may be at work on this machine
					took := ask("while the database is held", !refuse)
					if tries++; tries == 1 || took < fastest {
						fastest = took
					}
				}
				if fastest >= by.patience {
					t.Errorf("answered after %s, want less than the %s that the cloud waits", fastest, by.patience)
				}
				if got := r.counted(by.cloud, "unsure"); got != strconv.Itoa(tries) {
					t.Errorf("callbacks counted as unsure = %s, want %d", got, tries)
				}
				if !strings.Contains(r.log.String(), "callback answered without the database") {
					t.Error("the log does not tell that a callback was answered without the database")
				}
				release()
				ask("after", false)
			})
		}
	}
}

// TestAHeldDatabaseHoldsFewOfOurs: of the callbacks that were answered without the
// database a few go on asking it, however many came, and leave room for others.
func TestAHeldDatabaseHoldsFewOfOurs(t *testing.T) {
	r := newCallbackRig(t)
	eyes := r.register("eyes")
	ann, eve := r.store.AddUser(t), r.store.AddUser(t)
	r.wantPass("before", question{from: eve.IMID, to: ann.IMID}, 0)
	release := r.hold()
	const asked = 300
	requests := make([]request, asked)
	for i := range requests {
		requests[i] = r.request(question{from: eve.IMID, to: ann.IMID})
	}
	var crowd sync.WaitGroup
	for _, q := range requests {
		crowd.Go(func() {
			if a := r.do(q); a.status != http.StatusOK || a.get("pass") != 1.0 {
				t.Errorf("while the database is held = %d %s, want it to pass", a.status, a.raw)
			}
		})
	}
	crowd.Wait()
	stacks := make([]byte, 8<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	if n := strings.Count(string(stacks), "created by imbridge/handlers.(*api).verdictInTime"); n > 16 {
		t.Errorf("goroutines that still ask the database = %d after %d answers, want 16 at most", n, asked)
	}
	// SQLite lets others read meanwhile, and so does MySQL what is not locked.
	start := time.Now()
	r.as(eyes, "GET", "/v1/friends", nil).want(t, "reading meanwhile", http.StatusOK, "")
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("reading meanwhile took %s, want 3 s at most", took)
	}
	release()
	r.wantPass("after", question{from: eve.IMID, to: ann.IMID}, 0)
}

// TestCallbacksAreFast holds the answers to 50 ms, to people with as many friends as
// there may be: 99 of 100 that come one after the other, and half of those that come
// eight at a time, of which SQLite lets one write while the others sleep. It tells
// how they compare with a route that does nothing.
func TestCallbacksAreFast(t *testing.T) {
	if testing.Short() {
		t.Skip("measures")
	}
	const asked = 400
	for _, by := range askedBy {
		t.Run(by.cloud, func(t *testing.T) {
			r := newCallbackRig(t, withDeps(func(d *handlers.Deps) {
				d.Callbacks = handlers.Callbacks{RequireFriendship: true}
				by.proof(&d.Callbacks)
			}))
			ann, bob := r.store.AddUser(t), r.store.AddUser(t)
			r.befriend(ann, bob)
			for _, u := range []models.User{ann, bob} {
				var rows []string
				for i := range models.MaxFriends - 1 {
					rows = append(rows, fmt.Sprintf("('%s', '00%024d', 1)", u.ID, i))
				}
				r.store.Exec(t, "INSERT INTO friends (owner_id, friend_id, created_at) VALUES "+strings.Join(rows, ", "))
			}
			server := httptest.NewServer(r.api)
			defer server.Close()
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
			measure := func(atOnce int, next func() *http.Request, good func(a answer) bool) (p50, p99 time.Duration) {
				all := make([]time.Duration, asked)
				todo := make([]*http.Request, asked)
				for i := range todo {
					todo[i] = next()
				}
				var crowd sync.WaitGroup
				for first := range atOnce {
					crowd.Go(func() {
						for i := first; i < asked; i += atOnce {
							start := time.Now()
							a := answer{}
							resp, err := client.Do(todo[i])
							if err == nil {
								a.status = resp.StatusCode
								err = json.NewDecoder(resp.Body).Decode(&a.body)
								_ = resp.Body.Close()
							}
							if all[i] = time.Since(start); err != nil || a.status != http.StatusOK || !good(a) {
								t.Errorf("answer = %d %v, %v; want 200 and a message that passes", a.status, a.body, err)
								return
							}
						}
					})
				}
				crowd.Wait()
				slices.Sort(all)
				return all[asked/2], all[asked*99/100]
			}
			get := func() *http.Request {
				req, _ := http.NewRequest(http.MethodGet, server.URL+"/livez", nil)
				return req
			}
			ask := func() *http.Request {
				q := by.ask(r, bob, ann)
				body, kind := q.body, q.header["Content-Type"]
				if _, form := body.(string); !form {
					raw, err := json.Marshal(body)
					if err != nil {
						t.Fatal(err)
					}
					body, kind = string(raw), "application/json"
				}
				req, _ := http.NewRequest(q.method, server.URL+q.path, strings.NewReader(body.(string)))
				req.Header.Set("Content-Type", kind)
				return req
			}
			for _, atOnce := range []int{1, 8} {
				var got time.Duration
				for range 3 { // others may be at work on this machine
					empty50, empty99 := measure(atOnce, get, func(answer) bool { return true })
					p50, p99 := measure(atOnce, ask, by.passed)
					t.Logf("%s, %d at a time: half within %s, 99 of 100 within %s; an empty route %s and %s; ratio %.1f", r.store.Engine, atOnce, p50, p99, empty50, empty99, float64(p50)/float64(empty50))
					slowest := max(50*time.Millisecond, 2*empty99) // a machine that is slow at nothing says nothing
					if got = p99; atOnce > 1 {
						got = p50
					}
					if t.Failed() || got < slowest {
						got = 0
						break
					}
				}
				if got > 0 {
					t.Errorf("%d at a time, callbacks are answered within %s, want 50ms", atOnce, got)
				}
			}
		})
	}
}
