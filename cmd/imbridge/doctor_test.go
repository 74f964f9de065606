package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestDoctorFindsConnectionsToSeveralServers(t *testing.T) {
	for _, tc := range []struct {
		nodes []string
		want  string
		found int
	}{
		{nil, "", 0},
		{[]string{"db1 (server_id=1)"}, "ok     database   8 connections lead to one server\n", 0},
		{[]string{"db1 (server_id=1)", "db2 (server_id=2)"}, "WRONG  database   connections lead to 2 servers: db1 (server_id=1), db2 (server_id=2)\n", 1},
	} {
		var out bytes.Buffer
		d := &doctor{app: &app{stdout: &out}}
		d.nodes(tc.nodes, nil)
		if got := out.String(); !strings.HasPrefix(got, tc.want) || tc.found == 1 != strings.Contains(got, "cure: let database.dsn lead to one node at a time") || d.found != tc.found {
			t.Errorf("nodes %q: %d found, %q; want %d and %q first", tc.nodes, d.found, got, tc.found, tc.want)
		}
	}
}
