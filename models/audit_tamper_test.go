package models_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"imbridge/models"
	"imbridge/models/modelstest"
)

// TestAuditTampering does what somebody with the database and without the data
// key can do to ten sealed rows, and wants each thing found, by name and place.
func TestAuditTampering(t *testing.T) {
	type fault = string
	for _, c := range []struct {
		name string
		do   []string
		want fault
	}{
		{"nothing", nil, ""},

		{"id", []string{"UPDATE audit SET id = '01h00000000000000000000000' WHERE seq = 4"}, "forged@4"},
		{"at", []string{"UPDATE audit SET at = at + 1 WHERE seq = 4"}, "forged@4"},
		{"actor", []string{"UPDATE audit SET actor = 'admin:eve' WHERE seq = 4"}, "forged@4"},
		{"action", []string{"UPDATE audit SET action = 'lifetime.delete' WHERE seq = 4"}, "forged@4"},
		{"subject", []string{"UPDATE audit SET subject = '' WHERE seq = 4"}, "forged@4"},
		{"detail", []string{`UPDATE audit SET detail = '{"seconds":1}' WHERE seq = 4`}, "forged@4"},
		{"request_id", []string{"UPDATE audit SET request_id = 'r2' WHERE seq = 4"}, "forged@4"},
		{"ip", []string{"UPDATE audit SET ip = '192.0.2.2' WHERE seq = 4"}, "forged@4"},
		{"a space moved from one column to the next", []string{"UPDATE audit SET actor = 'admin:an', action = 'nlifetime.set' WHERE seq = 4"}, "forged@4"},
		{"mac", []string{"UPDATE audit SET mac = prev_hash WHERE seq = 4"}, "forged@4"},
		{"mac removed", []string{"UPDATE audit SET mac = NULL WHERE seq = 4"}, "forged@4"},
		{"prev_hash", []string{"UPDATE audit SET prev_hash = hash WHERE seq = 4"}, "moved@4"},
		{"prev_hash removed", []string{"UPDATE audit SET prev_hash = NULL WHERE seq = 4"}, "moved@4"},
		{"hash", []string{"UPDATE audit SET hash = prev_hash WHERE seq = 4"}, "moved@4 unlinked@5"},
		{"hash of the last", []string{"UPDATE audit SET hash = prev_hash WHERE seq = 10"}, "moved@10 unlinked@10"},
		{"seq put behind", []string{"UPDATE audit SET seq = 11 WHERE seq = 4"}, "missing@5 moved@11 beyond@11"},
		{"seq put far behind", []string{"UPDATE audit SET seq = 9223372036854775807 WHERE seq = 4"},
			"missing@5 missing@9223372036854775807 moved@9223372036854775807 beyond@9223372036854775807"},
		{"seq put before", []string{"UPDATE audit SET seq = 0 WHERE seq = 4"}, "moved@0 missing@5"},
		{"seq negative", []string{"UPDATE audit SET seq = -7 WHERE seq = 10"}, "moved@-7 cut@9"},
		{"seq twice, without the index that forbids it", []string{"DROP INDEX audit_seq", "UPDATE audit SET seq = 5 WHERE seq = 4"}, "missing@5 moved@5 moved@5 unlinked@6"},

		{"first deleted", []string{"DELETE FROM audit WHERE seq = 1"}, "missing@2"},
		{"middle deleted", []string{"DELETE FROM audit WHERE seq = 5"}, "missing@6"},
		{"three deleted", []string{"DELETE FROM audit WHERE seq BETWEEN 5 AND 7"}, "missing@8"},
		{"last deleted", []string{"DELETE FROM audit WHERE seq = 10"}, "cut@9"},
		{"all deleted", []string{"DELETE FROM audit"}, "cut@0"},
		{"deleted and the others moved up", []string{"DELETE FROM audit WHERE seq = 9", "UPDATE audit SET seq = 9 WHERE seq = 10"}, "moved@9 cut@9"},
		{"deleted and its place unsealed", []string{"UPDATE audit SET seq = NULL WHERE seq = 4"}, "missing@5 unsealed@0"},

		{"two swapped", []string{"UPDATE audit SET seq = 99 WHERE seq = 3", "UPDATE audit SET seq = 3 WHERE seq = 7", "UPDATE audit SET seq = 7 WHERE seq = 99"},
			"moved@3 unlinked@4 moved@7 unlinked@8"},
		{"two swapped with their hashes", []string{"SWAP 3 7"}, "moved@3 moved@7"},

		{"one inserted in the middle", []string{"UPDATE audit SET seq = seq + 100 WHERE seq > 5", "UPDATE audit SET seq = seq - 99 WHERE seq > 100", insert("6", "x'00'")},
			"forged@6 moved@7 moved@8 moved@9 moved@10 moved@11 beyond@11 unlinked@10"},
		{"one inserted behind", []string{insert("11", "x'00'")}, "forged@11 beyond@11"},
		{"one inserted before", []string{insert("0", "NULL")}, "moved@0"},
		{"one inserted unsealed", []string{insert("NULL", "x'00'")}, "forged@0"},
		{"one inserted unsealed without a fingerprint", []string{insert("NULL", "NULL"), "SEAL"}, "forged@11"},
		{"one inserted unsealed and sealed by us", []string{insert("NULL", "x'00'"), "SEAL"}, "forged@11"},
		{"one written twice", []string{"INSERT INTO audit SELECT '01h00000000000000000000000', at, actor, action, subject, detail, request_id, ip, mac, 11, prev_hash, hash FROM audit WHERE seq = 10"},
			"forged@11 beyond@11"},

		{"head deleted", []string{"DELETE FROM bridge_state WHERE name = 'audit_head'"}, "head_missing@0"},
		{"head changed", []string{"UPDATE bridge_state SET value = x'00' WHERE name = 'audit_head'"}, "head_forged@0"},
		{"head of another fact", []string{"COPY mac_key"}, "head_forged@0"},
		{"last deleted and the head too", []string{"DELETE FROM audit WHERE seq = 10", "DELETE FROM bridge_state WHERE name = 'audit_head'"}, "head_missing@0 head_unknown@0"},
		{"last deleted and an older head put back", []string{"DELETE FROM audit WHERE seq > 6", "OLD HEAD"}, "head_unknown@0"},
		{"an older head put back", []string{"OLD HEAD"}, "beyond@7"},
		{"all deleted and begun anew", []string{"DELETE FROM audit", "DELETE FROM bridge_state WHERE name = 'audit_head'"}, "head_unknown@0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
				tenSealed(t, s)
				noted := verify(t, s, models.AuditCheck{})
				equal(t, "faults before", faults(noted), "")
				for _, statement := range c.do {
					tamper(t, s, statement)
				}
				r := verify(t, s, models.AuditCheck{Head: noted.Head})
				equal(t, "faults", faults(r), c.want)
				equal(t, "count", int(r.Count), len(r.Faults))
				for _, f := range r.Faults {
					if f.Wrong == "" || (f.ID == "") != (strings.HasPrefix(f.Kind, "head") || f.Kind == models.AuditCut && f.Seq == 0) {
						t.Errorf("fault = %+v, want words, and the id of the row where it shows", f)
					}
				}
			})
		})
	}
}

