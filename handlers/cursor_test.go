package handlers_test

import (
	"testing"

	"imbridge/handlers"
)

func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", "x", handlers.MakeCursor("01h00000000000000000000000"), handlers.MakeCursor("01H00000000000000000000000"), handlers.MakeCursor(""), "AjAxaDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := handlers.ParseCursor(s)
		if err == nil && handlers.MakeCursor(id) != s {
			t.Errorf("%q gives %q, which gives %q: two cursors for one place", s, id, handlers.MakeCursor(id))
		}
		if err != nil && id != "" {
			t.Errorf("%q gives %q with error %v", s, id, err)
		}
	})
}
