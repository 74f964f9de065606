package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// fetchPath is what is measured.
const fetchPath = "/v1/im/token"

// answerWait bounds one request.
const answerWait = 10 * time.Second

// A fetch is one account's request, ready to be sent but for the host.
type fetch struct {
	account account
	request []byte
}

func newFetch(a account, path, accessToken string) fetch {
	return fetch{a, []byte("GET " + path + " HTTP/1.1\r\nHost: bench\r\nUser-Agent: imbench/1\r\nAccept: application/json\r\nAuthorization: Bearer " + accessToken + "\r\n\r\n")}
}

// at is the same request for another path.
func (f fetch) at(path string) fetch {
	return fetch{f.account, bytes.Replace(f.request, []byte("GET "+fetchPath+" "), []byte("GET "+path+" "), 1)}
}

// A client asks over one connection that it keeps. It does little else: its own
// work takes processor time from both sides.
type client struct {
	addr string
	conn net.Conn
	in   *bufio.Reader
	body bytes.Buffer
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// do fetches a token and returns it; it is valid until the next call. After an
// error the next call connects anew.
func (c *client) do(f fetch) (token []byte, err error) {
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if c.conn == nil {
		if c.conn, err = net.DialTimeout("tcp", c.addr, answerWait); err != nil {
			return nil, err
		}
		c.in = bufio.NewReader(c.conn)
	}
	if err := c.conn.SetDeadline(time.Now().Add(answerWait)); err != nil {
		return nil, err
	}
	if _, err := c.conn.Write(f.request); err != nil {
		return nil, err
	}
	r, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	c.body.Reset()
	if _, err := c.body.ReadFrom(io.LimitReader(r.Body, 64<<10)); err != nil {
		return nil, err
	}
	if r.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d: %.200s", r.StatusCode, c.body.Bytes())
	}
	if token = tokenOf(c.body.Bytes()); len(token) == 0 {
		return nil, errors.New("an answer without a token")
	}
	if r.Close {
		c.close()
	}
	return token, nil
}

// tokenOf cuts the token out of an answer, for a fraction of what reading all of
// it costs. The tokens of the run hold nothing that JSON escapes.
func tokenOf(body []byte) []byte {
	_, rest, ok := bytes.Cut(body, []byte(`"token":"`))
	if !ok {
		return nil
	}
	token, _, ok := bytes.Cut(rest, []byte(`"`))
	if !ok {
		return nil
	}
	return token
}

// A score is what one turn, or several, came to.
type score struct {
	took    time.Duration
	latency []time.Duration // of each good answer; sorted
	errors  int
	first   error         // one of them
	cpu     time.Duration // of the process; zero: not known
}

func (s *score) rate() float64 { return float64(len(s.latency)) / s.took.Seconds() }

// cpuEach is the processor time of one answer.
func (s *score) cpuEach() time.Duration {
	if len(s.latency) == 0 {
		return 0
	}
	return s.cpu / time.Duration(len(s.latency))
}

// merge adds turns up.
func merge(turns []score) score {
	var all score
	for _, t := range turns {
		all.took += t.took
		all.cpu += t.cpu
		all.errors += t.errors
		all.latency = append(all.latency, t.latency...)
		if all.first == nil {
			all.first = t.first
		}
	}
	slices.Sort(all.latency)
	return all
}

// turn puts one side under load for d: each worker asks for random accounts, one
// after another.
func turn(ctx context.Context, s *side, fetches []fetch, workers int, d time.Duration, seed uint64) score {
	scores := make([]score, workers)
	cpu, known := s.cpu()
	start := time.Now()
	end := start.Add(d)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			pick := rand.New(rand.NewPCG(seed, uint64(w)))
			c := &client{addr: s.addr}
			defer c.close()
			own := &scores[w]
			for sent := time.Now(); sent.Before(end) && ctx.Err() == nil; {
				_, err := c.do(fetches[pick.IntN(len(fetches))])
				now := time.Now()
				if err != nil {
					own.errors, own.first = own.errors+1, err
				} else {
					own.latency = append(own.latency, now.Sub(sent))
				}
				sent = now
			}
		})
	}
	wg.Wait()
	all := merge(scores)
	all.took = time.Since(start)
	if after, ok := s.cpu(); ok && known {
		all.cpu = after - cpu
	}
	return all
}

// warmUp asks a side for every account once, and hands each token to check. It
// returns the first error.
func warmUp(ctx context.Context, s *side, fetches []fetch, workers int, progress func(int), check func(fetch, []byte) error) error {
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			c := &client{addr: s.addr}
			defer c.close()
			for i := w; i < len(fetches); i += workers {
				if errs[w] = ctx.Err(); errs[w] != nil {
					return
				}
				token, err := c.do(fetches[i])
				if err == nil {
					err = check(fetches[i], token)
				}
				if err != nil {
					errs[w] = fmt.Errorf("fetch the token of account %d from %s: %w", fetches[i].account, s.name, err)
					return
				}
				progress(1)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
