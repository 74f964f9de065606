package web

import (
	"regexp"
	"strings"
	"time"
)

// A Saying is a sentence that was stored in English, as a page tells it.
type Saying struct {
	View View
	// Text is in the reader's language; the sentence itself where it is Strange.
	Text string
	// Strange: nobody has words for it, so it stays as it was stored.
	Strange bool
	// Call is what was called and the codes that came back, as the cloud has them.
	Call string
	// Cloud is what the cloud itself said, word for word.
	Cloud string
	// Detail is what the program's own error said, word for word.
	Detail string
}

// A saying is how sentences of one pattern are told. Gaps stand in braces:
//
//	{call}, {cloud}, {detail}  leave the sentence and become fields of Saying
//	{rows} {span} {failure} {classes}  are put into the reader's language
//	{n} and others             stay as they are
//
// An empty en tells English readers the sentence as it was stored.
type saying struct {
	pattern string
	words
	match *regexp.Regexp
	gaps  []string
}

var gap = regexp.MustCompile(`\{([a-z]+)\}`)

// gapPatterns are for gaps that must not take more than their own.
var gapPatterns = map[string]string{"failure": `[A-Za-z_]*`, "n": `[0-9A-Za-z]*?`, "cloud": `.*`, "detail": `.*`}

func compiled(list []saying) []saying {
	for i := range list {
		s := &list[i]
		if s.en == "" {
			s.en = s.pattern
		}
		var b strings.Builder
		rest := s.pattern
		for _, m := range gap.FindAllStringSubmatchIndex(s.pattern, -1) {
			name := s.pattern[m[2]:m[3]]
			b.WriteString(regexp.QuoteMeta(s.pattern[len(s.pattern)-len(rest) : m[0]]))
			inner, ok := gapPatterns[name]
			if !ok {
				inner = `.*?`
			}
			b.WriteString("(" + inner + ")")
			s.gaps = append(s.gaps, name)
			rest = s.pattern[m[1]:]
		}
		b.WriteString(regexp.QuoteMeta(rest))
		s.match = regexp.MustCompile(`(?s)^` + b.String() + `$`)
	}
	return list
}

// Said tells a stored sentence in the reader's language.
func (v View) Said(stored string) Saying { return v.saidOf(sayings, stored) }

func (v View) saidOf(known []saying, stored string) Saying {
	for _, s := range known {
		m := s.match.FindStringSubmatch(stored)
		if m == nil {
			continue
		}
		out := Saying{View: v, Text: s.in(v.Lang)}
		for i, name := range s.gaps {
			value := m[i+1]
			switch name {
			case "call":
				if out.Call = value; value == "no answer in time" {
					out.Call = v.T("admin.said.no_answer")
				}
			case "cloud":
				out.Cloud = value
			case "detail":
				out.Detail = value
			default:
				out.Text = strings.Replace(out.Text, "{"+name+"}", v.gap(name, value), 1)
			}
		}
		return out
	}
	return Saying{View: v, Text: stored, Strange: true}
}

// An Unsent is why a notice did not go out by one way.
type Unsent struct {
	Sender string
	Saying Saying
}

// failedBy begins what was stored of one way of sending.
var failedBy = regexp.MustCompile(`(?:^|; )(mail|webhook): `)

// Unsent tells in the reader's language why a notice was not sent, by each way.
func (v View) Unsent(stored string) []Unsent {
	var list []Unsent
	starts := failedBy.FindAllStringSubmatchIndex(stored, -1)
	for i, at := range starts {
		end := len(stored)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		list = append(list, Unsent{stored[at[2]:at[3]], v.saidOf(unsentSayings, stored[at[1]:end])})
	}
	if len(list) == 0 && stored != "" {
		list = []Unsent{{Saying: v.saidOf(unsentSayings, stored)}}
	}
	return list
}

// gap is what fills a gap of a name.
func (v View) gap(name, value string) string {
	switch name {
	case "rows":
		n, _, _ := strings.Cut(value, " ")
		if n == "1" {
			return v.T("admin.said.rows.one", n)
		}
		return v.T("admin.said.rows", n)
	case "span":
		if d, err := time.ParseDuration(value); err == nil {
			return v.Span(d)
		}
	case "failure":
		return v.TextOr("admin.failure.", value)
	case "classes":
		parts := strings.Split(value, ", ")
		for i, part := range parts {
			if n, class, ok := strings.Cut(part, " "); ok && HasText("admin.class."+class) {
				parts[i] = v.T("admin.class."+class, n)
			}
		}
		return strings.Join(parts, v.T("admin.comma"))
	}
	return value
}
