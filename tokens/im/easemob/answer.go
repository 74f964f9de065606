package easemob

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"imbridge/tokens/im/calls"
)

// answer is the JSON object that the cloud gave.
type answer map[string]json.RawMessage

// envelope are fields of successes. Which of them an answer has depends on the
// call; one without any is not of this cloud.
var envelope = []string{"access_token", "action", "data", "entities", "timestamp"}

// decode reads a body.
func decode(body []byte) (answer, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, errors.New("the answer is empty")
	}
	var a answer
	if err := json.Unmarshal(body, &a); err != nil || a == nil {
		// The parser's words may quote the body, which may hold a token.
		return nil, errors.New("the answer is not a JSON object")
	}
	return a, nil
}

// sound tells whether an answer looks like a success: it has something of one, and
// nothing of another type than it should be.
func (a answer) sound() bool {
	_, refused := a["error"]
	some := false
	for _, name := range envelope {
		raw, ok := a[name]
		if !ok || string(raw) == "null" {
			continue
		}
		some = true
		switch name {
		case "timestamp":
			if _, ok := calls.JSONNumber(raw); !ok {
				return false
			}
		case "access_token", "action":
			var s string
			if json.Unmarshal(raw, &s) != nil {
				return false
			}
		case "entities":
			var list []json.RawMessage
			if json.Unmarshal(raw, &list) != nil {
				return false
			}
		}
	}
	return some && !refused
}

func (a answer) text(name string) string { return calls.JSONText(a[name]) }

// object is a field that is an object; empty for all else.
func (a answer) object(name string) answer {
	var o answer
	_ = json.Unmarshal(a[name], &o)
	return o
}

// names reads a list of user ids. One that cannot be read is an error: an empty
// one would look like nobody.
func (a answer) names(name string) ([]string, error) {
	var ids []string
	if _, ok := a[name]; !ok || json.Unmarshal(a[name], &ids) != nil {
		return nil, fmt.Errorf("%s is not a list of user ids", name)
	}
	return ids, nil
}

// an entity is a user as the cloud keeps them.
type entity struct {
	uuid      string
	username  string
	activated bool
}

func (a answer) entities() ([]entity, error) {
	var items []answer
	if _, ok := a["entities"]; !ok || json.Unmarshal(a["entities"], &items) != nil {
		return nil, errors.New("entities is not a list of users")
	}
	users := make([]entity, len(items))
	for i, item := range items {
		users[i] = item.entity()
		if users[i].username == "" {
			return nil, fmt.Errorf("entities[%d] has no username", i)
		}
	}
	return users, nil
}

func (a answer) entity() entity {
	// Who is not said to be inactive is active.
	return entity{uuid: a.text("uuid"), username: a.text("username"), activated: string(a["activated"]) != "false"}
}
