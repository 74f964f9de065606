package main

import (
	"io"

	bar "imbridge/cmd/internal/progress"
)

// A progress is a bar under the names that this command has for it.
type progress struct{ *bar.Bar }

func newProgress(w io.Writer) *progress { return &progress{bar.New(w)} }

func (p *progress) begin(what, unit string, total int) { p.Begin(what, unit, total) }
func (p *progress) add(n int)                          { p.Add(n) }
func (p *progress) end()                               { p.End() }
func (p *progress) note(format string, args ...any)    { p.Note(format, args...) }
