package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// A Bar shows how far something is: one line that is written over on a
// terminal, otherwise a line now and then. It is safe for concurrent use.
type Bar struct {
	w        io.Writer
	terminal bool
	now      func() time.Time

	mu    sync.Mutex
	what  string
	unit  string
	done  int
	total int // 0: nobody knows
	start time.Time
	shown time.Time
}

// New makes one that writes to w, which is a terminal or is not.
func New(w io.Writer) *Bar {
	p := &Bar{w: w, now: time.Now}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// Begin starts something of total units; zero where nobody knows.
func (p *Bar) Begin(what, unit string, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.unit, p.done, p.total = what, unit, 0, total
	p.start = p.now()
	p.shown = p.start
	if p.terminal {
		p.show()
	}
}

// Add counts units that are done.
func (p *Bar) Add(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	every := 10 * time.Second
	if p.terminal {
		every = 200 * time.Millisecond
	}
	if now := p.now(); now.Sub(p.shown) >= every {
		p.shown = now
		p.show()
	}
}

// End says what it came to.
func (p *Bar) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	took := p.now().Sub(p.start)
	p.line(fmt.Sprintf("%s: %d %s in %s, %s", p.what, p.done, p.unit, took.Round(100*time.Millisecond), p.rate(took)))
	if p.terminal {
		fmt.Fprintln(p.w)
	}
}

// Note is a line of its own.
func (p *Bar) Note(format string, args ...any) {
	fmt.Fprintf(p.w, format+"\n", args...)
}

func (p *Bar) show() {
	took := p.now().Sub(p.start)
	left := "?"
	if p.total == 0 {
		p.line(fmt.Sprintf("%s: %d %s, %s", p.what, p.done, p.unit, p.rate(took)))
		return
	}
	if p.done > 0 {
		left = (took * time.Duration(p.total-p.done) / time.Duration(p.done)).Round(time.Second).String()
	}
	p.line(fmt.Sprintf("%s: %d of %d %s, %s, %s left", p.what, p.done, p.total, p.unit, p.rate(took), left))
}

func (p *Bar) rate(took time.Duration) string {
	if took <= 0 {
		return "?/s"
	}
	r := float64(p.done) / took.Seconds()
	if r < 10 {
		return fmt.Sprintf("%.2f/s", r)
	}
	return fmt.Sprintf("%.0f/s", r)
}

func (p *Bar) line(s string) {
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%s", s)
		return
	}
	fmt.Fprintln(p.w, s)
}
