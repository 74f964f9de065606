package notice

import (
	"context"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"
)

const mailPassword = planted + " mail password"

// mailTo sends to s as mail.example.com, or as host where that is given.
func mailTo(t *testing.T, s *mailServer, host string, change func(*MailConfig)) *Mail {
	t.Helper()
	c := MailConfig{Host: host, Port: s.port(), From: "imbridge <imbridge@example.com>", To: []string{"ops@example.com", "Ann Other <ann@example.com>"}}
	if change != nil {
		change(&c)
	}
	m, err := NewMail(c)
	if err != nil {
		t.Fatal(err)
	}
	m.address = s.Addr().String()
	return m
}

func login(c *MailConfig) { c.Username, c.Password = planted+"-user", mailPassword }

func TestMailReads(t *testing.T) {
	s, _ := newMailServer(t, func(*mailServer) {})
	m := aMessage()
	if err := mailTo(t, s, "127.0.0.1", nil).Send(context.Background(), m); err != nil {
		t.Fatalf("Send = %v", err)
	}
	got, err := mail.ReadMessage(strings.NewReader(s.mails[0]))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	if want := "[imbridge] " + Title(KindBuried); err != nil || subject != want {
		t.Errorf("Subject = %q, %v; want %q", subject, err, want)
	}
	for header, want := range map[string]string{"Message-Id": "<" + m.ID + "@example.com>", "Auto-Submitted": "auto-generated",
		"To": `<ops@example.com>, "Ann Other" <ann@example.com>`, "From": `"imbridge" <imbridge@example.com>`, "User-Agent": "", "X-Mailer": ""} {
		if h := got.Header.Get(header); h != want {
			t.Errorf("%s = %q, want %q", header, h, want)
		}
	}
	if at, err := got.Header.Date(); err != nil || !at.Equal(m.At.Truncate(time.Second)) {
		t.Errorf("Date = %v, %v; want %v", at, err, m.At)
	}
	body, _ := io.ReadAll(quotedprintable.NewReader(got.Body))
	if text := strings.ReplaceAll(string(body), "\r\n", "\n"); strings.TrimSpace(text) != strings.TrimSpace(m.text()) {
		t.Errorf("body = %q, want %q", text, m.text())
	}
	if rcpts := fmt.Sprint(s.rcpts); rcpts != "[TO:<ops@example.com> TO:<ann@example.com>]" {
		t.Errorf("recipients = %s, want both", rcpts)
	}
}

func TestMailNeedsTLSBeyondThisMachine(t *testing.T) {
	bare, _ := newMailServer(t, func(s *mailServer) { s.auth = true })
	if err := mailTo(t, bare, "mail.example.com", login).Send(context.Background(), aMessage()); err == nil || !strings.Contains(err.Error(), "STARTTLS") {
		t.Errorf("Send without TLS = %v, want an error that names STARTTLS", err)
	}
	if len(bare.mails)+len(bare.logins) != 0 {
		t.Errorf("in the open went %d mails and %d logins, want none", len(bare.mails), len(bare.logins))
	}

	s, roots := newMailServer(t, func(s *mailServer) { s.startTLS, s.auth = true, true })
	m := mailTo(t, s, "mail.example.com", login)
	if err := m.Send(context.Background(), aMessage()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("Send to a certificate that nobody trusts = %v, want an error that names it", err)
	}
	m.roots = roots
	if err := m.Send(context.Background(), aMessage()); err != nil {
		t.Fatalf("Send over STARTTLS = %v", err)
	}
	if len(s.mails) != 1 || !s.secure[0] || len(s.logins) != 1 || s.logins[0] != "\x00"+planted+"-user\x00"+mailPassword {
		t.Errorf("mails = %d, secure = %v, logins = %q; want one over TLS with a login", len(s.mails), s.secure, s.logins)
	}

	s, roots = newMailServer(t, func(s *mailServer) { s.implicit, s.auth = true, true })
	m = mailTo(t, s, "127.0.0.1", login)
	m.ssl = true
	if err := m.Send(context.Background(), aMessage()); err == nil || len(s.mails) != 0 {
		t.Errorf("Send to a certificate that nobody trusts = %v with %d mails, want an error and none", err, len(s.mails))
	}
	m.roots = roots
	if err := m.Send(context.Background(), aMessage()); err != nil {
		t.Fatalf("Send over TLS from the first byte = %v", err)
	}
	if len(s.mails) != 1 || !s.secure[0] || len(s.logins) != 1 {
		t.Errorf("mails = %d, secure = %v, logins = %d; want one each over TLS", len(s.mails), s.secure, len(s.logins))
	}
	for port, want := range map[int]bool{465: true, 587: false, 25: false} {
		m, err := NewMail(MailConfig{Host: "a.b", Port: port, From: "a@a.b", To: []string{"a@a.b"}})
		if err != nil || m.ssl != want {
			t.Errorf("port %d speaks TLS from the first byte = %v, %v; want %v", port, m.ssl, err, want)
		}
	}
}

