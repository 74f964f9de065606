package sandbox

import "testing"

func TestDeletedUsersAreForgotten(t *testing.T) {
	r := newRig(t)
	gone, kept := r.mint("gone"), r.mint("kept")
	r.ok("/user/block.json", "userId", "gone", "minute", "60")
	r.ok("/user/delusers.json", "userId", "gone", "userId", "never")
	r.wantState(gone, StateUnknown)
	r.wantState(kept, StateValid)
	if a := r.call("/user/info.json", "userId", "gone"); a.code != 400 {
		t.Errorf("info of a deleted user = code %d, want 400", a.code)
	}
	a := r.ok("/user/query.json").fields
	if users := a["users"].([]any); a["total"] != 1.0 || len(users) != 1 {
		t.Errorf("users after one of two was deleted = %v, want one", a)
	}
	r.wantState(r.mint("gone"), StateValid) // the ban went with the user
}

func TestProductionListsAndDeletesNobody(t *testing.T) {
	r := newRig(t)
	token := r.mint("a")
	r.set("/control/app", `{"development":false}`)
	for _, path := range []string{"/user/query.json", "/user/delusers.json"} {
		if a := r.call(path, "userId", "a"); a.code != 1009 || a.status != 430 {
			t.Errorf("%s in production = code %d, http %d, want 1009, 430", path, a.code, a.status)
		}
	}
	r.wantState(token, StateValid)
}
