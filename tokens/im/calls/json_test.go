package calls

import (
	"encoding/json"
	"testing"
)

func TestNumbersAndTextsHoweverTheyAreWritten(t *testing.T) {
	for raw, want := range map[string]struct {
		text string
		n    int64
		ok   bool
	}{
		`200`:                {"200", 200, true},
		`"200"`:              {"200", 200, true},
		`" 7 "`:              {" 7 ", 7, true},
		`1e3`:                {"1e3", 1000, true},
		`-5`:                 {"-5", -5, true},
		`9007199254740992`:   {"9007199254740992", 1 << 53, true},
		`9007199254740994`:   {"9007199254740994", 0, false},
		`1.5`:                {"1.5", 0, false},
		`"x"`:                {"x", 0, false},
		`""`:                 {"", 0, false},
		`null`:               {"", 0, false},
		`true`:               {"", 0, false},
		`[1]`:                {"", 0, false},
		`"NaN"`:              {"NaN", 0, false},
		`99999999999999e300`: {"99999999999999e300", 0, false},
	} {
		text := JSONText(json.RawMessage(raw))
		if n, ok := JSONNumber(json.RawMessage(raw)); text != want.text || n != want.n || ok != want.ok {
			t.Errorf("%s = text %q, number %d %v; want %q, %d %v", raw, text, n, ok, want.text, want.n, want.ok)
		}
	}
}
