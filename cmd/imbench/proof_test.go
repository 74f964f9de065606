package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// proofEngines are those to play the short form on: MySQL and MariaDB, where there
// is a server or what to make one from, and SQLite where there is neither. Not all
// rows can be played on a server that is not the proof's own, and few on SQLite.
func proofEngines(t *testing.T) (list []string, partial bool) {
	for _, engine := range serverEngines {
		s := &dbServer{engine: engine}
		found, err := s.find(&proof{environ: os.Environ()})
		if err != nil {
			t.Fatal(err)
		}
		if found || os.Getenv(engines[engine]) != "" {
			list, partial = append(list, engine), partial || !found
		}
	}
	if list == nil {
		return []string{"sqlite"}, true
	}
	return list, partial
}

// Every row of the proof, in its short form, on real processes.
func TestProofShort(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes minutes")
	}
	file := filepath.Join(t.TempDir(), "proof.json")
	on, partial := proofEngines(t)
	args := []string{"proof", "--engine", strings.Join(on, ","), "--time-limit", "8m", "--json", file}
	if partial || runtime.GOOS != "linux" {
		t.Logf("there is no server to kill for each of %s: not all rows are played", on)
		args = append(args, "--partial")
	}
	if testing.Verbose() {
		args = append(args, "--keep")
	}
	idle := watchMachine()
	status, out, errs := runWith(t, args...)
	t.Logf("\n%s", out)
	if status != 0 {
		t.Fatalf("status %d, want 0\n%s", status, errs)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var told struct {
		Seed    uint64
		Seconds float64
		Rows    []*finding
	}
	if err := json.Unmarshal(raw, &told); err != nil {
		t.Fatal(err)
	}
	if told.Seed == 0 || len(told.Rows) != len(proofRows) {
		t.Errorf("the file has %d rows and seed %d, want %d and another than 0", len(told.Rows), told.Seed, len(proofRows))
	}
	for _, f := range told.Rows {
		if f.Skipped == "" && len(f.Figures) == 0 {
			t.Errorf("row %s has no figures", f.Row)
		}
	}
	// Half as long again for the slowness of a machine, and as much longer as
	// others had of it.
	share, known := idle()
	most := time.Duration(float64(shortForm) * 1.5 / share)
	t.Logf("the rows took %.0fs, while others left %.0f %% of the machine (known: %t)", told.Seconds, share*100, known)
	if got := time.Duration(told.Seconds * float64(time.Second)); known && got > most {
		t.Errorf("the short form took %s, want at most %s: %s on a quiet machine", got.Round(time.Second), most.Round(time.Second), shortForm)
	}
}

// A row that was not reached fails the run, and says why; one that was not played,
// or in part, only where that is agreed to.
func TestProofReport(t *testing.T) {
	var out bytes.Buffer
	good, skipped, part, bad := &finding{Row: "good", Reached: true}, &finding{Row: "none", Skipped: "not here"}, &finding{Row: "half"}, &finding{Row: "bad", Lost: 2}
	good.figure("things", 3)
	part.unplayed("disk full", errors.New("no disk"))
	for range maxWrong + 5 {
		bad.wrong("somebody is %s", "lost")
	}
	for _, c := range []struct {
		name    string
		rows    []*finding
		partial bool
		want    error
	}{
		{"a row reached", []*finding{good}, false, nil},
		{"a row skipped", []*finding{good, skipped}, false, errBelow},
		{"a row played in part", []*finding{good, part}, false, errBelow},
		{"rows skipped as agreed", []*finding{good, skipped, part}, true, nil},
		{"a row not reached", []*finding{good, bad}, true, errBelow},
	} {
		p := &proof{stdout: &out, proofPlan: proofPlan{seed: 7, engines: []string{"mysql"}, partial: c.partial}}
		if err := p.report(c.rows, 100*time.Second); err != c.want {
			t.Errorf("report of %s = %v, want %v", c.name, err, c.want)
		}
	}
	for _, want := range []string{"things 3", "NOT REACHED", "bad: somebody is lost", "bad: and 5 more", "not here", "in part", "not played disk full: no disk", "--seed 7", "100.0s of the 180s"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, out.String())
		}
	}
}

