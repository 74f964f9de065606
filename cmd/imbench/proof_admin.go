package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
)

// An adminCaller is an admin who is logged in.
type adminCaller struct {
	s      *stage
	access string
}

// admin makes one by the command, and logs them in at base.
func (s *stage) admin(ctx context.Context, base string) (*adminCaller, error) {
	name, password := "a"+randomHex()[:12], "admin-"+randomHex()
	cmd := exec.CommandContext(ctx, s.p.program, "admin", "create", "--name", name, "--password-stdin") //nolint:gosec // a program of ours
	cmd.Env, cmd.Dir, cmd.Stdin = environment(s.p.environ, s.settings()), s.dir, strings.NewReader(password+"\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("admin create: %w\n%s", err, out)
	}
	a, err := s.ask(ctx, http.MethodPost, base+"/v1/admin/login", "", object{"name": name, "password": password})
	if err != nil {
		return nil, err
	}
	var in struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(a.body, &in); err != nil || in.AccessToken == "" {
		return nil, fmt.Errorf("admin login = %s", a)
	}
	return &adminCaller{s, in.AccessToken}, nil
}

func (c *adminCaller) do(ctx context.Context, method, base, path string, body any) (said, error) {
	return c.s.ask(ctx, method, base+"/v1/admin"+path, c.access, body)
}

func (c *adminCaller) ban(ctx context.Context, base string, p *person) (said, error) {
	return c.do(ctx, http.MethodPost, base, "/users/"+p.id+"/ban", object{"reason": "proof"})
}

func (c *adminCaller) reissue(ctx context.Context, base string, p *person) (said, error) {
	return c.do(ctx, http.MethodPost, base, "/users/"+p.id+"/reissue", nil)
}

func (c *adminCaller) remove(ctx context.Context, base string, p *person) (said, error) {
	return c.do(ctx, http.MethodDelete, base, "/users/"+p.id, nil)
}

func (c *adminCaller) rotate(ctx context.Context, base string) (said, error) {
	return c.do(ctx, http.MethodPost, base, "/clouds/current/rotate", nil)
}

// A buriedRow is what an admin sees of one.
type buriedRow struct {
	Kind    string `json:"kind"`
	Subject string `json:"subject"`
	Reason  string `json:"reason"`
}

// buried lists what waits for an admin in the queue.
func (c *adminCaller) buried(ctx context.Context, base string) (rows []buriedRow, err error) {
	for cursor := ""; ; {
		a, err := c.do(ctx, http.MethodGet, base, "/queue?state=buried&limit=100&cursor="+url.QueryEscape(cursor), nil)
		if err != nil {
			return nil, err
		}
		var in struct {
			Rows       []buriedRow `json:"rows"`
			NextCursor string      `json:"next_cursor"`
		}
		if err := json.Unmarshal(a.body, &in); err != nil || a.status != http.StatusOK {
			return nil, fmt.Errorf("list of the buried = %s, %w", a, err)
		}
		rows = append(rows, in.Rows...)
		if cursor = in.NextCursor; cursor == "" {
			return rows, nil
		}
	}
}
