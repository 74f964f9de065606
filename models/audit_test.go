package models_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

func TestAuditPagesFromTheNewest(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		for i := range 7 {
			// Three of them in one millisecond.
			if i != 3 && i != 4 {
				s.Clock.Advance(time.Minute)
			}
			o := from
			o.RequestID = fmt.Sprint("r", i)
			want(t, "SetLifetime", s.SetLifetime(ctx, "", time.Duration(i)*time.Hour, models.Match{}, "admin:ann", o), nil)
		}
		var got []string
		for before := ""; ; {
			page, err := s.Audit(ctx, before, 3)
			want(t, "Audit", err, nil)
			if len(page) == 0 {
				break
			}
			for _, row := range page {
				got = append(got, row.RequestID)
			}
			before = page[len(page)-1].ID
		}
		equal(t, "all pages", strings.Join(got, " "), "r6 r5 r4 r3 r2 r1 r0")
		rows, err := s.Audit(ctx, "", 1)
		want(t, "Audit", err, nil)
		row := rows[0]
		if row.Actor != "admin:ann" || row.Action != "lifetime.set" || row.Subject != "lifetime:default" || row.IP != from.IP || !row.At.Equal(s.Clock.Now()) || row.Detail["seconds"] != float64(6*3600) {
			t.Errorf("the newest row = %+v, want who, what, from where and when", row)
		}
	})
}
