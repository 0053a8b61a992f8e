// Package smtptest is a real SMTP server on loopback for tests. It keeps the mails that it
// receives.
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

// Server accepts every mail.
type Server struct {
	// URL is the value of smtp_url that leads to the server.
	URL string

	srv *smtp.Server

	mu      sync.Mutex
	mails   []Message
	refused string
}

// Message is a mail as its recipient sees it.
type Message struct {
	ID, To, Subject, Text, HTML string
	// Code is the code in the text, without its space, and Link the address in the text. Each is ""
	// if there is none.
	Code, Link string
}

// Start starts a server that ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Listen starts a server that runs until Close. It serves the tests of a whole package.
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

// Close stops the server.
func (s *Server) Close() error { return s.srv.Close() }

// Next waits for a mail to the address that Next has not returned yet. It fails the test if none
// comes within a minute.
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

// Refuse makes the server refuse all mails to the address, permanently, in place of the address
// before. "" stands for none.
func (s *Server) Refuse(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = address
}

// Waiting returns the mails that Next has not returned yet.
func (s *Server) Waiting() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// NewSession implements smtp.Backend.
func (s *Server) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{server: s}, nil }

// session is one connection.
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

// How Message finds a code and a link in a text.
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

// read parses a mail with parts in text and HTML.
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

// silent discards the log of the server.
type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}
