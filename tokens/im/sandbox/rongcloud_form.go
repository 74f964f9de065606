package sandbox

import (
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of single parameters.
const (
	rongMaxUserID    = 64   // bytes
	rongMaxName      = 64   // characters
	rongMaxNameBytes = 128  // older documentation; enforced when Strict
	rongMaxPortrait  = 1024 // bytes
	rongMaxIDs       = 20   // repeated ids in one call
)

// A rongForm is the parameters of one call, in UTF-8.
type rongForm struct{ values url.Values }

func (f rongForm) text(name string) string { return f.values.Get(name) }

func (f rongForm) has(name string) bool { return f.values.Has(name) }

// userID reads a required user id.
func (rc *rongcloud) userID(f rongForm, name string) (string, *rongError) {
	ids, no := rc.userIDs(f, name, len(f.values[name]))
	if no != nil {
		return "", no
	}
	return ids[0], nil
}

// userIDs reads a required parameter that may be repeated up to most times.
func (rc *rongcloud) userIDs(f rongForm, name string, most int) ([]string, *rongError) {
	return rc.checkIDs(f.values[name], name, most)
}

// joinedIDs reads a required parameter that holds ids with commas between them.
func (rc *rongcloud) joinedIDs(f rongForm, name string, most int) ([]string, *rongError) {
	return rc.checkIDs(rongSplit(f.text(name)), name, most)
}

func rongSplit(joined string) []string {
	if joined == "" {
		return nil
	}
	return strings.Split(joined, ",")
}

func rongJoinedUsers(f rongForm) int { return len(rongSplit(f.text("userId"))) }

func (rc *rongcloud) checkIDs(ids []string, name string, most int) ([]string, *rongError) {
	if len(ids) == 0 {
		return nil, rongRefusal(1002, name+" is required")
	}
	if len(ids) > most {
		return nil, rongRefusal(1502, name+" has more than "+strconv.Itoa(most)+" items")
	}
	for _, id := range ids {
		if no := rc.checkID(id, name); no != nil {
			return nil, no
		}
	}
	return ids, nil
}

func (rc *rongcloud) checkID(id, name string) *rongError {
	if id == "" {
		return rongRefusal(1002, name+" is required")
	}
	if len(id) > rongMaxUserID {
		return rongRefusal(1005, name+" is longer than 64 bytes")
	}
	for _, r := range id {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		// The older documentation (v4) also allows these four.
		older := !rc.s.cfg.Strict && strings.ContainsRune("+=-_", r)
		if !letter && !older {
			return rongRefusal(1002, name+" has a character that is not allowed")
		}
	}
	return nil
}

func (rc *rongcloud) checkName(name string) *rongError {
	switch {
	case name == "":
		return rongRefusal(1002, "name is required")
	case utf8.RuneCountInString(name) > rongMaxName:
		return rongRefusal(1005, "name is longer than 64 characters")
	case rc.s.cfg.Strict && len(name) > rongMaxNameBytes:
		return rongRefusal(1005, "name is longer than 128 bytes")
	}
	return nil
}

func checkPortrait(uri string) *rongError {
	if len(uri) > rongMaxPortrait {
		return rongRefusal(1005, "portraitUri is longer than 1024 bytes")
	}
	return nil
}

// number reads an optional whole number, fallback where it is absent. Outside
// of low to high it is a parameter error.
func (f rongForm) number(name string, fallback, low, high int64) (int64, *rongError) {
	if !f.has(name) {
		return fallback, nil
	}
	n, err := strconv.ParseInt(f.text(name), 10, 64)
	if err != nil {
		return 0, rongRefusal(1501, name+" is not a whole number")
	}
	if n < low || n > high {
		return 0, rongRefusal(1002, name+" is out of range")
	}
	return n, nil
}
