package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"imbridge/models/modelstest"
)

// patience is how long a proof waits for what must happen, on a busy machine
// with two cores. Nothing is proven by how long something took.
const patience = 60 * time.Second

// everyEngine runs a proof on each engine that the environment asks for. Every
// proof stands on real processes: one sandbox, and as many servers on one
// database as it starts.
func everyEngine(t *testing.T, proof func(t *testing.T, r *rig)) {
	t.Helper()
	for _, engine := range modelstest.Engines(t) {
		t.Run(engine, func(t *testing.T) { proof(t, newRig(t, engine)) })
	}
}

// A rig is a database with a sandbox beside it.
type rig struct {
	engine string
	// store is the database seen without the product's processes.
	store  *modelstest.Store
	cloud  *process
	secret string // of the app at the sandbox
	dsn    string // replaces the store's, where something stands between
}

const appKey = "proof-app-key"

func newRig(t *testing.T, engine string) *rig {
	r := &rig{engine: engine, store: modelstest.OpenOn(t, engine), secret: "proofAppSecret" + random()}
	r.dsn = r.store.Options.DSN
	r.cloud = start(t, "sandbox", []string{"IMBRIDGE_IM_RONGCLOUD_APP_KEY=" + appKey, "IMBRIDGE_IM_RONGCLOUD_APP_SECRET=" + r.secret,
		"IMBRIDGE_SANDBOX_LISTEN=127.0.0.1:0", "IMBRIDGE_SANDBOX_CONTROL_LISTEN=127.0.0.1:0"}, "sandbox", "control")
	return r
}

func (r *rig) settings(t *testing.T, more ...string) []string {
	return append([]string{
		"IMBRIDGE_DATA_DIR=" + t.TempDir(), "IMBRIDGE_SERVER_LISTEN=127.0.0.1:0", "IMBRIDGE_OPS_LISTEN=127.0.0.1:0",
		"IMBRIDGE_DATABASE_DRIVER=" + r.store.Options.Driver, "IMBRIDGE_DATABASE_DSN=" + r.dsn, "IMBRIDGE_KEYS_DATA_KEY=" + r.store.KeyText,
		"IMBRIDGE_IM_CLOUD=rongcloud", "IMBRIDGE_IM_RONGCLOUD_APP_KEY=" + appKey, "IMBRIDGE_IM_RONGCLOUD_APP_SECRET=" + r.secret,
		"IMBRIDGE_IM_RONGCLOUD_BASE_URL=" + r.cloud.url["sandbox"],
	}, more...)
}

// serve starts a server on the rig's database; more are settings as variables.
func (r *rig) serve(t *testing.T, more ...string) *process {
	t.Helper()
	return start(t, "serve", r.settings(t, more...), "api", "metrics")
}

// A process is a running imbridge.
type process struct {
	// url is where it listens, by the name in what it printed.
	url         map[string]string
	out, errors *output
	cmd         *exec.Cmd
	ended       chan struct{}
}

var printedURL = regexp.MustCompile(`(?m)^ *([a-z]+) +(http://[0-9.:]+)`)

// start runs a command with these variables and no others of ours, and waits
// until it has printed the addresses that are asked for. It ends with the test.
func start(t *testing.T, command string, environ []string, listeners ...string) *process {
	t.Helper()
	p := &process{url: map[string]string{}, out: &output{}, errors: &output{}, ended: make(chan struct{})}
	p.cmd = exec.Command(binary(t), command)
	p.cmd.Env, p.cmd.Dir = append(foreignEnviron(), environ...), t.TempDir()
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.errors
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start imbridge %s: %v", command, err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		if t.Failed() {
			t.Logf("imbridge %s wrote last:\n%s", command, p.errors.tail(4000))
		}
	})
	eventually(t, "imbridge "+command+" listens", func() (bool, string) {
		for _, m := range printedURL.FindAllStringSubmatch(p.out.String(), -1) {
			p.url[m[1]] = m[2]
		}
		for _, l := range listeners {
			if p.url[l] == "" {
				if p.hasEnded() {
					t.Fatalf("imbridge %s ended with status %d:\n%s", command, p.cmd.ProcessState.ExitCode(), p.errors.tail(4000))
				}
				return false, p.out.String()
			}
		}
		return true, ""
	})
	return p
}

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

func foreignEnviron() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "IMBRIDGE_") })
}

// An output collects what a process writes.
type output struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}

func (o *output) tail(n int) string {
	s := o.String()
	return s[max(0, len(s)-n):]
}

// eventually asks until it is so. What was seen last is shown if it never is.
func eventually(t testing.TB, what string, so func() (ok bool, saw string)) {
	t.Helper()
	deadline, tick := time.After(patience), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		ok, saw := so()
		if ok {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: not within %s; seen last: %s", what, patience, saw)
		}
	}
}

// An answer is what a process said to a request.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// code is the stable code of a problem, "" of anything else.
func (a answer) code() string {
	var p struct {
		Code string `json:"code"`
	}
	if a.header.Get("Content-Type") == "application/problem+json" {
		_ = json.Unmarshal(a.body, &p)
	}
	return p.Code
}

func (a answer) String() string {
	if a.status >= 400 {
		return strings.TrimSpace(fmt.Sprintf("%d %s", a.status, a.code()))
	}
	return fmt.Sprint(a.status)
}

// client keeps the connections of a storm; it never repeats a request.
var client = &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 2000, IdleConnTimeout: 10 * time.Second},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// newRequest makes one to url; body is JSON, or text as it is; headers are pairs.
func newRequest(method, url, bearer string, body any, headers ...string) *http.Request {
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			panic(err)
		}
		content = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, url, content)
	if err != nil {
		panic(err)
	}
	if content != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return req
}

