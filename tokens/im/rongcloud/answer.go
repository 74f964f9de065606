package rongcloud

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"imbridge/tokens/im/calls"
)

// answer is everything that any of our calls reads from a body. What an
// answer lacks is zero.
type answer struct {
	code    int
	message string

	userID     string
	token      string
	userName   string
	portrait   string
	createTime string
	online     string // "1" or "0"
	users      []listed
	next       string // token of the next page; empty on the last
	total      int    // of a list that is cut into pages
}

// listed is one user of a list.
type listed struct {
	id       string
	blockEnd string
	name     string
	portrait string
}

// decode reads a body. It is forgiving where the cloud has been seen to vary
// (numbers as strings, unknown fields, ids bare or in objects) and firm where
// a wrong guess would do harm: there must be one JSON object with a code.
func decode(body []byte) (answer, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(body)) == 0 {
		return answer{}, errors.New("the answer is empty")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		// The parser's words may quote the body, which may hold a token.
		return answer{}, errors.New("the answer is not a JSON object")
	}
	code, ok := calls.JSONNumber(fields["code"])
	if !ok {
		return answer{}, errors.New("the answer has no code")
	}
	a := answer{
		code:       int(code),
		message:    calls.JSONText(fields["errorMessage"]),
		userID:     calls.JSONText(fields["userId"]),
		userName:   calls.JSONText(fields["userName"]),
		portrait:   calls.JSONText(fields["userPortrait"]),
		createTime: calls.JSONText(fields["createTime"]),
		online:     calls.JSONText(fields["status"]),
		next:       calls.JSONText(fields["next"]),
	}
	total, _ := calls.JSONNumber(fields["total"])
	a.total = int(total)
	// A token that is a number is no token.
	_ = json.Unmarshal(fields["token"], &a.token)
	users, err := list(fields["users"])
	if err != nil {
		return answer{}, err
	}
	a.users = users
	return a, nil
}

// list reads users that stand as "id" or as {"userId":"id", …}. A list that
// cannot be read is an error: an empty one would look like "nobody".
func list(raw json.RawMessage) ([]listed, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, errors.New("users is not a list")
	}
	users := make([]listed, 0, len(items))
	for i, item := range items {
		u := listed{id: calls.JSONText(item)}
		if u.id == "" {
			var o map[string]json.RawMessage
			if json.Unmarshal(item, &o) == nil {
				u.id, u.blockEnd = calls.JSONText(o["userId"]), calls.JSONText(o["blockEndTime"])
				u.name, u.portrait = calls.JSONText(o["userName"]), calls.JSONText(o["userPortrait"])
				if u.id == "" {
					u.id = calls.JSONText(o["id"])
				}
			}
		}
		if u.id == "" {
			return nil, fmt.Errorf("users[%d] has no id", i)
		}
		users = append(users, u)
	}
	return users, nil
}

// The cloud writes times without a zone. The samples in its documentation fit
// China's, whatever the data centre.
var china = time.FixedZone("UTC+8", 8*60*60)

// when reads "2006-01-02 15:04:05", or milliseconds since 1970; zero for all
// else.
func when(s string) time.Time {
	if t, err := time.ParseInLocation(time.DateTime, s, china); err == nil {
		return t
	}
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil && ms > 0 {
		return time.UnixMilli(ms)
	}
	return time.Time{}
}
