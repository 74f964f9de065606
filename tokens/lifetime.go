package tokens

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"imbridge/models"
)

// A Lifetime is how long a connect token lives; zero is permanent.
type Lifetime time.Duration

// The lifetimes that an admin can always choose.
const (
	Permanent Lifetime = 0
	Day                = Lifetime(24 * time.Hour)
)

// ParseLifetime reads "permanent", days like "30d", or a Go duration of whole
// seconds like "20s".
func ParseLifetime(s string) (Lifetime, error) {
	if s == "permanent" {
		return Permanent, nil
	}
	if n := len(s); n > 1 && s[n-1] == 'd' {
		if days, err := strconv.Atoi(s[:n-1]); err == nil && days > 0 && days <= 3650 {
			return Lifetime(days) * Day, nil
		}
		return 0, fmt.Errorf("lifetime %q: want permanent, days like 30d or a duration like 20s", s)
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Second || d%time.Second != 0 || d > 3650*24*time.Hour {
		return 0, fmt.Errorf("lifetime %q: want permanent, days like 30d or a duration like 20s", s)
	}
	return Lifetime(d), nil
}

// String is what ParseLifetime reads.
func (l Lifetime) String() string {
	switch {
	case l == Permanent:
		return "permanent"
	case l%Day == 0:
		return strconv.Itoa(int(l/Day)) + "d"
	}
	return time.Duration(l).String()
}

// Choices are the lifetimes that an admin may set: the four, and extra ones.
func Choices(extra ...Lifetime) []Lifetime {
	list := []Lifetime{Permanent, 30 * Day, 7 * Day, Day}
	for _, l := range extra {
		known := false
		for _, have := range list {
			known = known || have == l
		}
		if !known {
			list = append(list, l)
		}
	}
	return list
}

// expiry is when a token issued at issued ends: the earlier of the cloud's own
// end and of the lifetime in force. Zero when neither sets one.
func expiry(issued, cloudExpires time.Time, lifetime time.Duration) time.Time {
	end := cloudExpires
	if lifetime > 0 {
		if ours := issued.Add(lifetime); end.IsZero() || ours.Before(end) {
			end = ours
		}
	}
	return end
}

// Expiry is when the stored token of a state ends; zero is never.
func Expiry(s models.TokenState) time.Time {
	return expiry(s.IssuedAt, s.CloudExpiresAt, s.Lifetime)
}

// renewAfter is when a token that ends at end should be replaced: between the
// whole and the half of the window before its end, at a point that differs from
// person to person, so that tokens made together are not renewed together. The
// point stays the same for one token. Zero when the token never ends. (FNV would
// not do: ids and generations that differ in the last digit would stay together.)
func renewAfter(userID string, generation int64, issued, end time.Time, percent int) time.Time {
	if end.IsZero() {
		return time.Time{}
	}
	h := sha256.Sum256(strconv.AppendInt([]byte(userID+"/"), generation, 10))
	spread := float64(binary.BigEndian.Uint64(h[:])>>11) / (1 << 53)
	window := float64(end.Sub(issued)) * float64(percent) / 100
	return end.Add(-time.Duration(window * (1 - spread/2)))
}
