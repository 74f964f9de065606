package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// Two sides that agree are left in peace, and each way to disagree is counted.
func TestCompare(t *testing.T) {
	const agreed = `{"users": [{"user_id": "i1", "name": "Ann"}, {"user_id": "i2", "name": "bob"}, {"user_id": "i3", "name": "", "deactivated_at": "then"}],
		"tokens": [{"user_id": "i1", "state": "valid"}, {"user_id": "i2", "state": "banned"}, {"user_id": "i3", "state": "deactivated"}],
		"bans": [{"user_id": "i2"}]}`
	ann := dbUser{id: "1", imID: "i1", key: "ann", username: "ann", nickname: "Ann", status: "active", state: "ready", epoch: 1, generation: 1, stored: true}
	bob := dbUser{id: "2", imID: "i2", key: "bob", username: "bob", nickname: " ", status: "banned", epoch: 2, generation: 2}
	cid := dbUser{id: "3", imID: "i3", status: "deleted", epoch: 2, generation: 2}
	with := func(u dbUser, change func(*dbUser)) dbUser { change(&u); return u }
	somebody := func(name, id string, nicknames ...string) *person {
		return &person{name: name, id: id, ids: map[string]bool{id: true}, answered: true, nicknames: nicknames}
	}
	for _, c := range []struct {
		name              string
		people            []*person
		users             []dbUser
		was, is           string // at the cloud
		lost, orphan, dup int
	}{
		{"agreement", []*person{somebody("ann", "1", "Ann"), somebody("bob", "2")}, []dbUser{ann, bob, cid}, "", "", 0, 0, 0},
		{"an unanswered nickname", []*person{somebody("ann", "1", "Before", "Ann")}, []dbUser{ann, bob, cid}, "", "", 0, 0, 0},
		{"a nickname that was answered", []*person{somebody("ann", "1", "Anna")}, []dbUser{ann, bob, cid}, "", "", 1, 0, 0},
		{"somebody who was answered", []*person{somebody("eve", "9")}, []dbUser{ann, bob, cid}, "", "", 1, 0, 0},
		{"twice registered", []*person{{name: "ann", id: "1", ids: map[string]bool{"1": true, "9": true}, answered: true}}, []dbUser{ann, bob, cid}, "", "", 0, 0, 1},
		{"unknown there", nil, []dbUser{ann, bob, cid, {id: "4", imID: "i4", status: "active", epoch: 1}}, "", "", 0, 1, 0},
		{"unknown here", nil, []dbUser{ann, bob}, "", "", 0, 1, 0},
		{"deleted here", nil, []dbUser{ann, bob, cid}, `, "deactivated_at": "then"`, "", 0, 1, 0},
		{"banned here", nil, []dbUser{ann, bob, cid}, `"bans": [{"user_id": "i2"}]`, `"bans": []`, 0, 1, 0},
		{"another name", nil, []dbUser{ann, bob, cid}, `"name": "Ann"`, `"name": "Anna"`, 0, 1, 0},
		{"logged out here", nil, []dbUser{with(ann, func(u *dbUser) { u.epoch, u.stored = 2, false }), bob, cid}, "", "", 0, 1, 0},
		{"banned, and let in by a token", nil, []dbUser{ann, bob, cid}, `"state": "banned"`, `"state": "valid"`, 0, 1, 0},
		{"deleted, and let in by a token", nil, []dbUser{ann, bob, cid}, `"state": "deactivated"`, `"state": "valid"`, 0, 1, 0},
	} {
		text := agreed
		if c.was != "" {
			if text = strings.Replace(agreed, c.was, c.is, 1); text == agreed {
				t.Fatalf("%s: the state has no %q", c.name, c.was)
			}
		}
		var cloud cloudState
		if err := json.Unmarshal([]byte(text), &cloud); err != nil {
			t.Fatal(err)
		}
		f := &finding{}
		(&ledger{people: c.people}).compare(c.users, f)
		compareSides(c.users, cloud, f)
		if f.Lost != c.lost || f.Orphan != c.orphan || f.Dup != c.dup || f.WrongCount != c.lost+c.orphan+c.dup {
			t.Errorf("%s: lost %d, orphan %d, dup %d, want %d, %d, %d: %q", c.name, f.Lost, f.Orphan, f.Dup, c.lost, c.orphan, c.dup, f.Wrong)
		}
	}
}

// A token more than was stored is one too many, where nobody's were ended.
func TestMintedOnce(t *testing.T) {
	var cloud cloudState
	if err := json.Unmarshal([]byte(`{"tokens": [{"user_id": "i1"}, {"user_id": "i1"}, {"user_id": "i2"}, {"user_id": "i2"}]}`), &cloud); err != nil {
		t.Fatal(err)
	}
	f := &finding{}
	countMints([]dbUser{{imID: "i1", epoch: firstEpoch, generation: 1}, {imID: "i2", epoch: firstEpoch, generation: 2}}, cloud, f)
	if f.Dup != 1 {
		t.Errorf("dup = %d, want 1: %q", f.Dup, f.Wrong)
	}
}
