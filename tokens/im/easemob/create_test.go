package easemob

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"imbridge/tokens/im"
)

const taken = `{"error":"duplicate_unique_property_exists","error_description":"value of u1 exists"}`

func TestCreateReadsBackAfterAnAnswerThatWasLost(t *testing.T) {
	f := &fake{answers: map[string]func(int, *http.Request) (int, string){
		"GET /users/u1":          always(200, goodUser),
		"PUT /users/u1/password": always(200, `{"action":"set user password","timestamp":1}`),
		"POST /users": func(n int, _ *http.Request) (int, string) {
			if n == 1 {
				return 502, "<html>" // it was done, and nobody heard
			}
			return 400, taken
		},
	}}
	c := newTestClient(t, f)
	if err := c.Create(t.Context(), NewUser{"u1", "Pass1"}); err != nil {
		t.Errorf("Create = %v, want the earlier attempt's success", err)
	}
	if got := f.body(t, "PUT /users/u1/password")["newpassword"]; got != "Pass1" {
		t.Errorf("the password was set to %v, want ours", got)
	}
	// Without a lost answer it is somebody else's.
	f.answers["POST /users"] = always(400, taken)
	before := f.count("PUT /users/u1/password")
	wantKind(t, c.Create(t.Context(), NewUser{"u1", "Pass1"}), im.Conflict)
	if f.count("PUT /users/u1/password") != before {
		t.Error("somebody else's password was changed")
	}
}

func TestCreateSeveralTellsWhoWasThere(t *testing.T) {
	users := []NewUser{{"u1", "p"}, {"u2", "p"}, {"u3", "p"}}
	for name, f := range map[string]*fake{
		"partial success": {answers: map[string]func(int, *http.Request) (int, string){
			"POST /users": always(200, `{"entities":[{"username":"u1","uuid":"1"},{"username":"u3","uuid":"3"}],"data":[{"username":"u2","registerUserFailReason":"the u2 already exists"}],"timestamp":1}`),
		}},
		"all refused for one": {answers: map[string]func(int, *http.Request) (int, string){
			"POST /users": func(n int, _ *http.Request) (int, string) {
				if n == 1 || n == 3 {
					return 400, taken
				}
				id := []string{"u1", "u2", "u3"}[n-2]
				return 200, fmt.Sprintf(`{"entities":[{"username":%q,"uuid":"x"}],"timestamp":1}`, id)
			},
		}},
	} {
		got, err := newTestClient(t, f).CreateSeveral(t.Context(), users...)
		if err != nil || !slices.Equal(got, []string{"u2"}) {
			t.Errorf("%s: taken = %q, %v, want u2", name, got, err)
		}
	}
	f := &fake{}
	c := newTestClient(t, f)
	_, err := c.CreateSeveral(t.Context(), make([]NewUser, 61)...)
	wantKind(t, err, im.Invalid)
	_, err = c.CreateSeveral(t.Context(), NewUser{"u1", "p"}, NewUser{"u1", "q"})
	wantKind(t, err, im.Invalid)
	if len(f.counts) != 0 {
		t.Errorf("calls: %v, want none", f.counts)
	}
}

func TestImportFriendsSortsWhatBecameOfEach(t *testing.T) {
	const path = "POST /users/u1/contacts/import"
	f := &fake{answers: map[string]func(int, *http.Request) (int, string){
		path: func(_ int, r *http.Request) (int, string) {
			if r.URL.Query().Get("isSendNotice") != "false" {
				t.Error("an import sends notices, want none")
			}
			return 200, `{"status":"ok","action":"post","timestamp":1,"data":{"success":["a"],"NotExistFailed":["b"],"maxLimitFailed":["c"],"UnKnowFailed":["d"]}}`
		},
	}}
	c := newTestClient(t, f)
	got, err := c.ImportFriends(t.Context(), "u1", "a", "b", "c", "d")
	if err != nil || fmt.Sprint(got) != "{[a] [b] [c] [d]}" {
		t.Errorf("ImportFriends = %v, %v, want one in each bucket", got, err)
	}
	_, err = c.ImportFriends(t.Context(), "u1", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k")
	wantKind(t, err, im.Invalid)
	for _, body := range []string{`{"timestamp":1}`, `{"timestamp":1,"data":{}}`, `{"timestamp":1,"data":{"success":"a"}}`} {
		f.answers[path] = always(200, body)
		_, err = c.ImportFriends(t.Context(), "u1", "a")
		wantKind(t, err, im.Unknown)
	}
}

func TestBlockSendsBodiesThatFit(t *testing.T) {
	f := &fake{answers: map[string]func(int, *http.Request) (int, string){
		"POST /users/u1/blocks/users": always(200, `{"data":[],"timestamp":1}`),
	}}
	var ids []string
	for i := range 120 {
		ids = append(ids, fmt.Sprintf("%064d", i))
	}
	if err := newTestClient(t, f).Block(t.Context(), "u1", ids...); err != nil {
		t.Fatal(err)
	}
	var sent []string
	for _, body := range f.bodies["POST /users/u1/blocks/users"] {
		var b struct{ Usernames []string }
		if err := json.Unmarshal([]byte(body), &b); err != nil || len(body) > 5<<10 {
			t.Errorf("a body of %d bytes, %v, want at most 5 KB", len(body), err)
		}
		sent = append(sent, b.Usernames...)
	}
	if !slices.Equal(sent, ids) {
		t.Errorf("%d ids sent, want %d in order", len(sent), len(ids))
	}
}

// A list that cannot be read must not look like an empty one, nor one without end
// like a whole one.
func TestAListThatCannotBeReadIsAnError(t *testing.T) {
	for _, body := range []string{`{"timestamp":1}`, `{"timestamp":1,"data":{},"entities":[{}]}`, `{"timestamp":1,"data":"x","entities":[1]}`} {
		f := &fake{answers: map[string]func(int, *http.Request) (int, string){}}
		for _, key := range []string{"GET /users/u1/blocks/users", "GET /user/u1/contacts", "GET /users", "GET /users/u1/status"} {
			f.answers[key] = always(200, body)
		}
		c := newTestClient(t, f)
		_, blocked := c.Blocked(t.Context(), "u1")
		_, friends := c.Friends(t.Context(), "u1", "")
		_, users := c.Users(t.Context(), "")
		_, banned := c.Banned(t.Context())
		_, online := c.Online(t.Context(), "u1")
		for i, err := range []error{blocked, friends, users, banned, online} {
			if im.KindOf(err) != im.Unknown {
				t.Errorf("list %d from %s = %v, want kind %q", i, body, err, im.Unknown)
			}
		}
	}
	f := &fake{answers: map[string]func(int, *http.Request) (int, string){
		"GET /users": always(200, `{"timestamp":1,"entities":[{"username":"u1","activated":false}],"cursor":"same"}`),
	}}
	_, err := newTestClient(t, f).Banned(t.Context())
	wantKind(t, err, im.Unknown)
}
