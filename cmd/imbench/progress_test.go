package main

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
		p := newProgress(&out)
		p.terminal, p.now = c.terminal, func() time.Time { return now }
		p.begin("load", "things", 100)
		now = now.Add(10 * time.Second)
		p.add(50)
		if !c.terminal {
			now = now.Add(9 * time.Second)
			p.add(25) // too soon for another line
			p.add(25)
			now = now.Add(time.Second)
		} else {
			now = now.Add(10 * time.Second)
			p.add(50)
		}
		p.end()
		if got := out.String(); got != c.want {
			t.Errorf("progress, terminal %t:\n%q\nwant\n%q", c.terminal, got, c.want)
		}
	}
}
