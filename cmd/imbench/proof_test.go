package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// proofEngine is the one to play the short form on: MySQL's, where there is a
// server or what to make one from, and SQLite where there is neither.
func proofEngine(t *testing.T) string {
	for _, engine := range serverEngines {
		s := &dbServer{engine: engine}
		found, err := s.find(&proof{environ: os.Environ()})
		if err != nil {
			t.Fatal(err)
		}
		if found || os.Getenv(engines[engine]) != "" {
			return engine
		}
	}
	return "sqlite"
}

// Every row of the proof, in its short form, on real processes.
func TestProofShort(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes minutes")
	}
	file := filepath.Join(t.TempDir(), "proof.json")
	args := []string{"proof", "--engine", proofEngine(t), "--time-limit", "8m", "--json", file}
	if testing.Verbose() {
		args = append(args, "--keep")
	}
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
		Seed uint64
		Rows []*finding
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
}

// A row that was not reached fails the run, and says why.
func TestProofReport(t *testing.T) {
	var out bytes.Buffer
	p := &proof{stdout: &out, proofPlan: proofPlan{seed: 7, engine: "mysql"}}
	good, skipped, bad := &finding{Row: "good", Reached: true}, &finding{Row: "none", Skipped: "not here"}, &finding{Row: "bad", Lost: 2}
	good.figure("things", 3)
	if err := p.report([]*finding{good, skipped}); err != nil {
		t.Errorf("report of a row reached and one skipped = %v, want nil", err)
	}
	for range maxWrong + 5 {
		bad.wrong("somebody is %s", "lost")
	}
	if err := p.report([]*finding{good, bad}); err != errBelow {
		t.Errorf("report of a row not reached = %v, want errBelow", err)
	}
	for _, want := range []string{"things 3", "NOT REACHED", "bad: somebody is lost", "bad: and 5 more", "not here", "--seed 7"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, out.String())
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
	b := &balancer{ready: map[string]bool{}}
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
