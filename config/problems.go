package config

import (
	"fmt"
	"strings"
)

// A Problem is one thing wrong with the settings.
type Problem struct {
	Key     string // the setting, or the unknown name as it was found
	Env     string // the variable that would set it; empty if there is no such key
	Where   string // "imbridge.yaml:12", "IMBRIDGE_ENV"; empty if it is a default
	Got     string // the value; empty for secrets and wherever a secret might be
	Wrong   string // what is wrong, as the end of a sentence that the key starts
	Example string // a line for the file, or the cure
}

// String is the problem on one line, without the example.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Key)
	if p.Env != "" && p.Env != p.Key {
		fmt.Fprintf(&b, " (%s)", p.Env)
	}
	b.WriteString(": ")
	b.WriteString(p.Wrong)
	if p.Got != "" {
		fmt.Fprintf(&b, "; got %q", p.Got)
	}
	if p.Where != "" && p.Where != p.Key {
		fmt.Fprintf(&b, ", in %s", p.Where)
	}
	return b.String()
}

// Problems is the error of Load: everything that is wrong, file first, then
// variables, then values that are out of bounds or contradict each other.
type Problems struct {
	List []Problem
}

// Error takes a line for the count and one or two for each problem.
func (p *Problems) Error() string {
	var b strings.Builder
	if len(p.List) == 1 {
		b.WriteString("settings: 1 problem")
	} else {
		fmt.Fprintf(&b, "settings: %d problems", len(p.List))
	}
	for _, x := range p.List {
		fmt.Fprintf(&b, "\n  %s", x)
		if x.Example != "" {
			fmt.Fprintf(&b, "\n      example: %s", x.Example)
		}
	}
	return b.String()
}

// has tells whether there is a complaint about key already.
func (p *Problems) has(key string) bool {
	for _, x := range p.List {
		if x.Key == key {
			return true
		}
	}
	return false
}

func (p *Problems) add(x Problem) { p.List = append(p.List, x) }

// closest returns the candidate that name was most likely meant to be, or "".
// One that ends in name wins (a key written without its section), then the one
// with the fewest letters to change, if they are few.
func closest(name string, candidates []string, sep string) string {
	best, bestAt := "", max(2, len(name)/5)+1
	if len(name) < 4 {
		bestAt = 2
	}
	for _, c := range candidates {
		if strings.HasSuffix(strings.ToLower(c), sep+strings.ToLower(name)) {
			return c
		}
		if d := distance(strings.ToLower(name), strings.ToLower(c)); d < bestAt {
			best, bestAt = c, d
		}
	}
	return best
}

// distance is Levenshtein's: letters to insert, drop or replace. Names longer
// than any key are not worth comparing.
func distance(a, b string) int {
	if len(a) > 100 || len(b) > 100 {
		return 100
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}
