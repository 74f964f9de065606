package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Languages are those that the pages speak; the first is for whoever asks for
// none of them.
var Languages = []string{"en", "zh"}

// words are one text in every language. "%s" stands for what is filled in.
type words struct{ en, zh string }

func (w words) in(lang string) string {
	if lang == "zh" {
		return w.zh
	}
	return w.en
}

// texts is everything that pages say, by key. Keys that begin with "js." are for
// scripts, which get them from Script.
var texts = merged(commonTexts, peopleTexts, chatTexts, friendTexts, adminTexts, problemTexts)

func merged(tables ...map[string]words) map[string]words {
	all := make(map[string]words)
	for _, table := range tables {
		for key, w := range table {
			if _, twice := all[key]; twice {
				panic("two texts for " + key) // a mistake in our own tables; every test would see it
			}
			all[key] = w
		}
	}
	return all
}

// Text is a text in a language, with args in place of its "%s". A key that is in
// no table shows as itself; a test finds those.
func Text(lang, key string, args ...any) string {
	w, ok := texts[key]
	if !ok {
		return key
	}
	if len(args) == 0 {
		return w.in(lang)
	}
	return fmt.Sprintf(w.in(lang), args...)
}

// HasText tells whether there is a text of this key.
func HasText(key string) bool {
	_, ok := texts[key]
	return ok
}

// textsModule is an ES module with the texts for scripts. What is said of problems
// and of single fields is theirs, too, as "problem.…" and "wrong.…".
func textsModule(lang string) []byte {
	own := make(map[string]string)
	for key, w := range texts {
		if name, ok := strings.CutPrefix(key, "js."); ok {
			own[name] = w.in(lang)
		} else if strings.HasPrefix(key, "problem.") {
			own[key] = w.in(lang)
		}
	}
	for wrong, w := range complaints {
		own["wrong."+wrong] = w.in(lang)
	}
	b, err := json.MarshalIndent(own, "", " ") // sorts, so that the ETag stays
	if err != nil {
		panic(err) // texts are texts
	}
	return append(append([]byte("export default "), b...), ";\n"...)
}

// Complaint is what is wrong with one field, in a language. Numbers may stand in
// it: "must have at most 64 characters" and "… 128 characters" are one entry.
func Complaint(lang, wrong string) string {
	pattern, numbers := unnumbered(wrong)
	w, ok := complaints[pattern]
	if !ok {
		w = complaints["is not allowed"]
		numbers = nil
	}
	return fmt.Sprintf(w.in(lang), numbers...)
}

// HasComplaint tells whether a complaint has words of its own.
func HasComplaint(wrong string) bool {
	pattern, _ := unnumbered(wrong)
	_, ok := complaints[pattern]
	return ok
}

// unnumbered puts # for every number, and returns the numbers.
func unnumbered(s string) (pattern string, numbers []any) {
	var b strings.Builder
	for i := 0; i < len(s); {
		end := i
		for end < len(s) && s[end] >= '0' && s[end] <= '9' {
			end++
		}
		if end == i {
			b.WriteByte(s[i])
			i++
			continue
		}
		numbers = append(numbers, s[i:end])
		b.WriteByte('#')
		i = end
	}
	return b.String(), numbers
}

// Language picks one of Languages for an Accept-Language header (RFC 9110 §12.5.4).
func Language(accept string) string {
	type wish struct {
		lang string
		q    float64
	}
	var wishes []wish
	for part := range strings.SplitSeq(accept, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if v, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			f, err := strconv.ParseFloat(v, 64)
			if err != nil {
				continue
			}
			q = f
		}
		primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if q > 0 && slices.Contains(Languages, primary) {
			wishes = append(wishes, wish{primary, q})
		}
	}
	if len(wishes) == 0 {
		return Languages[0]
	}
	best := wishes[0]
	for _, w := range wishes[1:] {
		if w.q > best.q {
			best = w
		}
	}
	return best.lang
}

// TextKeys are all keys, sorted.
func TextKeys() []string { return slices.Sorted(maps.Keys(texts)) }
