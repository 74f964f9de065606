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

func TestAuditFilters(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
		start := s.Clock.Now()
		for i := range 6 {
			o := from
			o.RequestID = fmt.Sprint("r", i)
			s.Clock.Advance(time.Minute)
			want(t, "SetLifetime", s.SetLifetime(ctx, "", time.Hour, models.Match{}, []string{"admin:ann", "admin:bob"}[i%2], o), nil)
		}
		o := from
		o.RequestID = "reg"
		_, err := s.CreateUser(ctx, models.NewUser{Username: "carl", Password: "correct horse battery"}, "", o)
		want(t, "CreateUser", err, nil)
		at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
		for _, c := range []struct {
			name string
			f    models.AuditFilter
			want string
		}{
			{"everything", models.AuditFilter{}, "reg r5 r4 r3 r2 r1 r0"},
			{"action", models.AuditFilter{Action: "user.register"}, "reg"},
			{"the beginning of an action", models.AuditFilter{Action: "user"}, ""},
			{"actor", models.AuditFilter{Actor: "admin:bob"}, "r5 r3 r1"},
			{"subject", models.AuditFilter{Subject: "lifetime:default"}, "r5 r4 r3 r2 r1 r0"},
			{"actor and another's subject", models.AuditFilter{Actor: "admin:bob", Action: "user.register"}, ""},
			{"since, with its moment", models.AuditFilter{Since: at(4)}, "reg r5 r4 r3"},
			{"since, without the moment before", models.AuditFilter{Since: at(4).Add(time.Microsecond)}, "reg r5 r4"},
			{"until, without its moment", models.AuditFilter{Until: at(4)}, "r2 r1 r0"},
			{"until, with the moment before", models.AuditFilter{Until: at(4).Add(time.Microsecond)}, "r3 r2 r1 r0"},
			{"all of them", models.AuditFilter{Actor: "admin:ann", Action: "lifetime.set", Subject: "lifetime:default", Since: at(2), Until: at(5)}, "r2"},
			{"times that no id can hold", models.AuditFilter{Since: time.Time{}.Add(1), Until: time.Date(99999, 1, 1, 0, 0, 0, 0, time.UTC)}, "reg r5 r4 r3 r2 r1 r0"},
			{"nothing", models.AuditFilter{Since: at(2), Until: at(2)}, ""},
		} {
			var got []string
			// Two at a time: a filter and a cursor go together.
			for before := ""; ; {
				page, err := s.FindAudit(ctx, c.f, before, 2)
				want(t, "FindAudit", err, nil)
				for _, row := range page {
					got = append(got, row.RequestID)
				}
				if len(page) < 2 {
					break
				}
				before = page[1].ID
			}
			equal(t, c.name, strings.Join(got, " "), c.want)
		}
	})
}
