package handlers_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"imbridge/handlers"
)

// TestChangesOfRelationsHaveAQuota: 120 a minute of any kind, a batch by its ids.
func TestChangesOfRelationsHaveAQuota(t *testing.T) {
	r := newRig(t)
	ann, bob, eve := r.register("ann"), r.register("bob"), r.register("eve")
	nobody := "01h00000000000000000000000"
	minute := func() { r.store.Clock.Advance(time.Minute) }
	many := func(n int) answer {
		return r.as(ann, "POST", "/v1/blocks", map[string]any{"user_ids": strings.Fields(strings.Repeat(nobody+" ", n))})
	}
	for name, change := range map[string]func() answer{
		"request":  func() answer { return r.as(ann, "POST", "/v1/friends/requests", map[string]any{"user_id": bob.id}) },
		"accept":   func() answer { return r.accept(ann, nobody) },
		"decline":  func() answer { return r.as(ann, "POST", "/v1/friends/requests/"+nobody+"/decline", nil) },
		"withdraw": func() answer { return r.as(ann, "DELETE", "/v1/friends/requests/"+nobody, nil) },
		"remark":   func() answer { return r.as(ann, "PUT", "/v1/friends/"+bob.id+"/remark", map[string]any{"remark": "x"}) },
		"remove":   func() answer { return r.as(ann, "DELETE", "/v1/friends/"+bob.id, nil) },
		"block":    func() answer { return r.as(ann, "PUT", "/v1/blocks/"+bob.id, nil) },
		"unblock":  func() answer { return r.as(ann, "DELETE", "/v1/blocks/"+bob.id, nil) },
		"batch":    func() answer { return many(1) },
	} {
		minute()
		many(100).want(t, "a batch of 100", http.StatusOK, "")
		many(100).want(t, "another batch of 100", http.StatusTooManyRequests, "too_many_changes")
		many(19).want(t, "what was refused does not count", http.StatusOK, "")
		if a := change(); a.status == http.StatusTooManyRequests {
			t.Errorf("%s as the 120th change = %d %s, want it done", name, a.status, a.raw)
		}
		change().want(t, name+" as the 121st change", http.StatusTooManyRequests, "too_many_changes")
	}
	a := many(1)
	if s, _ := a.get("retry_after").(float64); s < 1 || s > 60 || a.header.Get("Retry-After") != fmt.Sprint(s) {
		t.Errorf("retry_after = %v, Retry-After %q; want the same up to a minute", s, a.header.Get("Retry-After"))
	}
	r.as(ann, "GET", "/v1/friends", nil).want(t, "reading", http.StatusOK, "")
	r.as(eve, "PUT", "/v1/blocks/"+ann.id, nil).want(t, "somebody else's change", http.StatusNoContent, "")
	minute()
	many(1).want(t, "a change a minute later", http.StatusOK, "")
}

// TestOneLoopDoesNotFillTheQueue: whoever blocks and unblocks without end gives
// the cloud no more to do than the quota has room for.
func TestOneLoopDoesNotFillTheQueue(t *testing.T) {
	r := newRig(t)
	ann := r.register("ann")
	done := 0
	for range 20 {
		id := r.store.AddUser(t).ID
		for range 10 {
			for _, method := range []string{"PUT", "DELETE"} {
				if r.as(ann, method, "/v1/blocks/"+id, nil).status == http.StatusNoContent {
					done++
				}
			}
		}
	}
	if done != 120 {
		t.Errorf("changes made of 400 in a minute = %d, want 120", done)
	}
}

// TestEachProcessCountsByItself is what house and docs say of it: several
// processes have one database, and a quota each.
func TestEachProcessCountsByItself(t *testing.T) {
	r := newRig(t)
	ann := r.register("ann")
	ids := map[string]any{"user_ids": strings.Fields(strings.Repeat("01h00000000000000000000000 ", 100))}
	r.as(ann, "POST", "/v1/blocks", ids).want(t, "a batch", http.StatusOK, "")
	r.as(ann, "POST", "/v1/blocks", ids).want(t, "a batch to the same process", http.StatusTooManyRequests, "too_many_changes")
	r.api = handlers.New(r.deps)
	r.as(ann, "POST", "/v1/blocks", ids).want(t, "a batch to another process", http.StatusOK, "")
}

// TestAskingInVainIsToldAlike: whoever asks too often cannot see whether they were
// declined or blocked; and another process knows of it, too.
func TestAskingInVainIsToldAlike(t *testing.T) {
	r := newRig(t)
	ann := r.register("ann")
	ways := map[string]func(p person, id string){
		"declined": func(_ person, id string) {
			r.as(ann, "POST", "/v1/friends/requests/"+id+"/decline", nil).want(t, "decline", http.StatusNoContent, "")
		},
		"withdrawn": func(p person, id string) {
			r.as(p, "DELETE", "/v1/friends/requests/"+id, nil).want(t, "withdraw", http.StatusNoContent, "")
		},
		"blocked": func(p person, _ string) {
			r.as(ann, "PUT", "/v1/blocks/"+p.id, nil).want(t, "block", http.StatusNoContent, "")
			r.as(ann, "DELETE", "/v1/blocks/"+p.id, nil).want(t, "unblock", http.StatusNoContent, "")
		},
		"blocked at last": func(p person, id string) {
			// The first two are withdrawn, the third meets a block.
			if n := r.store.Count(t, "SELECT COUNT(*) FROM friend_requests WHERE from_id = ?", p.id); n == 3 {
				r.as(ann, "PUT", "/v1/blocks/"+p.id, nil).want(t, "block", http.StatusNoContent, "")
				return
			}
			r.as(p, "DELETE", "/v1/friends/requests/"+id, nil).want(t, "withdraw", http.StatusNoContent, "")
		},
	}
	var first string
	for name, end := range ways {
		p := r.register(strings.ReplaceAll(name, " ", "_"))
		for range 3 {
			end(p, r.ask(p, ann))
		}
		r.api = handlers.New(r.deps)
		a := r.as(p, "POST", "/v1/friends/requests", map[string]any{"user_id": ann.id, "message": "please"}).want(t, name, http.StatusTooManyRequests, "asked_too_often")
		if got := a.header.Get("Retry-After"); got != "86400" {
			t.Errorf("%s: Retry-After = %q, want a day in seconds", name, got)
		}
		said := strings.Replace(string(a.raw), a.text("request_id"), "ID", 1)
		if first == "" {
			first = said
		}
		if said != first {
			t.Errorf("%s: answer = %s, want that of every other way: %s", name, said, first)
		}
	}
}