// The short form plays each row on one engine, on both of them over two seeds, and
// neither waits long for the other; the long form plays each on every engine.
func TestProofDeal(t *testing.T) {
	on := map[string]map[string]bool{}
	for seed := range uint64(2) {
		p := &proof{proofPlan: proofPlan{seed: seed, engines: serverEngines}}
		var about []int
		played := 0
		for _, h := range p.deal(proofRows) {
			sum := 0
			for _, r := range h.rows {
				if on[r.name] == nil {
					on[r.name] = map[string]bool{}
				}
				on[r.name][h.engine] = true
				sum += r.about
				played++
			}
			about = append(about, sum)
		}
		if played != len(proofRows) || len(about) != 2 || about[0]-about[1] > 30 || about[1]-about[0] > 30 {
			t.Errorf("seed %d: %d rows, seconds of each engine %v; want %d, and two within 30 of each other", seed, played, about, len(proofRows))
		}
	}
	for _, r := range proofRows {
		if len(on[r.name]) != 2 {
			t.Errorf("row %s was played on %v over two seeds, want both engines", r.name, on[r.name])
		}
	}
	long := (&proof{proofPlan: proofPlan{seed: 1, long: true, engines: serverEngines}}).deal(proofRows)
	for _, h := range long {
		if len(h.rows) != len(proofRows) {
			t.Errorf("the long form plays %d rows on %s, want %d", len(h.rows), h.engine, len(proofRows))
		}
	}
}

func TestProofNotUnderstood(t *testing.T) {
	status, _, errs := runWith(t, "proof", "--row", "nonsense", "--engine", "oracle", "--time-limit", "1ms")
	if status != 2 {
		t.Errorf("status %d, want 2", status)
	}
	for _, want := range []string{`--row "nonsense"`, `--engine "oracle"`, "--time-limit 1ms"} {
		if !strings.Contains(errs, want) {
			t.Errorf("the complaint lacks %q: %s", want, errs)
		}
	}
}

// docs/proof.md tells of every row.
func TestProofManual(t *testing.T) {
	manual, err := os.ReadFile("../../docs/proof.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range proofRows {
		if !strings.Contains(string(manual), "| `"+r.name+"` |") {
			t.Errorf("docs/proof.md has no line for row %s", r.name)
		}
	}
}

// docs/proof.md names tests that are there.
func TestProofManualNamesTests(t *testing.T) {
	manual, err := os.ReadFile("../../docs/proof.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(manual), "## Which test notices what")
	quoted := regexp.MustCompile("`([^`]+)`")
	named := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || !strings.Contains(cells[4], "Test") {
			continue
		}
		source := ""
		for _, pkg := range quoted.FindAllStringSubmatch(cells[3], -1) {
			files, err := filepath.Glob(filepath.Join("../..", pkg[1], "*_test.go"))
			if err != nil || len(files) == 0 {
				t.Errorf("package %s has no tests (%v)", pkg[1], err)
			}
			for _, file := range files {
				raw, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				source += string(raw)
			}
		}
		for _, test := range quoted.FindAllStringSubmatch(cells[4], -1) {
			if named++; !strings.Contains(source, "\nfunc "+test[1]+"(t *testing.T) {") {
				t.Errorf("docs/proof.md names %s, which is not in %s", test[1], cells[3])
			}
		}
	}
	if named < 8 {
		t.Errorf("docs/proof.md names %d tests, want the table to be read", named)
	}
}

// packet frames a command as MySQL's protocol does.
func packet(command byte, text string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(text)+1)) // the number in the exchange is 0
	return append(append(b, command), text...)
}

