package sandbox

import (
	"testing"
)

func TestEasemobUsersComeAndGo(t *testing.T) {
	r := newEaseRig(t)
	a := r.want(200, "POST", "/users", `{"username":"Ann","password":"secret-1"}`)
	u := a.fields["entities"].([]any)[0].(map[string]any)
	if u["username"] != "ann" || u["activated"] != true || u["type"] != "user" {
		t.Errorf("registered = %v, want ann in lower case, activated", u)
	}
	r.refuses(400, "duplicate_unique_property_exists", "POST", "/users", `{"username":"aNN","password":"x"}`)
	token := r.mint("ANN")
	if got := r.s.EasemobTokenState("ann", token); got != StateValid {
		t.Errorf("token of ann = %s, want valid", got)
	}
	if got := r.s.EasemobTokenState("bob", token); got != StateNoUser {
		t.Errorf("token as a stranger = %s, want no_user", got)
	}
	r.register("bob")
	if got := r.s.EasemobTokenState("bob", token); got != StateOtherUser {
		t.Errorf("token of ann as bob = %s, want other_user", got)
	}
	r.want(200, "GET", "/users/Ann", "")
	r.want(200, "DELETE", "/users/ann", "")
	r.refuses(404, "service_resource_not_found", "GET", "/users/ann", "")
	if got := r.s.EasemobTokenState("", token); got != StateUnknown {
		t.Errorf("token after the end of its user = %s, want unknown", got)
	}
}
