package handlers

import (
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"imbridge/web"
)

// bindForm reads the fields of a posted form into T, a flat struct of strings
// with json tags, and checks it as bind does. Fields that T does not know are
// left alone: a browser may send the button that was pressed. T is filled as far
// as it can be even where the error is not nil, so that a form can be shown again.
func bindForm[T any](c echo.Context) (T, error) {
	var in T
	r := c.Request()
	kind, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	if err != nil || kind != echo.MIMEApplicationForm {
		return in, &problem{code: "unsupported_media_type"}
	}
	if err := r.ParseForm(); err != nil {
		if problemOf(err).code == "body_too_large" {
			return in, err
		}
		return in, &problem{code: "bad_field"}
	}
	v := reflect.ValueOf(&in).Elem()
	var wrong []fieldProblem
	for i := range v.NumField() {
		name := jsonName(v.Type().Field(i))
		values := r.PostForm[name]
		if len(values) == 0 {
			continue
		}
		value := values[0]
		switch {
		case len(values) > 1:
			wrong = append(wrong, fieldProblem{name, "must stand once"})
		case !utf8.ValidString(value):
			wrong = append(wrong, fieldProblem{name, "must be valid UTF-8"})
		case strings.ContainsFunc(value, unicode.IsControl):
			wrong = append(wrong, fieldProblem{name, "must not hold control characters"})
		default:
			v.Field(i).SetString(value)
		}
	}
	err = check(in)
	if len(wrong) == 0 {
		return in, err
	}
	// What could not be read is not missing.
	for _, f := range problemOf(err).fields {
		if !slices.ContainsFunc(wrong, func(w fieldProblem) bool { return w.Field == f.Field }) {
			wrong = append(wrong, f)
		}
	}
	return in, &problem{code: "invalid_field", fields: wrong}
}

// again shows a form once more with what was wrong, or returns the error where
// the form cannot help.
func (h *api) again(c echo.Context, err error, name string, v web.View) error {
	form, status := h.formProblem(c, err)
	if form == nil {
		return err
	}
	v.Form = form
	return h.show(c, status, name, v)
}

// done leads on after a form was taken, so that loading the page again sends
// nothing twice.
func done(c echo.Context, to string) error { return c.Redirect(http.StatusSeeOther, to) }

// told picks the notice that a redirect asks for. Only keys that the page lists
// are shown: an address can be written by anybody.
func told(c echo.Context, notices map[string]string) string {
	return notices[c.QueryParam("why")]
}