// A cutter keeps to itself the answer of a registration's commit that it is told
// to pick, after the server has given it, and of nothing else.
func TestCutter(t *testing.T) {
	ok := []byte{1, 0, 0, 1, 0}
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var seen []string
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range 2 {
			c, err := server.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 1024)
			for {
				n, err := c.Read(b)
				if err != nil {
					break
				}
				seen = append(seen, string(b[5:n]))
				_, _ = c.Write(ok)
			}
			_ = c.Close()
		}
	}()
	cut, err := newCutter(server.Addr().String, func() bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	defer cut.close()
	talk := func(queries ...string) (answered int) {
		c, err := net.Dial("tcp", cut.addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		for _, q := range queries {
			_, _ = c.Write(packet(comQuery, q))
			if _, err := io.ReadFull(c, make([]byte, len(ok))); err != nil {
				break
			}
			answered++
		}
		return answered
	}
	insert := "INSERT INTO `users` (`id`) VALUES ('a')"
	if n := talk("START TRANSACTION", "UPDATE im_tokens SET epoch = 1", "COMMIT", "START TRANSACTION", insert, "ROLLBACK", "COMMIT"); n != 7 {
		t.Errorf("%d of 7 commands answered that are no commit of a registration", n)
	}
	if n := talk("START TRANSACTION", insert, "COMMIT"); n != 2 {
		t.Errorf("%d commands answered, want 2: the commit's answer is cut", n)
	}
	<-ended
	if got := cut.cuts.Load(); got != 1 {
		t.Errorf("cuts = %d, want 1", got)
	}
	if !slices.Contains(seen[7:], "COMMIT") {
		t.Errorf("the server saw %q, want the commit among them", seen[7:])
	}
}

// A balancer takes only those that are ready, in turn.
func TestBalancerPicks(t *testing.T) {
	b := newBalancer()
	b.add("a")
	b.add("b")
	if got := b.pick(); got == "a" || got == "b" {
		t.Errorf("pick with nobody ready = %s", got)
	}
	b.ready["b"] = true
	for range 3 {
		if got := b.pick(); got != "b" {
			t.Errorf("pick = %s, want b, the only one ready", got)
		}
	}
	b.ready["a"] = true
	if one, two := b.pick(), b.pick(); one == two {
		t.Errorf("two picks of two = %s, %s, want both", one, two)
	}
	b.remove("b")
	if got := b.pick(); got != "a" {
		t.Errorf("pick = %s, want a, the only one left", got)
	}
}

// A replica that takes a request over a connection used before and breaks it off
// has lost the request: the balancer says so, and asks nobody again.
func TestBalancerRepeatsNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var asked atomic.Int64
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := bufio.NewReader(c)
				for first := true; ; first = false {
					if _, err := http.ReadRequest(in); err != nil {
						return
					}
					asked.Add(1)
					if !first {
						return
					}
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				}
			}()
		}
	}()
	b := newBalancer()
	base := "http://" + l.Addr().String()
	b.add(base)
	b.ready[base] = true
	front := httptest.NewServer(b.proxy)
	defer front.Close()
	for i, want := range []int{http.StatusOK, http.StatusBadGateway} {
		res, err := http.Get(front.URL)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("request %d = %d, want %d", i+1, res.StatusCode, want)
		}
	}
	if got := asked.Load(); got != 2 {
		t.Errorf("the replica was asked %d times, want 2", got)
	}
}

// Each of twenty rounds has a fate of its own at the same step, which the seed
// repeats.
func TestCrashFates(t *testing.T) {
	seen := map[fate]bool{}
	for round := range 20 {
		one := drawFate(7, "ban", round, 3, false)
		if again := drawFate(7, "ban", round, 3, false); again != one {
			t.Errorf("round %d = %+v, then %+v, want the same", round, one, again)
		}
		seen[one] = true
	}
	if len(seen) != 20 {
		t.Errorf("%d fates in 20 rounds, want 20", len(seen))
	}
	if one, other := drawFate(7, "ban", 0, 3, false), drawFate(8, "ban", 0, 3, false); one == other {
		t.Errorf("two seeds have the same fate, %+v", one)
	}
}

// A row that does not come back is left, and is not reached.
func TestProofRowThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		forever := make(chan struct{})
		start := time.Now()
		err := (&proof{}).within(t.Context(), func(context.Context) error { <-forever; return nil })
		if want := shortRow + lastWord; err == nil || time.Since(start) != want {
			t.Errorf("within = %v after %s, want an error after %s", err, time.Since(start), want)
		}
		close(forever)
	})
}
