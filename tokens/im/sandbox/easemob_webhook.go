package sandbox

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	// easePresendWait is how long a message waits for its judge by default.
	easePresendWait = 200 * time.Millisecond
	// easeHookWait is how long a receiver may take to hear of anything else.
	easeHookWait = 60 * time.Second
	// easeMaxVerdict is the longest answer of a receiver, in characters.
	easeMaxVerdict = 1000
	easeMaxEvents  = 1000 // that wait to be sent
)

// Kinds of webhooks.
const (
	hookPresend  = "presend"
	hookPostsend = "postsend"
	hookPresence = "presence"
	hookRoster   = "roster"
)

// easeWebhooks is where the cloud reports what happens, and how.
type easeWebhooks struct {
	url        string // of all but pre-send; empty: none are sent
	presendURL string // empty: nobody is asked
	secret     string
	wait       time.Duration // for pre-send
	block      bool          // what becomes of a message whose judge does not answer
	off        map[string]bool
}

func newEaseWebhooks() easeWebhooks {
	return easeWebhooks{wait: easePresendWait, secret: randomHex(8), off: map[string]bool{}}
}

// An easeEvent is one report that waits to be sent.
type easeEvent struct {
	kind string
	body map[string]any
}

// easeHooks sends reports, one after the other and in the order of what
// happened. Its goroutine lives while there are any.
type easeHooks struct {
	s       *Sandbox
	ctx     context.Context
	stop    context.CancelFunc
	queue   []easeEvent
	running bool

	delivered, failed, dropped int
}

func newEaseHooks(s *Sandbox) *easeHooks {
	h := &easeHooks{s: s}
	h.ctx, h.stop = context.WithCancel(context.Background())
	return h
}

// report queues an event. It is called with the lock held.
func (h *easeHooks) report(kind string, body map[string]any) {
	hooks := h.s.app.ease.webhooks
	if hooks.url == "" || hooks.off[kind] || h.s.sockets.closed {
		return
	}
	if len(h.queue) >= easeMaxEvents {
		h.dropped++
		return
	}
	h.queue = append(h.queue, easeEvent{kind, h.s.easeSealed(body)})
	if !h.running {
		h.running = true
		h.s.sockets.open.Add(1)
		go h.run()
	}
}

// easeSealed is an event with its id, time and signature.
func (s *Sandbox) easeSealed(body map[string]any) map[string]any {
	// The clock that nobody moves: receivers hold it against their own.
	id, at := s.cfg.EasemobAppKey+"_"+easeUUID(), s.cfg.Now().UnixMilli()
	sum := md5.Sum([]byte(id + s.app.ease.webhooks.secret + strconv.FormatInt(at, 10)))
	body["callId"], body["timestamp"], body["security"] = id, at, hex.EncodeToString(sum[:])
	return body
}

func (h *easeHooks) run() {
	s := h.s
	defer s.sockets.open.Done()
	for {
		s.mu.Lock()
		if len(h.queue) == 0 || s.sockets.closed {
			h.queue, h.running = nil, false
			s.mu.Unlock()
			return
		}
		event := h.queue[0]
		h.queue = h.queue[1:]
		to := s.app.ease.webhooks.url
		s.mu.Unlock()

		_, err := h.post(h.ctx, to, event.body, easeHookWait)
		if err != nil && h.ctx.Err() == nil { // once more, at once
			_, err = h.post(h.ctx, to, event.body, easeHookWait)
		}
		s.mu.Lock()
		if err == nil {
			h.delivered++
		} else {
			h.failed++
		}
		s.mu.Unlock()
		s.cfg.Log.DebugContext(h.ctx, "sandbox webhook", "kind", event.kind, "delivered", err == nil)
	}
}

// post sends an event and returns what the receiver says.
func (h *easeHooks) post(ctx context.Context, to string, event map[string]any, wait time.Duration) ([]byte, error) {
	body, err := json.Marshal(event)
	if err != nil {
		return nil, err
	}
	ctx, done := context.WithTimeout(ctx, wait)
	defer done()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json;charset=utf-8")
	res, err := h.s.hooks.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	said, err := io.ReadAll(io.LimitReader(res.Body, 4*easeMaxVerdict+1))
	switch {
	case err != nil:
		return nil, err
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the receiver answers with http %d", res.StatusCode)
	case len([]rune(string(said))) > easeMaxVerdict:
		return nil, errors.New("the receiver's answer is too long")
	}
	return said, nil
}

// An easeRuling is what the pre-send webhook says of a message.
type easeRuling struct {
	// refused is the reason that the sender is told; empty: it may go.
	refused string
	// text replaces that of a text message; nil leaves it as it is.
	text *string
}

// Reasons of which the web SDK makes type 502, with status 19.
const (
	easeDeniedByJudge  = "custom logic denied"
	easeDeniedNoAnswer = "custom internal error"
)

// judge asks the pre-send webhook about a client's message, which has its id
// and kind. It is called without the lock, and takes as long as the console
// lets it.
func (h *easeHooks) judge(ctx context.Context, m *easeMessage) easeRuling {
	s := h.s
	s.mu.Lock()
	hooks := s.app.ease.webhooks
	if hooks.presendURL == "" || hooks.off[hookPresend] {
		s.mu.Unlock()
		return easeRuling{}
	}
	body := easeMessageEvent(m)
	payload := map[string]any{"type": m.kind}
	for k, v := range m.body {
		payload[k] = v
	}
	body["payload"] = payload
	event := s.easeSealed(body)
	s.mu.Unlock()

	said, err := h.post(ctx, hooks.presendURL, event, hooks.wait)
	var verdict struct {
		Valid   *bool `json:"valid"`
		Code    any   `json:"code"`
		Payload any   `json:"payload"`
	}
	if err == nil {
		err = json.Unmarshal(said, &verdict)
	}
	if err != nil || verdict.Valid == nil {
		if hooks.block {
			return easeRuling{refused: easeDeniedNoAnswer}
		}
		return easeRuling{}
	}
	if !*verdict.Valid {
		if code, ok := verdict.Code.(string); ok && code != "" {
			return easeRuling{refused: code}
		}
		return easeRuling{refused: easeDeniedByJudge}
	}
	var ruling easeRuling
	if payload, ok := verdict.Payload.(map[string]any); ok && m.kind == "txt" {
		if text, ok := payload["msg"].(string); ok {
			ruling.text = &text
		}
	}
	return ruling
}
