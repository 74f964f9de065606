package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

const (
	// On a terminal one line is written over this often; elsewhere a line comes
	// now and then, for a log.
	barEvery  = 200 * time.Millisecond
	lineEvery = 5 * time.Second
	barWidth  = 30
)

// A resealProgress shows how far a walk is, how fast, and how long it still takes.
type resealProgress struct {
	w        io.Writer
	terminal bool
	now      func() time.Time
	total    int64
	start    time.Time
	shown    time.Time
}

func newResealProgress(w io.Writer, total int64) *resealProgress {
	p := &resealProgress{w: w, now: time.Now, total: total}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	p.start = p.now()
	p.shown = p.start
	return p
}

// at shows that so many rows are done.
func (p *resealProgress) at(rows int64) {
	every := lineEvery
	if p.terminal {
		every = barEvery
	}
	now := p.now()
	if now.Sub(p.shown) < every {
		return
	}
	p.shown = now
	text := p.text(rows, now.Sub(p.start))
	if !p.terminal {
		fmt.Fprintln(p.w, text)
		return
	}
	full := int(min(int64(barWidth), barWidth*rows/max(p.total, 1)))
	fmt.Fprintf(p.w, "\r\x1b[K[%s%s] %s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), text)
}

func (p *resealProgress) text(rows int64, took time.Duration) string {
	left := "?"
	if rows > 0 {
		left = (took * time.Duration(max(p.total-rows, 0)) / time.Duration(rows)).Round(time.Second).String()
	}
	return fmt.Sprintf("%d of %d rows, %.0f a second, %s left", rows, p.total, float64(rows)/max(took.Seconds(), 0.001), left)
}

// end leaves the terminal's line to what comes next.
func (p *resealProgress) end() {
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
