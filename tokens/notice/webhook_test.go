package notice

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"imbridge/models"
)

// key1 and key2 hold planted in the open and in base64.
var (
	key1    = []byte(planted + "-key-of-thirty-two-bytes!")
	key2    = []byte(planted + "-another-of-thirty-two-b!")
	secret1 = "whsec_" + base64.StdEncoding.EncodeToString(key1)
	secret2 = "whsec_" + base64.StdEncoding.EncodeToString(key2)
)

func aMessage() Message {
	at := time.Date(2030, 1, 2, 3, 4, 5, 6_000, time.UTC)
	return messageOf(models.Notice{ID: "01h00000000000000000000000", Kind: KindBuried, Subject: "outbox", Message: "3 rows buried.", Cure: "Retry them.",
		Count: 3, FirstAt: at.Add(-time.Hour), LastAt: at, Announcement: 2}, at)
}

func webhookTo(t *testing.T, url, secrets string) *Webhook {
	t.Helper()
	w, err := NewWebhook(WebhookConfig{URL: url, Secrets: secrets, AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// sign is the specification's: base64 of HMAC-SHA256 over "id.timestamp.body".
func sign(key []byte, id, timestamp, body string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "." + body))
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestWebhookIsSigned(t *testing.T) {
	h := newHook(t)
	if err := webhookTo(t, h.URL+"/in", secret1+" "+secret2).Send(context.Background(), aMessage()); err != nil {
		t.Fatalf("Send = %v", err)
	}
	got := h.posts()[0]
	id, at := got.header.Get("webhook-id"), got.header.Get("webhook-timestamp")
	if id != "msg_01h00000000000000000000000_2" || at != "1893553445" {
		t.Errorf("webhook-id = %q, webhook-timestamp = %q; want msg_01h00000000000000000000000_2, 1893553445", id, at)
	}
	want := sign(key1, id, at, got.body) + " " + sign(key2, id, at, got.body)
	if sig := got.header.Get("webhook-signature"); sig != want {
		t.Errorf("webhook-signature = %q, want %q", sig, want)
	}
	if kind := got.header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("Content-Type = %q, want application/json", kind)
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		t.Fatal(err)
	}
	wantBody := `map[data:map[count:3 cure:Retry them. first_at:2030-01-02T02:04:05.000006Z id:01h00000000000000000000000 kind:buried last_at:2030-01-02T03:04:05.000006Z ` +
		`message:3 rows buried. resolved_at:<nil> subject:outbox title:` + Title(KindBuried) + `] timestamp:2030-01-02T03:04:05.000006Z type:notice.raised]`
	if fmt.Sprint(body) != wantBody {
		t.Errorf("body = %v\nwant   %s", body, wantBody)
	}
}

func TestWebhookAnswers(t *testing.T) {
	h := newHook(t)
	w := webhookTo(t, h.URL, secret1)
	for status, want := range map[int]string{200: "", 201: "", 204: "", 299: "", 301: "answered http 301", 307: "answered http 307", 400: "answered http 400", 410: "answered http 410", 500: "answered http 500"} {
		h.status = status
		got := ""
		if err := w.Send(context.Background(), aMessage()); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("Send answered %d = %q, want %q", status, got, want)
		}
	}
}

func TestWebhookFollowsNoRedirect(t *testing.T) {
	reached := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		from := httptest.NewServer(http.RedirectHandler(elsewhere.URL, status))
		if err := webhookTo(t, from.URL, secret1).Send(context.Background(), aMessage()); err == nil || reached {
			t.Errorf("Send to a redirect %d = %v, followed %v; want an error and not followed", status, err, reached)
		}
		from.Close()
	}
}

// An answer that never ends is left after 4 KiB.
func TestWebhookReadsLittle(t *testing.T) {
	block := strings.Repeat("x", 1024)
	sent := make(chan int, 1)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := 0
		for ; r.Context().Err() == nil && n < 1<<30; n += len(block) {
			if _, err := w.Write([]byte(block)); err != nil {
				break
			}
		}
		sent <- n
	}))
	defer h.Close()
	if err := webhookTo(t, h.URL, secret1).Send(context.Background(), aMessage()); err != nil {
		t.Errorf("Send = %v, want the status to count", err)
	}
	if n := <-sent; n >= 1<<30 {
		t.Errorf("the receiver could send %d bytes, want it cut off", n)
	}
}

func TestWebhookIsCutOff(t *testing.T) {
	release := make(chan struct{})
	h := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer h.Close()
	defer close(release)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := webhookTo(t, h.URL, secret1).Send(ctx, aMessage()); err == nil {
		t.Error("Send to a receiver that does not answer = nil, want an error")
	}
}

// A webhook's address may be a secret, and so are the secrets.
func TestWebhookErrorsHideSecrets(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := dead.Addr().String()
	_ = dead.Close()
	h := newHook(t)
	h.status = 500
	for _, url := range []string{"http://" + address + "/" + planted, h.URL + "/" + planted, "https://" + h.Listener.Addr().String() + "/" + planted,
		"http://169.254.169.254/" + planted, "http://no.such.name.invalid/" + planted} {
		w, err := newWebhook(WebhookConfig{URL: url, Secrets: secret1, AllowPrivate: true}, func(context.Context, string) ([]netip.Addr, error) {
			return nil, &net.DNSError{Err: "no such host", Name: planted}
		})
		if err != nil {
			t.Fatal(err)
		}
		if err = w.Send(context.Background(), aMessage()); err == nil || strings.Contains(err.Error(), planted) {
			t.Errorf("Send = %v, want an error without what is planted", err)
		}
	}
	for _, c := range []WebhookConfig{{URL: "http://a b/" + planted, Secrets: secret1}, {URL: "ftp://a/" + planted, Secrets: secret1}, {URL: "http://a"},
		{URL: "http://a", Secrets: planted}, {URL: "http://a", Secrets: "whsec_!" + planted}, {URL: "http://a", Secrets: secret1 + " whsec_"}} {
		if _, err := NewWebhook(c); err == nil || strings.Contains(err.Error(), planted) {
			t.Errorf("NewWebhook = %v, want an error without what is planted", err)
		}
	}
}
