package smtptest

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Script is how a mail server behaves. The zero value accepts every mail, without TLS.
type Script struct {
	// Offers are the extensions that it lists in answer to EHLO, and Encrypted those that it lists
	// under TLS.
	Offers, Encrypted []string
	// TLS is the configuration for STARTTLS or, if FromStart is true, for TLS from the first byte.
	TLS       *tls.Config
	FromStart bool
	// Auth are the mechanisms that AUTH accepts, by name.
	Auth map[string]Auth
	// Answer, unless nil, replaces the answer to a command. "" keeps the usual answer, and HangUp
	// closes the connection.
	Answer func(line string) string
}

// Auth is the server's side of one mechanism. first is the text that came with the command, and ask
// sends a challenge and returns the response. The result is the answer to the client, or HangUp.
type Auth func(first string, ask func(challenge string) string) (answer string)

// HangUp stands for no answer and a closed connection.
const HangUp = "\x00"

// Say returns an Auth that always gives that answer.
func Say(answer string) Auth { return func(string, func(string) string) string { return answer } }

const (
	taken   = "235 2.7.0 welcome"
	refused = "535 5.7.8 wrong user or password"
)

func verdict(ok bool) string {
	if ok {
		return taken
	}
	return refused
}

// Plain returns the mechanism PLAIN (RFC 4616), which accepts this user and password.
func Plain(user, password string) Auth {
	return func(first string, ask func(string) string) string {
		if first == "" {
			first = ask("")
		}
		return verdict(first == "\x00"+user+"\x00"+password)
	}
}

// Login returns the mechanism LOGIN, which accepts this user and password.
func Login(user, password string) Auth {
	return func(_ string, ask func(string) string) string {
		gotUser := ask("Username:")
		return verdict(ask("Password:") == password && gotUser == user)
	}
}

// Scripted is a mail server that follows a Script, and records commands and mails.
type Scripted struct {
	// Addr is the HOST:PORT at which it listens.
	Addr string

	script Script

	mu    sync.Mutex
	lines []Line
	mails []string
}

// Line is a command of a client.
type Line struct {
	Encrypted bool
	Text      string
}

// Follow serves the script until the test ends, at an address such as 127.0.0.1:0.
func Follow(t testing.TB, address string, script Script) *Scripted {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s := &Scripted{Addr: l.Addr().String(), script: script}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return s
}

// Lines returns the commands of all connections.
func (s *Scripted) Lines() []Line {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lines)
}

// Begin returns the commands that begin with prefix.
func (s *Scripted) Begin(prefix string) []string {
	var all []string
	for _, l := range s.Lines() {
		if strings.HasPrefix(l.Text, prefix) {
			all = append(all, l.Text)
		}
	}
	return all
}

// Mails returns the accepted mails as they arrived.
func (s *Scripted) Mails() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// caller is one connection.
type caller struct {
	*Scripted
	conn      net.Conn
	in        *bufio.Reader
	encrypted bool
}

func (s *Scripted) serve(conn net.Conn) {
	c := &caller{Scripted: s, conn: conn}
	defer func() { _ = c.conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if s.script.FromStart {
		c.encrypt()
	} else {
		c.in = bufio.NewReader(conn)
	}
	c.say("220 mail.example.com ESMTP")
	for {
		line, ok := c.read()
		if !ok || !c.obey(line) {
			return
		}
	}
}

// encrypt starts TLS on the connection.
func (c *caller) encrypt() {
	c.conn, c.encrypted = tls.Server(c.conn, c.script.TLS), true
	c.in = bufio.NewReader(c.conn)
}

func (c *caller) say(answer string) {
	_, _ = c.conn.Write([]byte(strings.ReplaceAll(answer, "\n", "\r\n") + "\r\n"))
}

// read reads and records a command.
func (c *caller) read() (string, bool) {
	line, err := c.in.ReadString('\n')
	if err != nil {
		return "", false
	}
	line = strings.TrimRight(line, "\r\n")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, Line{c.encrypted, line})
	return line, true
}

// obey answers a command, and reports whether the connection goes on.
func (c *caller) obey(line string) bool {
	if c.script.Answer != nil {
		if answer := c.script.Answer(line); answer == HangUp {
			return false
		} else if answer != "" {
			c.say(answer)
			return true
		}
	}
	verb, rest, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "EHLO":
		c.offer()
	case "STARTTLS":
		c.say("220 go ahead")
		c.encrypt()
	case "AUTH":
		return c.auth(rest)
	case "DATA":
		c.say("354 go ahead")
		return c.take()
	case "QUIT":
		c.say("221 bye")
		return false
	case "HELO", "MAIL", "RCPT", "RSET", "NOOP":
		c.say("250 2.0.0 fine")
	default:
		c.say("502 5.5.1 what?")
	}
	return true
}

// offer answers EHLO.
func (c *caller) offer() {
	lines := append([]string{"mail.example.com"}, c.script.Offers...)
	if c.encrypted {
		lines = append(lines[:1], c.script.Encrypted...)
	}
	for i, l := range lines {
		between := "-"
		if i == len(lines)-1 {
			between = " "
		}
		c.say("250" + between + l)
	}
}

// auth answers AUTH, and reports whether the connection goes on.
func (c *caller) auth(rest string) bool {
	name, first, _ := strings.Cut(rest, " ")
	way := c.script.Auth[name]
	if way == nil {
		c.say("504 5.7.4 Unrecognized authentication type")
		return true
	}
	plain, _ := base64.StdEncoding.DecodeString(first)
	answer := way(string(plain), func(challenge string) string {
		c.say("334 " + base64.StdEncoding.EncodeToString([]byte(challenge)))
		line, _ := c.read()
		plain, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			return line
		}
		return string(plain)
	})
	if answer == HangUp {
		return false
	}
	c.say(answer)
	return true
}

// take reads the mail that follows DATA, and reports whether the connection goes on.
func (c *caller) take() bool {
	var mail strings.Builder
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		mail.WriteString(strings.TrimPrefix(line, "."))
	}
	c.mu.Lock()
	c.mails = append(c.mails, mail.String())
	c.mu.Unlock()
	c.say("250 2.0.0 taken")
	return true
}

// Certificate returns a TLS configuration for a server with these names and IP addresses, and the
// pool of authorities that trusts it.
func Certificate(t testing.TB, hosts ...string) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: hosts[0]},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			cert.IPAddresses = append(cert.IPAddresses, ip)
		} else {
			cert.DNSNames = append(cert.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{MinVersion: tls.VersionTLS12,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, pool
}
