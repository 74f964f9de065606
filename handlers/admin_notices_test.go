package handlers_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"imbridge/models"
)

func TestNotices(t *testing.T) {
	r := newRig(t)
	ann, admin := r.register("ann"), r.admin()
	raise := func(kind string) {
		t.Helper()
		r.store.Clock.Advance(time.Second)
		if err := r.store.RaiseNotice(context.Background(), models.NewNotice{Kind: kind, Subject: "outbox", Message: kind + " happened", Cure: "mend it"}); err != nil {
			t.Fatal(err)
		}
	}
	list := func(query string) (kinds []string, a answer) {
		t.Helper()
		a = r.do(request{method: "GET", path: "/v1/admin/notices" + query, token: admin}).want(t, "notices"+query, http.StatusOK, "")
		for _, n := range a.get("notices").([]any) {
			kinds = append(kinds, n.(map[string]any)["kind"].(string))
		}
		return kinds, a
	}
	wantKinds := func(query string, want ...string) answer {
		t.Helper()
		got, a := list(query)
		if len(got) != len(want) {
			t.Fatalf("notices%s = %v, want %v", query, got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("notices%s = %v, want %v", query, got, want)
			}
		}
		return a
	}
	wantKinds("")
	raise("one")
	raise("two")
	raise("two")
	raise("three")
	a := wantKinds("", "three", "two", "one")
	second := a.get("notices").([]any)[1].(map[string]any)
	if second["count"] != 2.0 || second["message"] != "two happened" || second["cure"] != "mend it" || second["subject"] != "outbox" || second["resolved_at"] != nil {
		t.Errorf("notice = %v, want two, raised twice, open", second)
	}
	if d := second["delivery"].(map[string]any); d["attempts"] != 0.0 || d["next_at"] == nil || d["last_error"] != nil {
		t.Errorf("delivery = %v, want one that is due", d)
	}

	resolve := func(id string) answer {
		return r.do(request{method: "POST", path: "/v1/admin/notices/" + id + "/resolve", token: admin})
	}
	id := second["id"].(string)
	resolve(id).want(t, "resolve", http.StatusNoContent, "")
	resolve(id).want(t, "resolve again", http.StatusNoContent, "")
	resolve("01h00000000000000000000000").want(t, "resolve what is not", http.StatusNotFound, "not_found")
	resolve("x").want(t, "resolve no id", http.StatusNotFound, "not_found")
	wantKinds("?open=true", "three", "one")
	a = wantKinds("?open=false", "two")
	if by, _ := a.get("notices").([]any)[0].(map[string]any)["resolved_by"].(string); len(by) != len("admin:")+26 {
		t.Errorf("resolved_by = %q, want the admin's id", by)
	}
	a = wantKinds("?limit=2", "three", "two")
	wantKinds("?limit=2&cursor="+a.text("next_cursor"), "one")

	r.do(request{method: "GET", path: "/v1/admin/notices?open=maybe", token: admin}).want(t, "a query of nonsense", http.StatusBadRequest, "bad_query")
	r.do(request{method: "GET", path: "/v1/admin/notices?cursor=x", token: admin}).want(t, "a cursor of nonsense", http.StatusBadRequest, "bad_cursor")
	r.do(request{method: "GET", path: "/v1/admin/notices", token: ann.access}).want(t, "notices for a user", http.StatusForbidden, "forbidden")
	r.do(request{method: "POST", path: "/v1/admin/notices/" + id + "/resolve", token: ann.access}).want(t, "resolve by a user", http.StatusForbidden, "forbidden")
}
