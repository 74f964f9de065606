package handlers_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"imbridge/models"
)

// enqueued registers people and bans each: a row of the kind ban for each.
func (r *rig) enqueued(admin string, n int) (people []person) {
	r.t.Helper()
	for i := range n {
		p := r.register(fmt.Sprintf("p%03d", i))
		r.store.Clock.Advance(time.Millisecond)
		r.asAdmin(admin, "POST", "users/"+p.id+"/ban", because("spam")).want(r.t, "ban", http.StatusNoContent, "")
		people = append(people, p)
	}
	return people
}

// bury buries every row of the kind, as the runner does.
func (r *rig) bury(kind, why string) {
	r.t.Helper()
	ctx := context.Background()
	rows, err := r.store.ClaimOutbox(ctx, []string{kind}, "test", r.store.Clock.Now().Add(time.Minute), 1000)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, row := range rows {
		if err := r.store.BuryOutbox(ctx, row, why); err != nil {
			r.t.Fatal(err)
		}
	}
}

func rowIDs(a answer) []string {
	var ids []string
	for _, row := range a.get("rows").([]any) {
		ids = append(ids, row.(map[string]any)["id"].(string))
	}
	return ids
}

func TestQueue(t *testing.T) {
	r := newRig(t)
	admin := r.admin()
	people := r.enqueued(admin, 5)
	queue := func(query string) answer {
		t.Helper()
		return r.asAdmin(admin, "GET", "queue?"+query, nil).want(t, "queue?"+query, http.StatusOK, "")
	}
	a := queue("kind=ban&state=waiting")
	if got := kinds(a, "rows"); got != "ban ban ban ban ban" {
		t.Fatalf("rows = %s, want five bans: %s", got, a.raw)
	}
	row := a.get("rows").([]any)[0].(map[string]any)
	if row["subject"] != people[0].id || row["attempts"] != 0.0 || row["attempted_at"] != nil || row["buried_at"] != nil || row["reason"] != nil {
		t.Errorf("a new row = %v, want it of the first person and never tried", row)
	}
	if a.get("waiting").(float64) < 5 || a.get("buried") != 0.0 || a.get("oldest_at") == nil {
		t.Errorf("figures = %s, want at least five waiting, none buried, an oldest", a.raw)
	}
	if got := kinds(queue("state=buried"), "rows"); got != "" {
		t.Errorf("buried rows = %s, want none", got)
	}

	// Pages.
	var ids []string
	for path := "kind=ban&limit=2"; ; {
		a := queue(path)
		ids = append(ids, rowIDs(a)...)
		if a.get("next_cursor") == nil {
			break
		}
		path = "kind=ban&limit=2&cursor=" + a.text("next_cursor")
	}
	if got, want := strings.Join(ids, " "), strings.Join(rowIDs(queue("kind=ban")), " "); got != want || len(ids) != 5 {
		t.Errorf("all pages = %s, want %s", got, want)
	}
	if got := rowIDs(queue("subject=" + people[2].id + "&kind=ban")); len(got) != 1 || got[0] != ids[2] {
		t.Errorf("rows of one person = %v, want %s", got, ids[2])
	}

	// Buried, with the reason; retried, and due again.
	r.bury("ban", "the app key was refused")
	a = queue("kind=ban&state=buried")
	row = a.get("rows").([]any)[0].(map[string]any)
	if len(rowIDs(a)) != 5 || row["reason"] != "the app key was refused" || row["buried_at"] == nil || row["attempts"] != 1.0 || a.get("buried") != 5.0 {
		t.Errorf("buried = %s, want five with reason and time", a.raw)
	}
	retry := func(body map[string]any) answer {
		t.Helper()
		return r.asAdmin(admin, "POST", "queue/retry", body).want(t, fmt.Sprint("retry ", body), http.StatusOK, "")
	}
	if got := retry(map[string]any{"ids": []string{ids[0], ids[0], "01h00000000000000000000000"}}).get("retried"); got != 1.0 {
		t.Errorf("retried = %v, want 1: the same one twice, and one that is gone", got)
	}
	if got := len(rowIDs(queue("kind=ban&state=buried"))); got != 4 {
		t.Errorf("buried after one retry = %d, want 4", got)
	}
	if got := retry(map[string]any{"state": "buried", "kind": "provision"}).get("retried"); got != 0.0 {
		t.Errorf("retried of another kind = %v, want 0", got)
	}
	if a := retry(map[string]any{"state": "buried", "kind": "ban"}); a.get("retried") != 4.0 || a.get("next_cursor") != nil {
		t.Errorf("retry of all buried = %s, want 4 and no more", a.raw)
	}

	// Dropped, with a reason.
	a = r.asAdmin(admin, "POST", "queue/drop", map[string]any{"ids": ids[:2], "reason": "done by hand"}).want(t, "drop", http.StatusOK, "")
	if a.get("dropped") != 2.0 {
		t.Errorf("dropped = %s, want 2", a.raw)
	}
	if got := len(rowIDs(queue("kind=ban"))); got != 3 {
		t.Errorf("rows after the drop = %d, want 3", got)
	}
	entries := r.asAdmin(admin, "GET", "audit?action=outbox.drop", nil).get("entries").([]any)
	if len(entries) != 2 || entries[0].(map[string]any)["detail"].(map[string]any)["reason"] != "done by hand" {
		t.Errorf("audit of the drop = %v, want two rows with the reason", entries)
	}
	if got := len(r.asAdmin(admin, "GET", "audit?action=outbox.retry", nil).get("entries").([]any)); got != 5 {
		t.Errorf("audit of the retries has %d rows, want 5", got)
	}
}

