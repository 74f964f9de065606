package notice

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/netip"
	"net/textproto"
	"strings"

	"github.com/wneessen/go-mail"
)

// implicitTLS is the port on which a mail server speaks TLS from the first byte
// (RFC 8314); on the others STARTTLS begins it.
const implicitTLS = 465

// A Mail sends messages by e-mail to everybody in a list. Make one with NewMail.
type Mail struct {
	cfg  MailConfig
	from *netmail.Address
	to   []*netmail.Address

	ssl bool

	// What tests change: who vouches for the server, and where it is.
	roots   *x509.CertPool
	address string
}

var _ Sender = (*Mail)(nil)

// MailConfig is what NewMail needs.
type MailConfig struct {
	Host string
	Port int
	// Username empty: no login.
	Username, Password string
	// From and To are "ops@example.com" or "Operations <ops@example.com>".
	From string
	To   []string
}

// NewMail checks the addresses. Its errors do not hold them.
func NewMail(c MailConfig) (*Mail, error) {
	m := &Mail{cfg: c, ssl: c.Port == implicitTLS}
	var err error
	if m.from, err = netmail.ParseAddress(c.From); err != nil {
		return nil, errors.New("the sender's mail address is none")
	}
	for i, s := range c.To {
		a, err := netmail.ParseAddress(s)
		if err != nil {
			return nil, fmt.Errorf("recipient %d is no mail address", i+1)
		}
		m.to = append(m.to, a)
	}
	if len(m.to) == 0 || c.Host == "" {
		return nil, errors.New("mail needs a host and a recipient")
	}
	return m, nil
}

// Name is "mail".
func (m *Mail) Name() string { return "mail" }

// Send hands msg to the mail server once, over TLS unless the server is on this
// machine. The Message-ID is made of the message's id, so that a mail that is
// sent twice can be known as one.
func (m *Mail) Send(ctx context.Context, msg Message) error {
	// The library's deadlines begin anew with each step, and it leaves a
	// connection open whose login failed: ctx and the return end it.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client, err := m.client(func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := m.connect(dialing, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { _ = conn.Close() })
		}
		return conn, err
	})
	if err != nil {
		return m.plain(err)
	}
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return m.plain(fmt.Errorf("connect: %w", err))
	}
	if err := client.SendWithSMTPClient(conn, m.letter(msg)); err != nil {
		return m.plain(err)
	}
	// The server has taken the mail: that it does not say goodbye is no failure,
	// and would have it sent again.
	_ = client.CloseWithSMTPClient(conn)
	return nil
}

// connect reaches the server, over TLS where that is spoken from the first byte.
func (m *Mail) connect(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	if m.address != "" {
		address = m.address
	}
	if m.ssl {
		return (&tls.Dialer{NetDialer: &d, Config: m.tlsConfig()}).DialContext(ctx, network, address)
	}
	return d.DialContext(ctx, network, address)
}

func (m *Mail) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: m.cfg.Host, RootCAs: m.roots, MinVersion: tls.VersionTLS12}
}

func (m *Mail) client(dial mail.DialContextFunc) (*mail.Client, error) {
	options := []mail.Option{mail.WithPort(m.cfg.Port), mail.WithTimeout(sendTimeout), mail.WithDialContextFunc(dial), mail.WithTLSConfig(m.tlsConfig())}
	switch {
	case m.ssl:
		options = append(options, mail.WithSSL())
	case loopback(m.cfg.Host):
		// Such servers rarely have a certificate that anybody would accept.
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if m.cfg.Username != "" {
		// The library sends a password in the open to nobody but this machine.
		options = append(options, mail.WithUsername(m.cfg.Username), mail.WithPassword(m.cfg.Password),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin, mail.SMTPAuthCramMD5))
	}
	return mail.NewClient(m.cfg.Host, options...)
}

// loopback tells whether host is this machine. Names but localhost are not
// looked up.
func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}

func (m *Mail) letter(msg Message) *mail.Msg {
	l := mail.NewMsg(mail.WithNoDefaultUserAgent())
	l.FromMailAddress(m.from)
	l.ToMailAddress(m.to...)
	l.Subject(oneLine(msg.subject()))
	_, domain, _ := strings.Cut(m.from.Address, "@")
	l.SetMessageIDWithValue(oneLine(msg.ID) + "@" + domain)
	l.SetDateWithValue(msg.At)
	// No "I am away" back to a machine (RFC 3834).
	l.SetGenHeader("Auto-Submitted", "auto-generated")
	l.SetBodyString(mail.TypeTextPlain, msg.text())
	return l
}

// oneLine is s without what could begin another header.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// plain keeps of an error what an operator can act on. A server's own words may
// repeat a name or an address, so that they are left out; so are ours.
func (m *Mail) plain(err error) error {
	var answer *textproto.Error
	var sent *mail.SendError
	var network *net.OpError
	switch {
	case errors.As(err, &answer):
		return fmt.Errorf("the mail server answered %d", answer.Code)
	case errors.As(err, &sent) && sent.ErrorCode() == 0:
		return fmt.Errorf("%s, the connection broke", sent.Reason)
	case errors.As(err, &sent):
		return fmt.Errorf("%s, the mail server answered %d", sent.Reason, sent.ErrorCode())
	case errors.As(err, &network):
		return network
	}
	text := err.Error()
	for _, s := range append([]string{m.cfg.Password, m.cfg.Username, m.cfg.From}, m.cfg.To...) {
		if s != "" {
			text = strings.ReplaceAll(text, s, "[…]")
		}
	}
	return errors.New(text)
}
