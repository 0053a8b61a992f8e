package relay

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	netmail "net/mail"
	"net/textproto"
	"slices"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/vouchsafe/vouchsafe/internal/outbox"
	"github.com/vouchsafe/vouchsafe/people/mail"
)

// conversation is a session with a mail server (RFC 5321). No library fits. Those that we know give
// up or close the connection when a server refuses one way to authenticate, use SMTPUTF8 where
// nothing needs it, and do not report what the server answered.
type conversation struct {
	conn      net.Conn
	text      *textproto.Conn
	encrypted bool
	offers    map[string]string // the extensions that the server offers, by their upper-case name
	tell      Tell
	release   func() bool
}

// mostAnswers bounds what a server may say in one conversation, in bytes.
const mostAnswers = 1 << 20

// newConversation returns a conversation on the connection. It ends with ctx.
func newConversation(ctx context.Context, conn net.Conn, tell Tell) *conversation {
	_ = conn.SetDeadline(left(ctx))
	c := &conversation{conn: conn, tell: tell}
	c.release = context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	c.text = textproto.NewConn(bounded{conn, io.LimitReader(conn, mostAnswers)})
	return c
}

// bounded is a connection from which only a limited number of bytes can be read.
type bounded struct {
	net.Conn
	from io.Reader
}

func (b bounded) Read(p []byte) (int, error) { return b.from.Read(p) }

// close ends the conversation. The server's answer does not matter: it has accepted the mail
// before.
func (c *conversation) close() {
	_ = c.conn.SetDeadline(time.Now().Add(time.Second))
	_, _, _ = c.ask("QUIT", "QUIT", 221)
	c.drop()
}

// drop closes the connection without a word.
func (c *conversation) drop() {
	c.release()
	_ = c.text.Close()
}

// refusal is an answer of the server with another code than was expected.
type refusal struct {
	to   string // the command that was answered
	code int
	said string
}

// Error implements error.
func (r *refusal) Error() string { return fmt.Sprintf("%s: %d %s", r.to, r.code, r.said) }

// noSuchRecipient reports whether the server says that the address does not exist. Other permanent
// refusals may concern our sender, our password, or a block list that we are on. The operator can
// correct those, and the mails wait.
func (r *refusal) noSuchRecipient() bool {
	if r.to != "RCPT" || r.code < 500 {
		return false
	}
	status, _, _ := strings.Cut(r.said, " ") // RFC 3463
	return slices.Contains([]string{"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}, status) ||
		!strings.HasPrefix(status, "5.") && r.code == 550 // as RFC 5321 says for "no such user"
}

// greeting reads the server's first line.
func (c *conversation) greeting() error {
	_, _, err := c.answer("the greeting", "", 220)
	return err
}

// ask sends a command and reads the answer. shown is the form of the command that may be logged. It
// returns a refusal if the answer does not have the code want or begin with it; 0 accepts every
// code.
func (c *conversation) ask(command, shown string, want int) (code int, said string, err error) {
	if err := c.text.PrintfLine("%s", command); err != nil {
		return 0, "", err
	}
	return c.answer(strings.Fields(shown + " ")[0], shown, want)
}

// answer reads the answer to a command, as ask does.
func (c *conversation) answer(to, shown string, want int) (code int, said string, err error) {
	code, said, err = c.text.ReadResponse(want)
	if wrong, ok := errors.AsType[*textproto.Error](err); ok {
		code, said = wrong.Code, wrong.Msg
		err = &refusal{to, code, strings.ReplaceAll(said, "\n", " ")}
	}
	switch {
	case code == 334:
		c.tell(shown, "334 …") // a challenge may contain secrets
	case code != 0:
		c.tell(shown, fmt.Sprintf("%d %s", code, said))
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return code, said, err
}

// hello sends EHLO with this machine's name, and records what the server offers.
func (c *conversation) hello(name string) error {
	c.offers = map[string]string{}
	_, said, err := c.ask("EHLO "+name, "EHLO "+name, 250)
	if refused, ok := errors.AsType[*refusal](err); ok && refused.code >= 500 && refused.code <= 504 {
		_, _, err = c.ask("HELO "+name, "HELO "+name, 250) // the server is older than RFC 1869
		return err
	}
	if err != nil {
		return err
	}
	_, offered, _ := strings.Cut(said, "\n")
	for line := range strings.SplitSeq(offered, "\n") {
		// Some old servers write "AUTH=LOGIN PLAIN", often besides the correct line.
		name, values, _ := strings.Cut(strings.Replace(strings.TrimSpace(line), "AUTH=", "AUTH ", 1), " ")
		name = strings.ToUpper(name)
		c.offers[name] = strings.TrimSpace(c.offers[name] + " " + values)
	}
	return nil
}

// startTLS encrypts the conversation from here on (RFC 3207).
func (c *conversation) startTLS(conf *tls.Config) error {
	if _, _, err := c.ask("STARTTLS", "STARTTLS", 220); err != nil {
		return err
	}
	if c.text.R.Buffered() > 0 { // an attacker may have sent it, to be taken for an answer under encryption
		return errors.New("the server said more before it was encrypted")
	}
	return c.encrypt(conf)
}

// encrypt starts TLS on the connection.
func (c *conversation) encrypt(conf *tls.Config) error {
	conn := tls.Client(c.conn, conf)
	if err := conn.Handshake(); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	state := conn.ConnectionState()
	c.tell("", fmt.Sprintf("%s, with the certificate of %s", tls.VersionName(state.Version),
		state.PeerCertificates[0].Subject))
	c.conn, c.encrypted = conn, true
	c.text = textproto.NewConn(bounded{conn, io.LimitReader(conn, mostAnswers)})
	return nil
}

// errNoUTF8 means that the server does not accept an address with letters outside of ASCII.
var errNoUTF8 = errors.New("has letters before the @ that the mail server does not take: it offers no " +
	"SMTPUTF8 (RFC 6531)")

// deliver hands a mail to the server.
func (c *conversation) deliver(from *netmail.Address, to string, m *mail.Message) error {
	raw, err := write(from, to, m)
	if err != nil {
		return errors.Join(outbox.ErrPermanent, err)
	}
	// A server further on may not know SMTPUTF8. It is therefore requested only for an address that
	// needs it, and not whenever the server offers it.
	parameters := ""
	if _, ok := c.offers["SMTPUTF8"]; !isASCII(from.Address + to) {
		switch {
		case ok:
			parameters = " SMTPUTF8"
		case isASCII(from.Address):
			return fmt.Errorf("%w: %s %w", outbox.ErrPermanent, to, errNoUTF8)
		default:
			return fmt.Errorf("mail_from %w", errNoUTF8)
		}
	}
	for _, step := range []struct {
		command string
		want    int
	}{{"MAIL FROM:<" + from.Address + ">" + parameters, 250}, {"RCPT TO:<" + to + ">", 25}, {"DATA", 354}} {
		if _, _, err := c.ask(step.command, step.command, step.want); err != nil {
			return err
		}
	}
	w := c.text.DotWriter()
	if _, err := w.Write(raw); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_, _, err = c.answer("the mail", "the mail", 250)
	return err
}

// write returns the mail in the form that is sent (RFC 5322).
func write(from *netmail.Address, to string, m *mail.Message) ([]byte, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(from)
	if err := msg.To(to); err != nil {
		return nil, mail.ErrAddress
	}
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(m.ID + "@" + from.Address[strings.LastIndexByte(from.Address, '@')+1:])
	msg.SetDateWithValue(time.Now())
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: machines must not answer
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	var raw bytes.Buffer
	_, err := msg.WriteTo(&raw)
	return raw.Bytes(), err
}