// insert is a row that imbridge did not write.
func insert(seq, mac string) string {
	return fmt.Sprintf(`INSERT INTO audit (id, at, actor, action, subject, detail, request_id, ip, mac, seq, prev_hash, hash)
		VALUES ('01h00000000000000000000000', 1, 'admin:eve', 'lifetime.set', '', '{}', '', '', %s, %s, NULL, NULL)`, mac, seq)
}

// tenSealed leaves ten sealed rows, and the head as it was at number 6.
func tenSealed(t *testing.T, s *modelstest.Store) {
	t.Helper()
	note(t, s, 6)
	s.Clock.Advance(time.Minute)
	equal(t, "rows sealed", sealAll(t, s), 6)
	s.Exec(t, "INSERT INTO bridge_state (name, value, updated_at) SELECT 'kept', value, 0 FROM bridge_state WHERE name = 'audit_head'")
	note(t, s, 4)
	s.Clock.Advance(2 * time.Minute)
	equal(t, "rows sealed", sealAll(t, s), 4)
}

func tamper(t *testing.T, s *modelstest.Store, statement string) {
	t.Helper()
	switch statement {
	case "SEAL":
		s.Clock.Advance(time.Minute)
		sealAll(t, s)
	case "OLD HEAD":
		s.Exec(t, "DELETE FROM bridge_state WHERE name = 'audit_head'")
		s.Exec(t, "UPDATE bridge_state SET name = 'audit_head' WHERE name = 'kept'")
	case "COPY mac_key":
		s.Exec(t, "DELETE FROM bridge_state WHERE name = 'audit_head'")
		s.Exec(t, "INSERT INTO bridge_state (name, value, updated_at) SELECT 'audit_head', value, 0 FROM bridge_state WHERE name = 'mac_key'")
	case "SWAP 3 7":
		swap(t, s.SQL(t), 3, 7)
	case "DROP INDEX audit_seq":
		if s.Engine != "sqlite" {
			statement += " ON audit"
		}
		fallthrough
	default:
		s.Exec(t, statement)
	}
}

// swap exchanges what two rows say and leaves their places as they were.
func swap(t *testing.T, db *sql.DB, a, b int64) {
	t.Helper()
	ids := map[int64]string{}
	for _, seq := range []int64{a, b} {
		var id string
		if err := db.QueryRow("SELECT id FROM audit WHERE seq = ?", seq).Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids[seq] = id
	}
	type place struct {
		seq        int64
		prev, hash []byte
	}
	places := map[int64]place{}
	for seq := range ids {
		p := place{seq: seq}
		if err := db.QueryRow("SELECT prev_hash, hash FROM audit WHERE seq = ?", seq).Scan(&p.prev, &p.hash); err != nil {
			t.Fatal(err)
		}
		places[seq] = p
	}
	if _, err := db.Exec("UPDATE audit SET seq = NULL WHERE seq IN (?, ?)", a, b); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[int64]int64{a: b, b: a} {
		p := places[to]
		if _, err := db.Exec("UPDATE audit SET seq = ?, prev_hash = ?, hash = ? WHERE id = ?", p.seq, p.prev, p.hash, ids[from]); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAuditSealingStopsAtAForeignHead does not bless what was done: nothing is
// sealed behind a head that is not ours, or begun anew before sealed rows.
func TestAuditSealingStopsAtAForeignHead(t *testing.T) {
	for _, statement := range []string{"DELETE FROM bridge_state WHERE name = 'audit_head'", "UPDATE bridge_state SET value = x'01' WHERE name = 'audit_head'"} {
		modelstest.Each(t, func(t *testing.T, s *modelstest.Store) {
			tenSealed(t, s)
			s.Exec(t, statement)
			note(t, s, 1)
			s.Clock.Advance(time.Minute)
			_, err := s.SealAudit(ctx, models.AuditSettle)
			want(t, "SealAudit after "+statement, err, models.ErrAuditHead)
			equal(t, "rows sealed", s.Count(t, "SELECT COUNT(*) FROM audit WHERE seq > 0"), 10)
		})
	}
}
