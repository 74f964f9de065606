package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"imbridge/models"
)

const (
	proofKey      = "proofappkey"
	proofPassword = "plain-Walrus-Teapot-41"
	// rest is how long a row may take to come to rest.
	rest = 60 * time.Second
	// getTokenPath is where the sandbox mints.
	getTokenPath = "/user/getToken.json"
)

// A stage is what a row is played on: a database, a sandbox, and as many
// imbridges as it starts.
type stage struct {
	p      *proof
	server *dbServer // nil on SQLite
	// progress is silent where other rows are played at the same time.
	progress *progress

	dir     string
	dice    *rand.Rand
	db      *proofDatabase
	cloud   *proofProcess
	dsn     string // what the product is told
	base    string // address of the cloud, as the product is told
	secret  string
	dataKey string
	http    *http.Client
	ahead   time.Duration // how far the row has moved the clocks
	poll    time.Duration // between two looks at whether all is at rest; at least 20 ms

	mu        sync.Mutex
	processes []*proofProcess
	proxies   []*badNetwork
}

// stage makes one.
func (p *proof) stage(ctx context.Context, server *dbServer, row, engine string, seed uint64) (*stage, error) {
	s := &stage{p: p, server: server, progress: newProgress(io.Discard), dir: filepath.Join(p.dir, row+"-"+engine), dice: rand.New(rand.NewPCG(seed, seed)), secret: "proofsecret" + randomHex(),
		http: &http.Client{Timeout: 40 * time.Second, Transport: onceTransport{&http.Transport{MaxIdleConnsPerHost: 500, IdleConnTimeout: 10 * time.Second}},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	var err error
	var key *models.DataKey
	if key, s.dataKey, err = models.NewDataKey(); err != nil {
		return nil, err
	}
	_ = key
	if engine == "sqlite" {
		path := filepath.Join(s.dir, "proof.db")
		db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
		if err != nil {
			return nil, err
		}
		s.db = &proofDatabase{driver: "sqlite", dsn: path, db: db}
	} else if s.db, err = server.newDatabase(ctx, row); err != nil {
		return nil, err
	}
	s.dsn = s.db.dsn
	s.cloud, err = startProcess(ctx, "sandbox", s.dir, environment(p.environ, map[string]string{
		"IMBRIDGE_DATA_DIR": s.dir, "IMBRIDGE_IM_RONGCLOUD_APP_KEY": proofKey, "IMBRIDGE_IM_RONGCLOUD_APP_SECRET": s.secret,
		"IMBRIDGE_SANDBOX_LISTEN": "127.0.0.1:0", "IMBRIDGE_SANDBOX_CONTROL_LISTEN": "127.0.0.1:0",
	}), p.program, []string{"sandbox"}, "sandbox", "control")
	if err != nil {
		s.db.drop(ctx)
		return nil, err
	}
	s.base = s.cloud.url["sandbox"]
	return s, nil
}

// settings of an imbridge on the stage, as variables.
func (s *stage) settings() map[string]string {
	return map[string]string{
		"IMBRIDGE_DATA_DIR": s.dir, "IMBRIDGE_SERVER_LISTEN": "127.0.0.1:0", "IMBRIDGE_OPS_LISTEN": "127.0.0.1:0",
		"IMBRIDGE_DATABASE_DRIVER": s.db.driver, "IMBRIDGE_DATABASE_DSN": s.dsn, "IMBRIDGE_DATABASE_MIGRATE_ON_START": "true",
		"IMBRIDGE_KEYS_DATA_KEY": s.dataKey,
		"IMBRIDGE_IM_CLOUD":      "rongcloud", "IMBRIDGE_IM_RONGCLOUD_APP_KEY": proofKey, "IMBRIDGE_IM_RONGCLOUD_APP_SECRET": s.secret,
		"IMBRIDGE_IM_RONGCLOUD_BASE_URL": s.base,
		// All clients of a row come from one address.
		"IMBRIDGE_THROTTLE_ADDRESS_FREE": "1000000", "IMBRIDGE_THROTTLE_ACCOUNT_FREE": "1000",
	}
}

// close ends what the row has started and puts what panicked among what is wrong.
func (s *stage) close(ctx context.Context, f *finding) {
	s.http.CloseIdleConnections()
	for _, n := range s.proxies {
		n.close()
	}
	for _, p := range append(s.processes, s.cloud) {
		p.signal(syscall.SIGCONT)
		p.kill()
		if raw, err := os.ReadFile(p.log); err == nil && bytes.Contains(raw, []byte("panic:")) {
			f.wrong("%s panicked:\n%s", p.name, tail(p.log, 2000))
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	s.db.drop(ctx)
}

// A said is what was answered to a request.
type said struct {
	status int
	header http.Header
	body   []byte
}

// code is the stable code of a problem, "" of anything else.
func (a said) code() string {
	var p struct {
		Code string `json:"code"`
	}
	if a.status >= 400 {
		_ = json.Unmarshal(a.body, &p)
	}
	return p.Code
}

func (a said) String() string { return strings.TrimSpace(fmt.Sprintf("%d %s", a.status, a.code())) }

// ask sends one request and never repeats it; headers are pairs.
func (s *stage) ask(ctx context.Context, method, url, bearer string, body any, headers ...string) (said, error) {
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return said{}, err
		}
		content = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, content)
	if err != nil {
		return said{}, err
	}
	req.GetBody = nil // so that it cannot be sent again; see onceTransport
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.http.Do(req)
	if err != nil {
		return said{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return said{status: res.StatusCode, header: res.Header, body: raw}, err
}

type object = map[string]any

// control turns a knob of the sandbox, or reads one where body is nil.
func (s *stage) control(ctx context.Context, path string, body, into any) error {
	method := http.MethodPost
	if body == nil {
		method = http.MethodGet
	}
	a, err := s.ask(ctx, method, s.cloud.url["control"]+path, "", body)
	if err != nil {
		return fmt.Errorf("sandbox %s: %w", path, err)
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("sandbox %s: %d %s", path, a.status, a.body)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(a.body, into)
}

func (s *stage) fault(ctx context.Context, f object) error {
	return s.control(ctx, "/control/faults", f, nil)
}

// heal ends all faults and counts calls from zero.
func (s *stage) heal(ctx context.Context) error {
	return s.control(ctx, "/control/reset", object{}, nil)
}

// accepted tells whether the cloud would let a client in with token.
func (s *stage) accepted(ctx context.Context, token string) (bool, error) {
	var v struct {
		State string `json:"state"`
	}
	err := s.control(ctx, "/control/token", object{"token": token}, &v)
	return v.State == "valid", err
}

// number reads one number from the database, past every proxy. Where the table
// is not there it is 0.
func (s *stage) number(ctx context.Context, query string, args ...any) (int, error) {
	var n int
	err := s.db.db.QueryRowContext(ctx, query, args...).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return n, err
}

// until asks about every 20 ms until it is so, for at most d.
func until(ctx context.Context, d time.Duration, so func() (bool, error)) (bool, error) {
	return every(ctx, 0, d, so)
}

// every is until with a pause of at least 20 ms.
func every(ctx context.Context, pause, d time.Duration, so func() (bool, error)) (bool, error) {
	deadline := time.Now().Add(d)
	for {
		ok, err := so()
		if ok {
			return true, nil
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return false, err
		}
		time.Sleep(max(20*time.Millisecond, pause))
	}
}

// ready waits until readyz has the status, and tells how long that took.
func (s *stage) ready(ctx context.Context, p *proofProcess, status int, within time.Duration) (time.Duration, bool) {
	start := time.Now()
	ok, _ := until(ctx, within, func() (bool, error) {
		a, err := s.ask(ctx, http.MethodGet, p.url["api"]+"/readyz", "", nil)
		return err == nil && a.status == status, err
	})
	return time.Since(start), ok
}
