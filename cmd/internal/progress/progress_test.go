package progress

import (
	"bytes"
	"testing"
	"time"
)

func TestProgress(t *testing.T) {
	for _, c := range []struct {
		terminal bool
		want     string
	}{
		{false, "load: 50 of 100 things, 5.00/s, 10s left\nload: 100 things in 20s, 5.00/s\n"},
		{true, "\r\x1b[Kload: 0 of 100 things, ?/s, ? left\r\x1b[Kload: 50 of 100 things, 5.00/s, 10s left\r\x1b[Kload: 100 of 100 things, 5.00/s, 0s left" +
			"\r\x1b[Kload: 100 things in 20s, 5.00/s\n"},
	} {
		var out bytes.Buffer
		now := time.Unix(0, 0)
		p := New(&out)
		p.terminal, p.now = c.terminal, func() time.Time { return now }
		p.Begin("load", "things", 100)
		now = now.Add(10 * time.Second)
		p.Add(50)
		if !c.terminal {
			now = now.Add(9 * time.Second)
			p.Add(25) // too soon for another line
			p.Add(25)
			now = now.Add(time.Second)
		} else {
			now = now.Add(10 * time.Second)
			p.Add(50)
		}
		p.End()
		if got := out.String(); got != c.want {
			t.Errorf("progress, terminal %t:\n%q\nwant\n%q", c.terminal, got, c.want)
		}
	}
}

func TestProgressWithoutATotal(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	p := New(&out)
	p.now = func() time.Time { return now }
	p.Begin("list", "people", 0)
	now = now.Add(10 * time.Second)
	p.Add(50)
	p.End()
	want := "list: 50 people, 5.00/s\nlist: 50 people in 10s, 5.00/s\n"
	if got := out.String(); got != want {
		t.Errorf("progress without a total:\n%q\nwant\n%q", got, want)
	}
}
