package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/crowd"
)

// filled is a user that the crowd has.
const filled = "01900000-0000-7000-8000-000000000007"

// screens are pages of the console: a path, and which page of a list.
var screens = []struct {
	path string
	page int
}{
	{"", 1},
	{"/people", 1}, {"/people", 1000}, {"/people?q=fill77", 1}, {"/people?q=given7", 1}, {"/people?q=given7", 100},
	{"/people?q=family", 1000}, {"/people?q=nothing", 1}, {"/people?q=fill77@example.com", 1},
	{"/people?unverified=1", 1}, {"/people?unsecured=1", 1}, {"/people?unsecured=1", 1000}, {"/people?disabled=1", 1},
	{"/people?disabled=1", 100}, {"/people?never=1", 1}, {"/people?admins=1", 1}, {"/people?group=group-000000000000", 1},
	{"/people?group=group-000000000000", 1000}, {"/people?group=group-000000000007", 1},
	{"/people?group=group-000000000000&unverified=1", 1}, {"/people?q=given7&unverified=1", 1},
	{"/people/" + filled, 1}, {"/people/" + filled + "/history", 1}, {"/people/" + filled + "/edit", 1},
	{"/people/" + filled + "/disable", 1}, {"/people/add", 1}, {"/people/invite", 1}, {"/people/invitations", 1},
	{"/people/import", 1},
	{"/groups", 1}, {"/groups", 1000}, {"/groups?q=group-000000000", 1}, {"/groups?q=nothing", 1},
	{"/groups/group?id=group-000000000000", 1}, {"/groups/group?id=group-000000000000", 1000},
	{"/groups/roles?client=web", 1},
	{"/apps", 1}, {"/apps", 1000}, {"/apps?q=app-00077", 1}, {"/apps?q=nothing", 1}, {"/apps?kind=service", 1},
	{"/apps?disabled=1", 1}, {"/apps/app?id=web", 1}, {"/apps/app?id=app-00007", 1},
	{"/apps/claims?id=web&user=fill77@example.com", 1}, {"/apps/new", 1},
	{"/apis", 1}, {"/sign-in", 1}, {"/sign-in/rules", 1}, {"/sign-in/branding", 1}, {"/sign-in/mails", 1},
	{"/sign-in/upstreams", 1},
	{"/log", 1}, {"/log", 1000}, {"/log?person=fill77@example.com", 1},
	{"/log?person=fill77@example.com&kind=login.failed", 1},
	{"/log?kind=login.failed", 1}, {"/log?kind=login.failed", 1000}, {"/log?kind=user.added", 1}, {"/log?of=refused", 1},
	{"/log?of=refused", 1000}, {"/log?of=settings", 1}, {"/log?app=web", 1}, {"/log?app=app-00007", 1},
	{"/log?actor=" + filled, 1}, {"/log?address=203.0.7.7", 1}, {"/log?request=00000000abcd", 1},
	{"/log?reason=password", 1}, {"/log?since=2026-01-01T00:00&until=2026-01-02T00:00", 1},
	{"/settings", 1}, {"/settings/keys", 1}, {"/settings/mail", 1}, {"/settings/webhooks", 1}, {"/settings/api-keys", 1},
	{"/settings/administrators", 1}, {"/settings/about", 1},
}

const (
	slow  = 50 * time.Millisecond
	heavy = 60 << 10
)

// measureConsole prints how long pages of the console take, one at a time, and what they weigh.
func measureConsole(ctx context.Context, o options, store string) (err error) {
	s, err := startServer(o.program, store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.command("", "admin", "add", person, "--role", "owner"); err != nil {
		return err
	}
	apps := max(10, o.fill/1000)
	if err := s.addApps(apps); err != nil {
		return err
	}
	c := crowd.Crowd{Client: "web", People: o.fill, Sessions: o.fill, Grants: o.fill, Groups: max(10, o.fill/100),
		Memberships: 2 * o.fill, Events: 10 * o.fill}
	if err := s.crowd(ctx, c); err != nil {
		return err
	}
	if err := s.startOnce(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.process.stop()) }()
	if err := s.tallied(ctx); err != nil {
		return err
	}
	w, err := newWorker(ctx, s.issuer)
	if err != nil {
		return err
	}
	if err := signIn(w); err != nil {
		return err
	}
	fmt.Printf("\n%s: %d people, %d groups, %d apps, %d entries of the log\n\n"+
		"| | page | KB | SQL | least ms | p50 ms | worst ms | server's CPU ms | |\n|---|%s---|\n", store, c.People, c.Groups,
		apps, c.Events, strings.Repeat("---:|", 7))
	for _, l := range screens {
		progress("%s: %s", store, l.path)
		if again := s.measureScreen(ctx, w, l.path, l.page); again != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", l.path, again))
		}
	}
	return err
}

// addApps adds that many clients to the file of clients, and stores them.
func (s *server) addApps(n int) error {
	var file strings.Builder
	file.WriteString(clients)
	for i := range n {
		fmt.Fprintf(&file, "  - client_id: app-%05d\n    client_name: App %d\n    token_endpoint_auth_method: none\n"+
			"    redirect_uris: [https://app%d.example/callback]\n    allow: {groups: [group-%012x]}\n", i, i, i, i)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "clients.yaml"), []byte(file.String()), 0o600); err != nil {
		return err
	}
	return s.command("", "client", "apply", "clients.yaml")
}

var nextPage = regexp.MustCompile(`href="([^"]*)" rel="next"`)

// measureScreen prints the row of a page, with a mark if it is slow or heavy. It returns an error if the page is heavy.
func (s *server) measureScreen(ctx context.Context, w *worker, path string, page int) error {
	at, reached := "/admin"+path, 1
	var body []byte
	for ; ; reached++ {
		location, read, err := w.get(at)
		if err != nil {
			return err
		}
		if location != "" {
			return fmt.Errorf("%s leads to %s", at, location)
		}
		body = read
		next := nextPage.FindSubmatch(body)
		if reached == page || next == nil {
			break
		}
		at = html.UnescapeString(string(next[1]))
	}
	c, err := s.repeated(ctx, func() error {
		_, _, err := w.get(at)
		return err
	})
	if err != nil {
		return err
	}
	mark := ""
	if c.median() > slow || len(body) > heavy {
		mark = "!"
	}
	progress("")
	fmt.Printf("| `%s` | %d | %.1f | %.0f | %s | %s | %s | %s | %s |\n", path, reached, float64(len(body))/1024,
		c.sql, millis(c.least()), millis(c.median()), millis(c.worst()), millis(c.cpu), mark)
	if len(body) > heavy {
		return fmt.Errorf("the page has %d bytes, more than %d", len(body), heavy)
	}
	return nil
}
