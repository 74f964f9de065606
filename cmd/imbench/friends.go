package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// The people of a run of friends, by their numbers: one with as many friends as
// there may be, one with a page of them, those friends, and pairs that become
// friends and part again while the cloud is watched.
const (
	manyFriends = 3000
	fewFriends  = friendPage
	friendPage  = 50
	pairCount   = 100

	popular   account = 0
	quiet     account = 1
	firstBud  account = 2
	firstPair account = firstBud + manyFriends
)

// friendsApp is the app key at the cloud.
const friendsApp = "imbench#friends"

// What a run of friends has to reach.
const (
	pageRatio   = 2.0         // of a page's time to one of a short list
	effectWant  = time.Second // p99 from a change to the cloud
	relationCap = 100         // documented calls a second of each kind
)

// A friendBench is one run of friends.
type friendBench struct {
	bench
	rate    int           // changes a second
	length  time.Duration // of the changes
	http    *http.Client
	process *proofProcess
	cloud   *friendWatch
}

func friendsCommand(stdout, stderr io.Writer, understood *bool) *cobra.Command {
	p := defaultPlan()
	p.accounts = int(firstPair) + 2*pairCount
	f := &friendBench{rate: 50, length: 20 * time.Second}
	c := &cobra.Command{
		Use: "friends", Short: "A page of a long friend list, and from a change to the cloud", Args: cobra.NoArgs,
		Long: fmt.Sprintf(`imbench friends fills a database of its own, starts "imbridge serve" with the sandbox as
Easemob, its documented limits on, and measures two things:

A page of %d friends at the start, in the middle and at the end of a list of %d, each as a
ratio to a page of a list of %d; on MySQL and MariaDB also the SELECTs and the index reads of
the server for one answer.

People who become friends and part again, --rate changes a second for --length: how long a
change takes from the request until the cloud has it, and the most calls that the sandbox
counted in any window of one second, against the limit.

The exit status is 1 when a page takes more than %.0f times as long as that of the short list,
when the p99 of the changes reaches %s, or when a limit was passed.`, friendPage, manyFriends, fewFriends, pageRatio, effectWant),
		Example: `  make bench ARGS=friends
  go run ./cmd/imbench friends --engine sqlite`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, known := engines[p.engine]
			if !known || f.rate < 1 || f.rate > 80 || f.length < time.Second || f.length > 40*time.Second {
				return errors.New("want --engine mysql, mariadb or sqlite, --rate 1 to 80, --length 1s to 40s")
			}
			*understood = true
			f.bench = bench{plan: p, environ: os.Environ(), stdout: stdout, stderr: stderr}
			return f.run(cmd.Context())
		},
	}
	c.Flags().SortFlags = false
	c.Flags().StringVar(&p.engine, "engine", p.engine, "database `engine`: mysql, mariadb or sqlite")
	c.Flags().IntVar(&f.rate, "rate", f.rate, "changes a second, 1 to 80; each is one call to the cloud")
	c.Flags().DurationVar(&f.length, "length", f.length, "how long there are changes, 1s to 40s")
	c.Flags().StringVar(&p.imbridge, "imbridge", p.imbridge, "`file` of the imbridge to measure (built from this tree without it)")
	return c
}

func (f *friendBench) run(ctx context.Context) (err error) {
	f.progress = newProgress(f.stderr)
	if f.dir, err = os.MkdirTemp("", "imbench-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(f.dir) }()
	if f.db, err = newDatabase(ctx, f.plan.engine, f.variable(engines[f.plan.engine]), f.dir, f.plan.accounts); err != nil {
		return err
	}
	defer func() {
		drop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, f.db.drop(drop))
	}()
	if err := f.prepare(ctx); err != nil {
		return err
	}
	if err := f.befriend(ctx); err != nil {
		return err
	}
	if err := f.serve(ctx); err != nil {
		return err
	}
	defer f.process.terminate(20 * time.Second)
	pages, err := f.pages(ctx)
	if err != nil {
		return err
	}
	if err := f.introduce(ctx); err != nil {
		return err
	}
	c, err := f.changes(ctx)
	if err != nil {
		return err
	}
	return errors.Join(reportPages(f.stdout, pages), reportChanges(f.stdout, c))
}