func send(c *http.Client, req *http.Request) (answer, error) {
	res, err := c.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{status: res.StatusCode, header: res.Header, body: b}, err
}

// try asks the API, whatever it says.
func (p *process) try(t testing.TB, method, path, bearer string, body any, headers ...string) answer {
	t.Helper()
	a, err := send(client, newRequest(method, p.url["api"]+path, bearer, body, headers...))
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// do asks the API for something that must be answered with status want.
func (p *process) do(t testing.TB, want int, method, path, bearer string, body any, headers ...string) answer {
	t.Helper()
	a := p.try(t, method, path, bearer, body, headers...)
	if a.status != want {
		t.Fatalf("%s %s = %s, want %d\n%s", method, path, a, want, a.body)
	}
	return a
}

// read decodes an answer.
func read[T any](t testing.TB, a answer) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("answer %s: %v\n%s", a, err, a.body)
	}
	return v
}

type connectToken struct {
	IMUserID string `json:"im_user_id"`
	Token    string `json:"token"`
}

type sessionTokens struct {
	ID      string `json:"id"`
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

type loggedIn struct {
	User struct {
		ID       string `json:"id"`
		Username string `json:"username"`
		IMState  string `json:"im_state"`
	} `json:"user"`
	Session sessionTokens `json:"session"`
	IM      *connectToken `json:"im"`
}

type refreshed struct {
	Session sessionTokens `json:"session"`
}

type readiness struct {
	Status   string `json:"status"`
	Draining bool   `json:"draining"`
	Checks   struct {
		Cloud struct {
			State string `json:"state"`
		} `json:"cloud"`
	} `json:"checks"`
}

const userPassword = "plain-Walrus-Teapot-41"

// register makes a person with a name of their own.
func (p *process) register(t testing.TB) loggedIn {
	t.Helper()
	return read[loggedIn](t, p.do(t, http.StatusCreated, "POST", "/v1/register", "", map[string]string{"username": "u" + random(), "password": userPassword}))
}

// admin makes an admin by the command and logs them in at p.
func (r *rig) admin(t *testing.T, p *process, name, password string) (access string) {
	t.Helper()
	cmd := exec.Command(binary(t), "admin", "create", "--name", name, "--password-stdin")
	cmd.Env, cmd.Dir = append(foreignEnviron(), r.settings(t)...), t.TempDir()
	cmd.Stdin = strings.NewReader(password + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("admin create: %v\n%s", err, out)
	}
	a := p.do(t, http.StatusOK, "POST", "/v1/admin/login", "", map[string]string{"name": name, "password": password})
	return read[struct {
		AccessToken string `json:"access_token"`
	}](t, a).AccessToken
}

// control turns a knob of the sandbox, or reads one where body is nil.
func (r *rig) control(t testing.TB, path string, body any) answer {
	t.Helper()
	method := "POST"
	if body == nil {
		method = "GET"
	}
	a, err := send(client, newRequest(method, r.cloud.url["control"]+path, "", body))
	if err != nil || a.status != http.StatusOK {
		t.Fatalf("sandbox %s %s = %s, %v\n%s", method, path, a, err, a.body)
	}
	return a
}

type object = map[string]any

const getToken = "/user/getToken.json"

func (r *rig) fault(t testing.TB, f object) { t.Helper(); r.control(t, "/control/faults", f) }

// heal ends all faults and counts calls from zero.
func (r *rig) heal(t testing.TB) { t.Helper(); r.control(t, "/control/reset", object{}) }

func (r *rig) calls(t testing.TB, path string) int {
	t.Helper()
	return read[map[string]int](t, r.control(t, "/control/calls", nil))[path]
}

// fired is how many calls the faults in force have met.
func (r *rig) fired(t testing.TB) (n int) {
	t.Helper()
	for _, f := range read[struct{ Faults []struct{ Fired int } }](t, r.control(t, "/control/faults", nil)).Faults {
		n += f.Fired
	}
	return n
}

// accepted tells whether the cloud would let a client in with token.
func (r *rig) accepted(t testing.TB, token string) bool {
	t.Helper()
	return read[struct {
		State string `json:"state"`
	}](t, r.control(t, "/control/token", object{"token": token})).State == "valid"
}

// storm sends n requests at the same moment, and waits for all answers.
func storm(t testing.TB, n int, request func(i int) *http.Request) []answer {
	t.Helper()
	answers, errs := make([]answer, n), make([]error, n)
	var ready, done sync.WaitGroup
	gun := make(chan struct{})
	for i := range n {
		req := request(i)
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-gun
			answers[i], errs[i] = send(client, req)
		})
	}
	ready.Wait()
	close(gun)
	done.Wait()
	for i, err := range errs {
		if err != nil {
			t.Fatalf("request %d of %d: %v", i, n, err)
		}
	}
	return answers
}

// tally counts what each gives: "200 ×998, 503 busy ×2".
func tally[T any](list []T, what func(T) string) string {
	counts := map[string]int{}
	for _, v := range list {
		counts[what(v)]++
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s ×%d", k, counts[k]))
	}
	return strings.Join(parts, ", ")
}

// distinct are the different values that what gives.
func distinct[T any](list []T, what func(T) string) []string {
	seen := map[string]bool{}
	for _, v := range list {
		seen[what(v)] = true
	}
	return slices.Sorted(maps.Keys(seen))
}
