package notice

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// maxAnswer is how much of a receiver's answer is read, in bytes. Nothing in it
// matters but the status.
const maxAnswer = 4 << 10

// A Webhook posts messages to one address, signed as
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
// has it. Make one with NewWebhook.
type Webhook struct {
	url     string
	signers []*standardwebhooks.Webhook
	client  *http.Client
}

var _ Sender = (*Webhook)(nil)

// WebhookConfig is what NewWebhook needs.
type WebhookConfig struct {
	// URL starts with https:// or http://. It may be a secret, and is never shown.
	URL string
	// Secrets are one or more of the form whsec_<base64>, separated by blanks.
	// Each signs: a receiver may know the old or the new one.
	Secrets string
	// AllowPrivate lets the address lead to loopback and private networks.
	AllowPrivate bool
}

// NewWebhook checks the secrets. Its errors do not hold them.
func NewWebhook(c WebhookConfig) (*Webhook, error) { return newWebhook(c, lookup) }

func newWebhook(c WebhookConfig, lookup func(context.Context, string) ([]netip.Addr, error)) (*Webhook, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("the webhook's address is not an http(s) URL")
	}
	w := &Webhook{url: c.URL}
	for _, s := range strings.Fields(c.Secrets) {
		raw, found := strings.CutPrefix(s, "whsec_")
		key, err := base64.StdEncoding.DecodeString(raw)
		if !found || err != nil || len(key) == 0 {
			return nil, errors.New("a webhook's secret is not whsec_ and base64")
		}
		signer, err := standardwebhooks.NewWebhookRaw(key)
		if err != nil {
			return nil, errors.New("a webhook's secret cannot be used")
		}
		w.signers = append(w.signers, signer)
	}
	if len(w.signers) == 0 {
		return nil, errors.New("a webhook needs a secret")
	}
	w.client = &http.Client{
		Timeout: sendTimeout,
		Transport: &http.Transport{
			Proxy:       nil, // a proxy would dial where the guard does not look
			DialContext: guard{c.AllowPrivate, lookup}.dial,
			// One call in a long while: an idle connection would be dead by the next.
			DisableKeepAlives:      true,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    5 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
		// A redirect could lead anywhere, and would carry the signed body there.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return w, nil
}

// Name is "webhook".
func (w *Webhook) Name() string { return "webhook" }

// Send posts m once. Any status but 2xx is an error, a redirect too.
func (w *Webhook) Send(ctx context.Context, m Message) error {
	body, err := m.json()
	if err != nil {
		return err
	}
	var signatures []string
	for _, s := range w.signers {
		sig, err := s.Sign(m.ID, m.At, body)
		if err != nil {
			return errors.New("cannot sign")
		}
		signatures = append(signatures, sig)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "imbridge")
	req.Header.Set(standardwebhooks.HeaderWebhookID, m.ID)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(m.At.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	resp, err := w.client.Do(req)
	if err != nil {
		// The outer error quotes the whole address, and with it what may be a secret.
		var outer *url.Error
		if errors.As(err, &outer) {
			err = outer.Err
		}
		return fmt.Errorf("not sent: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("answered http %d", resp.StatusCode)
	}
	return nil
}