// befriend stores the two lists.
func (f *friendBench) befriend(ctx context.Context) error {
	bulk, err := f.db.bulk()
	if err != nil {
		return err
	}
	defer func() { _ = bulk.Close() }()
	now := time.Now().UnixMicro()
	for _, list := range []struct {
		owner account
		size  int
	}{{popular, manyFriends}, {quiet, fewFriends}} {
		for from := 0; from < list.size; from += chunk {
			r := newRows("friends", "owner_id, friend_id, remark, remarked, created_at")
			for i := from; i < min(from+chunk, list.size); i++ {
				friend := firstBud + account(i)
				r.add(list.owner.userID(), friend.userID(), "Bud", 1, now)
				r.add(friend.userID(), list.owner.userID(), "", 0, now)
			}
			if _, err := bulk.ExecContext(ctx, r.query(), r.args...); err != nil {
				return fmt.Errorf("load friends: %w", err)
			}
		}
	}
	return f.acquaint(ctx, bulk, now)
}

// acquaint says of the pairs that the cloud has given them tokens: it is told of no
// others.
func (f *friendBench) acquaint(ctx context.Context, bulk *sql.DB, now int64) error {
	r := newRows("im_tokens", "cloud_app, user_id, generation, issued_at")
	for i := range 2 * pairCount {
		r.add("easemob/"+friendsApp, (firstPair + account(i)).userID(), 1, now)
	}
	if _, err := bulk.ExecContext(ctx, r.query(), r.args...); err != nil {
		return fmt.Errorf("load tokens: %w", err)
	}
	return nil
}

func (f *friendBench) serve(ctx context.Context) (err error) {
	program := f.plan.imbridge
	if program == "" {
		program, err = f.build(ctx)
	} else {
		program, err = filepath.Abs(program)
	}
	if err != nil {
		return err
	}
	f.http = &http.Client{Timeout: answerWait, Transport: &http.Transport{MaxIdleConnsPerHost: 2 * pairCount}}
	f.process, err = startProcess(ctx, "imbridge", f.dir, environment(f.environ, map[string]string{
		"IMBRIDGE_DATA_DIR": f.dir, "IMBRIDGE_SERVER_LISTEN": "127.0.0.1:0", "IMBRIDGE_OPS_LISTEN": "127.0.0.1:0",
		"IMBRIDGE_SERVER_PUBLIC_URL": publicURL, "IMBRIDGE_SANDBOX_LISTEN": "127.0.0.1:0", "IMBRIDGE_SANDBOX_CONTROL_LISTEN": "127.0.0.1:0",
		"IMBRIDGE_SANDBOX_CLOUD": "easemob", "IMBRIDGE_IM_EASEMOB_APP_KEY": friendsApp, "IMBRIDGE_IM_EASEMOB_CLIENT_ID": "imbench",
		"IMBRIDGE_IM_EASEMOB_CLIENT_SECRET": f.secret, "IMBRIDGE_DATABASE_DRIVER": f.db.driver, "IMBRIDGE_DATABASE_DSN": f.db.dsn,
		"IMBRIDGE_KEYS_DATA_KEY": f.dataKey, "IMBRIDGE_IM_CLOUD": "sandbox", "IMBRIDGE_THROTTLE_ADDRESS_FREE": "1000000",
	}), program, []string{"serve"}, "api", "metrics", "cloud", "control")
	return err
}

// ask sends one request and reads the JSON of its answer; what is not expected is
// an error.
func (f *friendBench) ask(ctx context.Context, status int, method, url, bearer string, body, into any) error {
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, content)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := f.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != status {
		return fmt.Errorf("%s %s = %d %.300s, want %d", method, req.URL.Path, res.StatusCode, raw, status)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(raw, into)
}

// access is somebody's access token; prepare has signed one for everybody.
func (f *friendBench) access(who account) string {
	for _, made := range f.fetches {
		if made.account == who {
			_, rest, _ := strings.Cut(string(made.request), "Bearer ")
			token, _, _ := strings.Cut(rest, "\r\n")
			return token
		}
	}
	return ""
}
