package tokens

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"imbridge/models"
)

func TestParseLifetime(t *testing.T) {
	for _, c := range []struct {
		in    string
		want  time.Duration
		print string
	}{
		{"permanent", 0, "permanent"},
		{"1d", 24 * time.Hour, "1d"},
		{"7d", 7 * 24 * time.Hour, "7d"},
		{"30d", 30 * 24 * time.Hour, "30d"},
		{"3650d", 3650 * 24 * time.Hour, "3650d"},
		{"24h", 24 * time.Hour, "1d"},
		{"20s", 20 * time.Second, "20s"},
		{"90m", 90 * time.Minute, "1h30m0s"},
		{"1h30m0s", 90 * time.Minute, "1h30m0s"},
		{"1s", time.Second, "1s"},
		{"25h", 25 * time.Hour, "25h0m0s"},
	} {
		l, err := ParseLifetime(c.in)
		if err != nil || time.Duration(l) != c.want {
			t.Errorf("ParseLifetime(%q) = %s, %v, want %s", c.in, time.Duration(l), err, c.want)
		}
		if got := l.String(); got != c.print {
			t.Errorf("String of %q = %q, want %q", c.in, got, c.print)
		}
	}
	for _, in := range []string{"", "d", "0d", "-1d", "3651d", "99999999999999999999d", "1.5d", "0s", "-20s", "1ms", "1500ms", "1h1ms", "3651h1ns",
		"100000h", "Permanent", "permanent ", " 1d", "1 d", "30", "forever", "NaNs", "1d1h", strings.Repeat("9", 1000) + "s"} {
		if l, err := ParseLifetime(in); err == nil {
			t.Errorf("ParseLifetime(%.20q) = %s, want an error", in, l)
		}
	}
}

func FuzzParseLifetime(f *testing.F) {
	for _, s := range []string{"permanent", "30d", "20s", "1h30m", "+5d", "0d", "9999999h", "1e3s", "١d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseLifetime(s)
		if err != nil {
			if l != 0 {
				t.Errorf("ParseLifetime(%q) = %s beside an error, want zero", s, l)
			}
			return
		}
		if d := time.Duration(l); d < 0 || d > 3650*24*time.Hour || d%time.Second != 0 || d == 0 && s != "permanent" {
			t.Errorf("ParseLifetime(%q) = %s, want permanent or whole seconds up to 3650 days", s, d)
		}
		if back, err := ParseLifetime(l.String()); err != nil || back != l {
			t.Errorf("%q prints as %q, which reads as %s, %v; want %s", s, l, back, err, l)
		}
	})
}

func TestChoices(t *testing.T) {
	for _, c := range []struct {
		extra []Lifetime
		want  string
	}{
		{nil, "permanent 30d 7d 1d"},
		{[]Lifetime{Lifetime(20 * time.Second)}, "permanent 30d 7d 1d 20s"},
		{[]Lifetime{Day, Permanent, 7 * Day, 2 * Day, 2 * Day}, "permanent 30d 7d 1d 2d"},
	} {
		var got []string
		for _, l := range Choices(c.extra...) {
			got = append(got, l.String())
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("Choices(%v) = %s, want %s", c.extra, s, c.want)
		}
	}
}

func TestExpiry(t *testing.T) {
	issued := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	after := func(d time.Duration) time.Time { return issued.Add(d) }
	for _, c := range []struct {
		name     string
		cloud    time.Time
		lifetime time.Duration
		want     time.Time
	}{
		{"neither", time.Time{}, 0, time.Time{}},
		{"ours alone", time.Time{}, time.Hour, after(time.Hour)},
		{"the cloud's alone", after(time.Minute), 0, after(time.Minute)},
		{"ours first", after(time.Hour), time.Minute, after(time.Minute)},
		{"the cloud's first", after(time.Minute), time.Hour, after(time.Minute)},
		{"together", after(time.Hour), time.Hour, after(time.Hour)},
		{"over at birth", after(-time.Hour), time.Hour, after(-time.Hour)},
	} {
		if got := Expiry(models.TokenState{IssuedAt: issued, CloudExpiresAt: c.cloud, Lifetime: c.lifetime}); !got.Equal(c.want) {
			t.Errorf("%s: Expiry = %s, want %s", c.name, got, c.want)
		}
	}
}

// TestRenewAfterSpreads: tokens made together, whose window is the last fifth of
// a day, are renewed evenly over the first half of it, and each always at the
// same moment. Ids are as alike as an import may make them.
func TestRenewAfterSpreads(t *testing.T) {
	const people, slots = 1000, 10
	issued := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	end := issued.Add(24 * time.Hour)
	window := 24 * time.Hour / 5
	for _, generation := range []int64{1, 2, 977} {
		var at []time.Time
		var count [slots]int
		for n := range people {
			id := fmt.Sprintf("user%06d", n)
			a := renewAfter(id, generation, issued, end, 20)
			if b := renewAfter(id, generation, issued, end, 20); !a.Equal(b) {
				t.Fatalf("renewAfter(%s) = %s and then %s, want the same", id, a, b)
			}
			into := a.Sub(end.Add(-window))
			if into < 0 || into > window/2 {
				t.Fatalf("renewAfter(%s) = %s before the end, want %s to %s", id, end.Sub(a), window, window/2)
			}
			count[min(slots-1, int(slots*into/(window/2)))]++
			at = append(at, a)
		}
		// The chance that a fair spread fails this is below one in a million;
		// there is no chance in it, for the ids are fixed.
		if least, most := slices.Min(count[:]), slices.Max(count[:]); least < 60 || most > 150 {
			t.Errorf("generation %d: renewals by tenths of the spread = %v, want about %d each", generation, count, people/slots)
		}
		slices.SortFunc(at, time.Time.Compare)
		if n := len(slices.CompactFunc(at, time.Time.Equal)); n < people*99/100 {
			t.Errorf("generation %d: %d moments for %d people, want hardly any twice", generation, n, people)
		}
	}
	if got := renewAfter("u", 1, issued, time.Time{}, 20); !got.IsZero() {
		t.Errorf("renewAfter of a permanent token = %s, want never", got)
	}
	var moved int
	for g := range int64(100) {
		a, b := renewAfter("u", g, issued, end, 20), renewAfter("u", g+1, issued, end, 20)
		if math.Abs(float64(a.Sub(b))) > float64(window)/100 {
			moved++
		}
	}
	if moved < 80 {
		t.Errorf("the moment moved in %d of 100 generations, want nearly always: nobody is to be early for ever", moved)
	}
}
