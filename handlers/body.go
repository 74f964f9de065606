package handlers

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"
)

// bodyFields are the names that a request knows, and whether each is a list.
type bodyFields map[string]bool

// checkBody holds a body to more than encoding/json does: one object, each known
// name once and in its own case, values that are text or numbers, text that is
// text. Every request of this API is flat but for lists of texts, so that any
// other object or list is wrong wherever it stands. No complaint repeats a value.
func checkBody(body []byte, known bodyFields) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if first, err := dec.Token(); err != nil || first != json.Delim('{') {
		return &problem{code: "bad_json", detail: "the body must be one JSON object"}
	}
	seen := make(map[string]bool)
	for dec.More() {
		from := dec.InputOffset()
		token, err := dec.Token()
		if err != nil {
			return notJSON(err)
		}
		name, ok := token.(string)
		if !ok {
			return &problem{code: "bad_json", detail: "the body is not JSON"}
		}
		list, isKnown := known[name]
		switch {
		case !isKnown:
			return wrongField("unknown_field", printable(name), "is not a field of this request")
		case !utf8.Valid(body[from:dec.InputOffset()]):
			return wrongField("bad_field", name, "must be valid UTF-8")
		case seen[name]:
			return wrongField("bad_field", name, "must stand once")
		}
		seen[name] = true
		from = dec.InputOffset()
		value, err := dec.Token()
		if err != nil {
			return notJSON(err)
		}
		if list && value == json.Delim('[') {
			err = checkList(dec, name, body)
		} else {
			err = checkValue(name, value, body[from:dec.InputOffset()])
		}
		if err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return notJSON(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return &problem{code: "bad_json", detail: "something follows the JSON object"}
	}
	return nil
}

// checkList reads a list of texts to its end.
func checkList(dec *json.Decoder, name string, body []byte) error {
	for dec.More() {
		from := dec.InputOffset()
		value, err := dec.Token()
		if err != nil {
			return notJSON(err)
		}
		if _, ok := value.(string); !ok {
			return wrongField("bad_field", name, "must be a list of texts")
		}
		if err := checkValue(name, value, body[from:dec.InputOffset()]); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return notJSON(err)
	}
	return nil
}

func checkValue(name string, value json.Token, raw []byte) error {
	switch v := value.(type) {
	case json.Delim:
		return wrongField("bad_field", name, "must not be an object or a list")
	case string:
		switch {
		// The decoder puts U+FFFD for what is no text; one that the client wrote
		// is in the raw bytes too.
		case !utf8.Valid(raw), strings.ContainsRune(v, utf8.RuneError) && !bytes.Contains(raw, []byte("\uFFFD")) && !bytes.Contains(bytes.ToLower(raw), []byte(`\ufffd`)):
			return wrongField("bad_field", name, "must be valid UTF-8")
		case strings.ContainsFunc(v, unicode.IsControl):
			return wrongField("bad_field", name, "must not hold control characters")
		}
	}
	return nil
}

func notJSON(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &problem{code: "bad_json", detail: "the body ends too early"}
	}
	return &problem{code: "bad_json", detail: "the body is not JSON"}
}

// printable is a name that a client made up, if it can be shown at all.
func printable(name string) string {
	if len(name) > 64 || name == "" || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "(unprintable)"
	}
	return name
}

// fieldNames are the JSON names of a request struct.
func fieldNames(t reflect.Type) bodyFields {
	names := make(bodyFields, t.NumField())
	for i := range t.NumField() {
		names[jsonName(t.Field(i))] = t.Field(i).Type.Kind() == reflect.Slice
	}
	return names
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}
