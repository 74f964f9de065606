package calls

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// JSONText is a JSON string, or a number as it was written; "" for all else.
// Clouds write ids and times in both ways.
func JSONText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// JSONNumber is a whole JSON number that a float64 holds exactly, or a string
// with one.
func JSONNumber(raw json.RawMessage) (n int64, ok bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(JSONText(raw)), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}