func TestMailLogsInOnThisMachineWithoutTLS(t *testing.T) {
	s, _ := newMailServer(t, func(s *mailServer) { s.auth = true })
	if err := mailTo(t, s, "localhost", login).Send(context.Background(), aMessage()); err != nil || len(s.logins) != 1 {
		t.Errorf("Send = %v with %d logins, want nil with one", err, len(s.logins))
	}
}

// What a notice says must not become a header, nor a second mail.
func TestMailInjectsNoHeader(t *testing.T) {
	s, _ := newMailServer(t, func(*mailServer) {})
	m := aMessage()
	const attack = "x\r\nBcc: eve@example.com\r\n\r\nmore\r\n.\r\nMAIL FROM:<eve@example.com>\r\n"
	m.ID += attack
	m.Notice.Kind, m.Notice.Subject, m.Notice.Message, m.Notice.Cure, m.Notice.ID = attack, attack, attack, attack, attack
	if err := mailTo(t, s, "127.0.0.1", nil).Send(context.Background(), m); err != nil {
		t.Fatalf("Send = %v", err)
	}
	if got := oneLine("a\r\nb\tc\x00d\x7fé"); got != "a  b c d é" {
		t.Errorf("oneLine = %q, want blanks for control characters", got)
	}
	if len(s.mails) != 1 || len(s.rcpts) != 2 {
		t.Fatalf("mails = %d, recipients = %v; want one mail to two", len(s.mails), s.rcpts)
	}
	head, _, _ := strings.Cut(s.mails[0], "\r\n\r\n")
	for line := range strings.SplitSeq(head, "\r\n") {
		if strings.HasPrefix(strings.ToLower(line), "bcc:") {
			t.Errorf("a header was injected:\n%s", head)
		}
	}
	for _, c := range []MailConfig{{From: "a@b.c\r\nBcc: eve@example.com", To: []string{"a@b.c"}}, {From: "a@b.c", To: []string{"a@b.c\r\nBcc: eve@example.com"}},
		{From: "a@b.c", To: []string{"a@b.c, d@e.f"}}, {From: "a@b.c"}, {From: planted, To: []string{"a@b.c"}}} {
		c.Host, c.Port = "127.0.0.1", 25
		if _, err := NewMail(c); err == nil || strings.Contains(err.Error(), planted) || strings.Contains(err.Error(), "eve") {
			t.Errorf("NewMail(%q to %q) = %v, want an error without the address", c.From, c.To, err)
		}
	}
}

func TestMailErrorsHideSecrets(t *testing.T) {
	for _, refuse := range []string{"EHLO", "AUTH", "MAIL", "RCPT", "DATA"} {
		s, _ := newMailServer(t, func(s *mailServer) { s.auth, s.refuse = true, refuse })
		err := mailTo(t, s, "127.0.0.1", login).Send(context.Background(), aMessage())
		if err == nil || !strings.Contains(err.Error(), "550") && refuse != "EHLO" {
			t.Errorf("Send where %s is refused = %v, want an error with 550", refuse, err)
		}
		for _, w := range []string{planted, "ops@example.com", "ann@example.com", "imbridge@example.com", "Ann"} {
			if err != nil && strings.Contains(err.Error(), w) {
				t.Errorf("Send where %s is refused = %v, want it without %q", refuse, err, w)
			}
		}
	}
}

// A mail that was taken is sent, whatever comes after: a retry would send two.
func TestMailTakenIsSent(t *testing.T) {
	s, _ := newMailServer(t, func(s *mailServer) { s.drop = "QUIT" })
	if err := mailTo(t, s, "127.0.0.1", nil).Send(context.Background(), aMessage()); err != nil || len(s.mails) != 1 {
		t.Errorf("Send to a server that breaks off after the mail = %v with %d mails, want nil with one", err, len(s.mails))
	}
	s, _ = newMailServer(t, func(s *mailServer) { s.drop = "DATA" })
	if err := mailTo(t, s, "127.0.0.1", nil).Send(context.Background(), aMessage()); err == nil {
		t.Error("Send to a server that breaks off before the mail = nil, want an error")
	}
}

func TestMailIsCutOff(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts by the kernel alone and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	m, err := NewMail(MailConfig{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, From: "a@b.c", To: []string{"a@b.c"}})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := m.Send(ctx, aMessage()); err == nil {
		t.Error("Send to a server that says nothing = nil, want an error")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("Send took %s, want it cut off", took)
	}
}
