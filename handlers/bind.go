package handlers

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-playground/validator/v10"
	"github.com/labstack/echo/v4"
)

// validate knows the tags of the request structs. It names fields as JSON does.
var validate = func() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(jsonName)
	return v
}()

// bind reads the JSON body of a request and checks it. T is a flat struct whose
// fields all have a json tag.
func bind[T any](c echo.Context) (T, error) {
	var in T
	r := c.Request()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return in, err
		}
		return in, &problem{code: "bad_json", detail: "the body ends too early"}
	}
	if len(body) == 0 {
		return in, &problem{code: "bad_json", detail: "the body is empty"}
	}
	if !isJSON(r.Header.Values(echo.HeaderContentType)) {
		return in, &problem{code: "unsupported_media_type"}
	}
	if err := checkBody(body, fieldNames(reflect.TypeFor[T]())); err != nil {
		return in, err
	}
	if err := json.Unmarshal(body, &in); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) && wrong.Field != "" {
			return in, wrongField("bad_field", wrong.Field, "must be "+kindName(wrong.Type))
		}
		return in, &problem{code: "bad_json", detail: "the body is not JSON"}
	}
	return in, check(in)
}

func isJSON(contentType []string) bool {
	if len(contentType) != 1 {
		return false
	}
	kind, params, err := mime.ParseMediaType(contentType[0])
	charset := params["charset"]
	return err == nil && kind == echo.MIMEApplicationJSON && (charset == "" || strings.EqualFold(charset, "utf-8"))
}

func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Slice:
		return "a list of texts"
	case reflect.Bool:
		return "true or false"
	}
	return "text"
}

// check holds a request to its validate tags.
func check(in any) error {
	var wrong validator.ValidationErrors
	if err := validate.Struct(in); !errors.As(err, &wrong) {
		return err
	}
	p := &problem{code: "invalid_field"}
	for _, w := range wrong {
		p.fields = append(p.fields, fieldProblem{Field: w.Field(), Wrong: complaint(w)})
	}
	return p
}

// allWrong adds what models would say of the same request to what check has found,
// so that one answer names every field. Of two complaints about a field that of
// models counts, which knows the real limits, except that it is required.
func allWrong(err, further error) error {
	var p *problem
	if !errors.As(err, &p) || p.code != "invalid_field" || further == nil {
		return err
	}
	all := &problem{code: p.code, fields: slices.Clone(p.fields)}
	for _, more := range problemOf(further).fields {
		i := slices.IndexFunc(all.fields, func(f fieldProblem) bool { return f.Field == more.Field })
		switch {
		case i < 0:
			all.fields = append(all.fields, more)
		case strings.HasPrefix(all.fields[i].Wrong, "must have at most "):
			all.fields[i] = more
		}
	}
	return all
}

// firstWithAll is the first of some problems with fields, with the fields of all.
func firstWithAll(errs ...error) error {
	var first error
	for _, err := range errs {
		switch {
		case first == nil:
			first = err
		case err != nil:
			first = allWrong(first, err)
		}
	}
	return first
}

func complaint(w validator.FieldError) string {
	number := w.Kind() != reflect.String
	switch {
	case w.Tag() == "required":
		return "is required"
	case w.Tag() == "oneof":
		return "must be one of " + strings.ReplaceAll(w.Param(), " ", ", ")
	case w.Tag() == "max" && w.Kind() == reflect.Slice:
		return "must have at most " + w.Param() + " entries"
	case w.Tag() == "max" && number:
		return "must be at most " + w.Param()
	case w.Tag() == "min" && number:
		return "must be at least " + w.Param()
	case w.Tag() == "max":
		return "must have at most " + w.Param() + " characters"
	}
	return "is not allowed"
}

// A text is a field of a change: left out, removed (null or ""), or set.
type text struct {
	set   bool
	value string
}

// UnmarshalJSON is called only where the field is there.
func (t *text) UnmarshalJSON(b []byte) error {
	t.set = true
	if string(b) == "null" {
		return nil
	}
	return json.Unmarshal(b, &t.value)
}

func (t text) pointer() *string {
	if !t.set {
		return nil
	}
	return &t.value
}

// idempotencyKey reads the header that makes a request safe to repeat; it is
// empty where there is none.
func idempotencyKey(c echo.Context) (string, error) {
	keys := c.Request().Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		return "", nil
	}
	key := keys[0]
	if len(keys) > 1 || len(key) < 1 || len(key) > 255 || strings.ContainsFunc(key, func(r rune) bool { return r < '!' || r > '~' }) {
		return "", &problem{code: "bad_idempotency_key"}
	}
	return key, nil
}

// pathID reads the id in a path. What cannot be an id is nobody's.
func pathID(c echo.Context) (string, error) {
	id := c.Param("id")
	if !isULID(id) {
		return "", &problem{code: "not_found"}
	}
	return id, nil
}

// isULID tells whether s is an id of ours: 26 characters of Crockford's base 32,
// lower case.
func isULID(s string) bool {
	if len(s) != 26 || s[0] > '7' {
		return false
	}
	for i := range len(s) {
		if b := s[i]; !(b >= '0' && b <= '9') && !(b >= 'a' && b <= 'z' && b != 'i' && b != 'l' && b != 'o' && b != 'u') {
			return false
		}
	}
	return true
}

const (
	defaultLimit = 50
	maxLimit     = 100
	maxQuery     = 254 // characters; the longest e-mail address
)

// A page is which part of a list is asked for.
type page struct {
	after string // the id that the last part ended with
	limit int
}

func bindPage(c echo.Context) (page, error) {
	p := page{limit: defaultLimit}
	if raw := c.QueryParam("limit"); raw != "" {
		n, err := strconv.Atoi(raw)
		if err != nil || n < 1 || n > maxLimit {
			return p, wrongField("bad_query", "limit", "must be a whole number from 1 to "+strconv.Itoa(maxLimit))
		}
		p.limit = n
	}
	var err error
	if raw := c.QueryParam("cursor"); raw != "" {
		p.after, err = parseCursor(raw)
	}
	return p, err
}

func bindQuery(c echo.Context) (string, error) {
	q := c.QueryParam("query")
	switch {
	case !utf8.ValidString(q):
		return "", wrongField("bad_query", "query", "must be valid UTF-8")
	case strings.ContainsFunc(q, unicode.IsControl):
		return "", wrongField("bad_query", "query", "must not hold control characters")
	case utf8.RuneCountInString(q) > maxQuery:
		return "", wrongField("bad_query", "query", "must have at most "+strconv.Itoa(maxQuery)+" characters")
	}
	return q, nil
}