// TestQueueBulk steers more rows than one request may.
func TestQueueBulk(t *testing.T) {
	r := newRig(t)
	admin := r.admin()
	now := r.store.Clock.Now().UnixMicro()
	db := r.store.SQL(t)
	for i := range 701 {
		id := fmt.Sprintf("01h%023d", i)
		if _, err := db.Exec("INSERT INTO outbox (id, kind, subject, due_at, next_at, created_at) VALUES (?, 'profile', ?, ?, ?, ?)", id, id, now, now, now); err != nil {
			t.Fatal(err)
		}
	}
	body := map[string]any{"state": "waiting", "kind": "profile"}
	a := r.asAdmin(admin, "POST", "queue/retry", body).want(t, "retry", http.StatusOK, "")
	if a.get("retried") != 500.0 || a.text("next_cursor") == "" {
		t.Fatalf("first retry = %s, want 500 and more", a.raw)
	}
	body["cursor"] = a.text("next_cursor")
	a = r.asAdmin(admin, "POST", "queue/retry", body).want(t, "retry", http.StatusOK, "")
	if a.get("retried") != 201.0 || a.get("next_cursor") != nil {
		t.Errorf("second retry = %s, want the other 201", a.raw)
	}
	var ids []string
	for i := range 501 {
		ids = append(ids, fmt.Sprintf("01h%023d", i))
	}
	for _, path := range []string{"retry", "drop"} {
		a := r.asAdmin(admin, "POST", "queue/"+path, map[string]any{"ids": ids, "reason": "x"})
		if path == "retry" {
			a = r.asAdmin(admin, "POST", "queue/"+path, map[string]any{"ids": ids})
		}
		a.want(t, path+" of 501", http.StatusUnprocessableEntity, "invalid_field")
		if a.text("field") != "ids" {
			t.Errorf("field = %q, want ids", a.text("field"))
		}
	}
	a = r.asAdmin(admin, "POST", "queue/drop", map[string]any{"ids": ids[:500], "reason": "x"}).want(t, "drop of 500", http.StatusOK, "")
	if a.get("dropped") != 500.0 {
		t.Errorf("drop of 500 = %s, want 500", a.raw)
	}
	if stats, err := r.store.OutboxStats(context.Background()); err != nil || stats != (models.OutboxStats{Waiting: 201, OldestAt: stats.OldestAt}) {
		t.Errorf("stats = %+v, %v; want 201 waiting", stats, err)
	}
}

func TestQueueRefusals(t *testing.T) {
	r := newRig(t)
	ann, admin := r.register("ann"), r.admin()
	for query, field := range map[string]string{"state=dead": "state", "kind=Ban": "kind", "kind=" + strings.Repeat("x", 33): "kind", "subject=x": "subject", "limit=0": "limit"} {
		if a := r.asAdmin(admin, "GET", "queue?"+query, nil).want(t, query, http.StatusBadRequest, "bad_query"); a.text("field") != field {
			t.Errorf("field of %s = %q, want %q", query, a.text("field"), field)
		}
	}
	r.asAdmin(admin, "GET", "queue?cursor=x", nil).want(t, "a cursor", http.StatusBadRequest, "bad_cursor")
	id := "01h00000000000000000000000"
	for _, c := range []struct {
		path, body string
		status     int
		field      string
	}{
		{"retry", `{}`, 422, "ids"},
		{"retry", `{"ids":[]}`, 422, "ids"},
		{"retry", `{"ids":["x"]}`, 422, "ids"},
		{"retry", `{"ids":["` + id + `"],"state":"buried"}`, 422, "ids"},
		{"retry", `{"state":"dead"}`, 422, "state"},
		{"retry", `{"kind":"B"}`, 422, "kind"},
		{"retry", `{"kind":"ban","cursor":"x"}`, 422, "cursor"},
		{"retry", `{"ids":"` + id + `"}`, 400, "ids"},
		{"retry", `{"ids":{"a":"b"}}`, 400, "ids"},
		{"retry", `{"ids":[1]}`, 400, "ids"},
		{"retry", `{"ids":[["` + id + `"]]}`, 400, "ids"},
		{"retry", `{"ids":["a\u0000"]}`, 400, "ids"},
		{"drop", `{"reason":"x"}`, 422, "ids"},
		{"drop", `{"ids":["` + id + `"]}`, 422, "reason"},
		{"drop", `{"ids":["` + id + `"],"reason":"  "}`, 422, "reason"},
		{"drop", `{"ids":["x"],"reason":"x"}`, 422, "ids"},
		{"drop", `{"ids":["` + id + `"],"reason":"` + strings.Repeat("x", 301) + `"}`, 422, "reason"},
	} {
		a := r.asAdmin(admin, "POST", "queue/"+c.path, c.body)
		if a.status != c.status || a.text("field") != c.field {
			t.Errorf("%s %s = %d %s, want %d about %s", c.path, c.body, a.status, a.raw, c.status, c.field)
		}
	}
	for _, path := range []string{"queue/retry", "queue/drop"} {
		r.asAdmin(ann.access, "POST", path, map[string]any{"ids": []string{id}, "reason": "x"}).want(t, path+" by a user", http.StatusForbidden, "forbidden")
	}
	r.asAdmin(ann.access, "GET", "queue", nil).want(t, "queue for a user", http.StatusForbidden, "forbidden")
}
