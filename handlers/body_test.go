package handlers

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzBody holds what checkBody lets through to what bind builds on: one flat
// object of known fields and lists of texts, in valid UTF-8.
func FuzzBody(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":"x","b":1}`, `{"a":"\ud800"}`, `{"a":"\ufffd"}`, `{"a":"x","a":"y"}`, "{\"a\":\"\xff\"}", `{"A":1}`, `{"a":{}}`, `{"a":null}{}`, `[{"a":1}]`, `{"a":1e999}`, `{"a"`,
		`{"l":["x","y"]}`, `{"l":[]}`, `{"l":[1]}`, `{"l":[["x"]]}`, `{"l":["x"`, `{"l":["\ud800"]}`, "{\"l\":[\"\xff\"]}", `{"l":"x"}`, `{"l":{}}`, `{"l":null}`, `{"l":["x"],"a":1}`} {
		f.Add([]byte(s))
	}
	known := bodyFields{"a": false, "b": false, "l": true}
	f.Fuzz(func(t *testing.T, body []byte) {
		if checkBody(body, known) != nil {
			return
		}
		var got map[string]any
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber() // 1e999 is JSON; whether it fits is for bind to see
		if err := dec.Decode(&got); err != nil || got == nil {
			t.Fatalf("%q passed, but is no object: %v", body, err)
		}
		if !utf8.Valid(body) {
			t.Errorf("%q passed, but is not UTF-8", body)
		}
		for name, v := range got {
			list, ok := known[name]
			switch v := v.(type) {
			case map[string]any:
				t.Errorf("%q passed with a nested value", body)
			case []any:
				for _, e := range v {
					if _, text := e.(string); !text || !list {
						t.Errorf("%q passed with a nested value", body)
					}
				}
			}
			if !ok {
				t.Errorf("%q passed with field %q", body, name)
			}
		}
	})
}
