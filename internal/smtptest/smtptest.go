// Package smtptest is a real SMTP server on loopback for tests, which keeps what it gets.
package smtptest

import (
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// Server takes every mail.
type Server struct {
	// URL is its smtp_url.
	URL string

	srv *smtp.Server

	mu      sync.Mutex
	mails   []Message
	refused string
}

// Message is a mail as its reader sees it.
type Message struct {
	ID, To, Subject, Text, HTML string
	// Code is what can be typed, without its space, and Link where its button leads; "" when
	// there is none.
	Code, Link string
}

// Start serves until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Listen serves until Close, for the tests of a whole package.
func Listen() (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{URL: "smtp://" + l.Addr().String()}
	s.srv = smtp.NewServer(s)
	s.srv.Domain = "localhost"
	s.srv.ErrorLog, s.srv.EnableSMTPUTF8 = silent{}, true
	go func() { _ = s.srv.Serve(l) }()
	return s, nil
}

// Close ends it.
func (s *Server) Close() error { return s.srv.Close() }

// Next waits for the next mail to the address, of those that Next has not given yet, and
// fails the test when none comes.
func (s *Server) Next(t testing.TB, to string) Message {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		s.mu.Lock()
		i := slices.IndexFunc(s.mails, func(m Message) bool { return strings.EqualFold(m.To, to) })
		if i >= 0 {
			m := s.mails[i]
			s.mails = slices.Delete(s.mails, i, i+1)
			s.mu.Unlock()
			return m
		}
		s.mu.Unlock()
	}
	t.Fatalf("no mail came to %s", to)
	return Message{}
}

// Refuse makes it refuse for good what is for the address, until it is told another; "" for none.
func (s *Server) Refuse(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = address
}

// Waiting are the mails that came and that Next has not given.
func (s *Server) Waiting() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// NewSession implements smtp.Backend.
func (s *Server) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{server: s}, nil }

type session struct {
	server *Server
	to     []string
}

func (s *session) Reset()                             { s.to = nil }
func (*session) Logout() error                        { return nil }
func (*session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if to == s.server.refused {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	}
	s.to = append(s.to, to)
	return nil
}

var (
	typed  = regexp.MustCompile(`\b(\d{4}) (\d{4})\b`)
	linked = regexp.MustCompile(`https?://\S+`)
)

func (s *session) Data(r io.Reader) error {
	m, err := read(r)
	if err != nil {
		return err
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	for _, to := range s.to {
		m.To = to
		s.server.mails = append(s.server.mails, m)
	}
	return nil
}

func read(r io.Reader) (Message, error) {
	raw, err := mail.ReadMessage(r)
	if err != nil {
		return Message{}, err
	}
	m := Message{ID: raw.Header.Get("Message-ID")}
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(raw.Header.Get("Subject")); err != nil {
		return m, err
	}
	_, params, err := mime.ParseMediaType(raw.Header.Get("Content-Type"))
	if err != nil {
		return m, err
	}
	parts := multipart.NewReader(raw.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return m, err
		}
		body := io.Reader(part)
		if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
			body = quotedprintable.NewReader(part)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			return m, err
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			m.HTML = string(text)
		} else {
			m.Text = strings.ReplaceAll(string(text), "\r\n", "\n")
		}
	}
	if c := typed.FindStringSubmatch(m.Text); c != nil {
		m.Code = c[1] + c[2]
	}
	m.Link = linked.FindString(m.Text)
	return m, nil
}

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}
