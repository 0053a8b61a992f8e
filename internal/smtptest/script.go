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

// Script is what a mail server does. The zero value takes every mail, in clear.
type Script struct {
	// Offers are the lines after the first of its answer to EHLO, Encrypted those under TLS.
	Offers, Encrypted []string
	// TLS is for STARTTLS, or for TLS from the beginning where FromStart says so.
	TLS       *tls.Config
	FromStart bool
	// Auth answers AUTH, by the mechanism.
	Auth map[string]Auth
	// Answer answers a command in place of what is usual; "" is what is usual.
	Answer func(line string) string
}

// Auth is how a server goes through one mechanism. It is given what came with the command, may
// ask for more, and gives the answer; HangUp for none.
type Auth func(first string, ask func(challenge string) string) (answer string)

// HangUp is no answer, and the end of the connection.
const HangUp = "\x00"

// Say is the Auth that says so whatever comes.
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

// Plain takes the user with the password (RFC 4616).
func Plain(user, password string) Auth {
	return func(first string, ask func(string) string) string {
		if first == "" {
			first = ask("")
		}
		return verdict(first == "\x00"+user+"\x00"+password)
	}
}

// Login takes the user with the password.
func Login(user, password string) Auth {
	return func(_ string, ask func(string) string) string {
		gotUser := ask("Username:")
		return verdict(ask("Password:") == password && gotUser == user)
	}
}

// Scripted is a mail server that does what its script says, and remembers what it was told.
type Scripted struct {
	// Addr is where it listens.
	Addr string

	script Script

	mu    sync.Mutex
	lines []Line
	mails []string
}

// Line is a command that came.
type Line struct {
	Encrypted bool
	Text      string
}

// Follow serves the script until the test ends, at the address, such as 127.0.0.1:0.
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

// Lines are the commands that came, of all connections.
func (s *Scripted) Lines() []Line {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lines)
}

// Begin are the commands that begin so.
func (s *Scripted) Begin(prefix string) []string {
	var all []string
	for _, l := range s.Lines() {
		if strings.HasPrefix(l.Text, prefix) {
			all = append(all, l.Text)
		}
	}
	return all
}

// Mails are what was taken, as it came.
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

func (c *caller) encrypt() {
	c.conn, c.encrypted = tls.Server(c.conn, c.script.TLS), true
	c.in = bufio.NewReader(c.conn)
}

func (c *caller) say(answer string) {
	_, _ = c.conn.Write([]byte(strings.ReplaceAll(answer, "\n", "\r\n") + "\r\n"))
}

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

// obey does what is said, and says whether to go on.
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

// Certificate is for a server of these names and IP addresses, and whom to trust for it.
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
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, pool
}
