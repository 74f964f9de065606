package main

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// A vault knows every secret of a run, and everything that was said in the open.
type vault struct {
	mu      sync.Mutex
	secrets map[string]string // what it is, by its value
	open    []page
}

type page struct {
	name string
	text []byte
}

func (v *vault) keep(what, value string) string {
	if len(value) < 12 {
		panic("too short to be looked for: " + what)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.secrets[value] = what
	return value
}

// plant makes a secret that stands where somebody put it by mistake.
func (v *vault) plant(where string) string { return v.keep("planted "+where, "pl4nt"+random()) }

// keepTokens keeps what an answer gave to its owner.
func (v *vault) keepTokens(body []byte) {
	var walk func(name string, value any)
	walk = func(name string, value any) {
		switch x := value.(type) {
		case map[string]any:
			for k, e := range x {
				walk(k, e)
			}
		case string:
			switch name {
			case "access_token":
				v.keep("access token", x)
				v.keep("access token's signature", x[strings.LastIndexByte(x, '.')+1:])
			case "refresh_token":
				v.keep("refresh token", x)
				raw, _ := base64.RawURLEncoding.DecodeString(x[strings.IndexByte(x, '_')+1:])
				v.keep("refresh token's MAC", string(raw[len(raw)-20:len(raw)-4]))
			case "token":
				own, _, _ := strings.Cut(x, "@") // after it is an address
				v.keep("connect token", own)
			}
		}
	}
	var answer any
	_ = json.Unmarshal(body, &answer)
	walk("", answer)
}

// ask is try, and remembers what must not be said and what was.
func (v *vault) ask(t testing.TB, p *process, r route) answer {
	t.Helper()
	a := p.ask(t, r)
	if a.status < 400 {
		v.keepTokens(a.body)
		return a
	}
	v.open = append(v.open, page{"the answer " + a.String() + " to " + r.method + " " + strings.SplitN(r.path, "?", 2)[0], a.body})
	return a
}

// forms are how a value may stand in a text.
func forms(value string) map[string]bool {
	b := []byte(value)
	quoted, _ := json.Marshal(value)
	return map[string]bool{value: true, strings.Trim(string(quoted), `"`): true, url.QueryEscape(value): true, hex.EncodeToString(b): true, strings.ToUpper(hex.EncodeToString(b)): true,
		base64.RawStdEncoding.EncodeToString(b): true, base64.RawURLEncoding.EncodeToString(b): true}
}

// hits are the secrets that were said in the open.
func (v *vault) hits() (found []string) {
	for value, what := range v.secrets {
		for form := range forms(value) {
			for _, p := range v.open {
				if i := bytes.Index(p.text, []byte(form)); i >= 0 {
					around := p.text[max(0, i-80):min(len(p.text), i+len(form)+20)]
					found = append(found, fmt.Sprintf("%s in %s: …%s…", what, p.name, bytes.ReplaceAll(around, []byte(form), []byte("<here>"))))
				}
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// A full run of everything that the API does and refuses, at the most talkative
// log level, beside clouds that fail and clouds that repeat what they know: no
// secret is in a log, in a metric, in the answer to a refused request, or in a
// dump of the database.
func TestProofSecretsAreNowhereInTheOpen(t *testing.T) {
	everyEngine(t, func(t *testing.T, r *rig) {
		v := &vault{secrets: map[string]string{}}
		v.keep("app secret", r.secret)
		v.keep("data key", r.store.KeyText)
		raw, err := base64.StdEncoding.DecodeString(r.store.KeyText)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+16 <= len(raw); i += 16 {
			v.keep("part of the data key", string(raw[i:i+16]))
		}
		if cfg, err := mysql.ParseDSN(r.dsn); err == nil && r.engine != "sqlite" {
			v.keep("database password", cfg.Passwd)
		}
		for what, password := range map[string]string{"password": userPassword, "admin's password": adminPassword, "new password": newPassword} {
			v.keep(what, password)
		}

		common := []string{"IMBRIDGE_LOG_LEVEL=debug", "IMBRIDGE_THROTTLE_ADDRESS_FREE=10000", "IMBRIDGE_SESSION_REFRESH_GRACE=0s", "IMBRIDGE_IM_RONGCLOUD_TIMEOUT=500ms"}
		text := r.serve(t, append(common, "IMBRIDGE_LOG_FORMAT=text")...)
		jsonLog := r.serve(t, append(common, "IMBRIDGE_LOG_FORMAT=json")...)
		admin := r.admin(t, text, proofAdmin, adminPassword)
		v.keep("access token", admin)
		ids := []string{}
		join := func(p *process) loggedIn {
			a := v.ask(t, p, route{"POST", "/v1/register", "", object{"username": "v" + random(), "password": userPassword, "nickname": "Vault"}, []string{"Idempotency-Key", v.plant("idempotency key")}})
			who := read[loggedIn](t, a)
			ids = append(ids, who.User.ID)
			return who
		}
		var answers []answer
		for _, p := range []*process{text, jsonLog} {
			// What goes wrong.
			who := join(p)
			for _, m := range v.mistakes(who, admin) {
				answers = append(answers, v.ask(t, p, m))
			}
			// What goes well; then the same with a session that has ended, and with none.
			all := everyRoute(who, join(p), admin)
			for round := range 3 {
				for _, route := range all {
					if round == 2 {
						route.bearer = ""
					}
					answers = append(answers, v.ask(t, p, route))
				}
			}
			// What goes wrong at the cloud.
			who = join(p)
			for _, h := range hostilities {
				if h.name == "delay" || h.name == "slow" {
					continue
				}
				r.fault(t, h.fault)
				answers = append(answers, v.ask(t, p, route{"POST", "/v1/admin/users/" + who.User.ID + "/reissue", admin, nil, nil}))
				r.heal(t)
				for range 3 { // successes that keep the breaker closed
					v.ask(t, p, route{"POST", "/v1/admin/users/" + who.User.ID + "/reissue", admin, nil, nil})
				}
				v.ask(t, p, route{"GET", "/v1/im/token", who.Session.Access, nil, nil})
			}
		}
		talker, ways := v.gossip(r.secret, r.anyConnectToken(v))
		defer talker.Close()
		gossiped := r.serve(t, append(common, "IMBRIDGE_LOG_FORMAT=json", "IMBRIDGE_IM_RONGCLOUD_BASE_URL="+talker.URL)...)
		who := join(gossiped)
		for range ways {
			answers = append(answers, v.ask(t, gossiped, route{"POST", "/v1/admin/users/" + who.User.ID + "/reissue", admin, nil, nil}))
		}
		if internal := tally(answers, answer.String); strings.Contains(internal, "500") {
			t.Errorf("answers = %s, want none that is 500", internal)
		}

		logs, metrics := 0, 0
		for name, p := range map[string]*process{"text": text, "json": jsonLog, "gossip": gossiped} {
			m, err := send(client, newRequest("GET", p.url["metrics"]+"/metrics", "", nil))
			if err != nil || !bytes.Contains(m.body, []byte("imbridge_http_request")) {
				t.Fatalf("metrics of %s = %s, %v", name, m, err)
			}
			_ = p.cmd.Process.Signal(syscall.SIGTERM)
			<-p.ended
			log := p.errors.String()
			if !strings.Contains(log, "/v1/im/token") && name != "gossip" || !strings.Contains(log, ids[0]) && name == "text" {
				t.Errorf("the log of %s tells nothing of this run", name)
			}
			v.open = append(v.open, page{"the log of " + name, []byte(log)}, page{"what " + name + " printed", []byte(p.out.String())}, page{"metrics of " + name, m.body})
			logs, metrics = logs+len(log), metrics+len(m.body)
		}
		v.open = append(v.open, page{"the log of the sandbox", []byte(r.cloud.errors.String() + r.cloud.out.String())})
		bodies := len(v.open)
		dump := r.dump(t)
		v.open = append(v.open, dump...)
		size := 0
		for _, p := range dump {
			size += len(p.text)
		}
		if !slices.ContainsFunc(dump, func(p page) bool { return bytes.Contains(p.text, []byte(ids[0])) }) {
			t.Error("the dump of the database does not hold this run")
		}

		hits := v.hits()
		t.Logf("%d secrets, each in up to 7 forms; looked for in %d kB of logs, %d kB of metrics, %d other texts and error bodies, %d kB of database: %d hits",
			len(v.secrets), logs>>10, metrics>>10, bodies, size>>10, len(hits))
		t.Logf("answers: %s", tally(answers, answer.String))
		for _, h := range hits {
			t.Error(h)
		}
	})
}

func (r *rig) anyConnectToken(v *vault) string {
	for value, what := range v.secrets {
		if what == "connect token" {
			return value
		}
	}
	panic("no connect token in this run")
}

// dump is all that the database holds: every column of every table, and for
// SQLite the bytes of its files, where deleted rows live on.
func (r *rig) dump(t *testing.T) (pages []page) {
	db := r.store.SQL(t)
	query := "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
	if r.engine == "sqlite" {
		query = "SELECT name FROM sqlite_master WHERE type = 'table'"
		for _, suffix := range []string{"", "-wal"} {
			b, err := os.ReadFile(r.store.Options.DSN + suffix)
			if err != nil && suffix == "" {
				t.Fatal(err)
			}
			pages = append(pages, page{"the database file" + suffix, b})
		}
	}
	rows, err := db.Query(query) //nolint:sqlclosecheck // closed where it has been read
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if err := rows.Err(); err != nil || len(tables) < 10 {
		t.Fatalf("%d tables, %v", len(tables), err)
	}
	for _, table := range tables {
		pages = append(pages, page{"table " + table, dumpTable(t, db, table)})
	}
	return pages
}

func dumpTable(t *testing.T, db *sql.DB, table string) []byte {
	rows, err := db.Query("SELECT * FROM " + table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	values := make([]sql.RawBytes, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for i, column := range columns {
			fmt.Fprintf(&b, "%s=%s\n", column, values[i])
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
