package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// lists are pages of the management API: a path, and which page of it.
var lists = []struct {
	path string
	page int
}{
	{"/users", 1}, {"/users?limit=200", 1}, {"/users", 1000},
	{"/users?q=fill77", 1}, {"/users?q=fill7", 1000}, {"/users?q=given7", 1}, {"/users?q=given7", 100},
	{"/users?q=family", 1000},
	{"/users?q=nothing", 1}, {"/users?email=fill77@example.com", 1},
	{`/users?filter=email eq "fill77@example.com"`, 1}, {`/users?filter=profile.name sw "given7 family7"`, 1},
	{`/users?filter=email gt "fill5" and disabled eq false`, 1}, {`/users?filter=disabled eq true`, 1},
	{`/users?filter=not (profile.locale eq "en") or roles pr`, 1}, {`/users?filter=status.second_factor eq true`, 1},
	{"/groups", 1}, {"/groups", 1000}, {`/groups?filter=id sw "group-00000000ab"`, 1}, {`/groups?filter=title co "x"`, 1},
	{"/groups/group-000000000000/members", 1}, {"/groups/group-000000000000/members", 1000},
	{"/clients/web/roles/holder/users", 1}, {"/clients/web/roles/holder/users", 1000},
	{"/clients/web/roles/holder/groups", 1}, {"/clients/web/roles/holder/groups", 1000},
	{"/clients", 1}, {"/clients?filter=disabled eq true", 1},
	{"/audit", 1}, {"/audit", 1000}, {"/audit?kind=user.added", 1}, {`/audit?filter=ip sw "198."`, 1},
	{"/audit?user_id=01900000-0000-7000-8000-000000000007", 1}, {"/stats", 1}, {"/stats?days=366", 1},
	{"/events", 1}, {"/events", 1000}, {"/administrators", 1}, {"/invitations", 1}, {"/apis", 1}, {"/keys", 1},
	{"/webhooks", 1}, {"/mail/waiting", 1}, {"/mail/dead", 1}, {"/upstreams", 1}, {"/clients/web/roles", 1},
	{"/clients/web/secrets", 1}, {"/clients/web/api-keys", 1},
	{"/users/01900000-0000-7000-8000-000000000007/sessions", 1}, {"/users/01900000-0000-7000-8000-000000000007/grants", 1},
	{"/users/01900000-0000-7000-8000-000000000007/groups", 1}, {"/users/01900000-0000-7000-8000-000000000007/roles", 1},
}

const (
	listScopes = "users:read groups:read clients:read audit:read stats:read administrators:read tenant:read keys:read " +
		"webhooks:read mail:read upstreams:read"
	listRepeats = 15
)

// measureLists prints how long pages of lists take, one at a time, and what they cost the server.
func measureLists(ctx context.Context, o options, store string) (err error) {
	s, err := startServer(o.program, store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.fill(ctx, o.fill); err != nil {
		return err
	}
	shown, err := s.output("", "client", "add", "lister", "--kind", "service", "--audience", s.issuer+"/api/v1",
		"--scope", listScopes)
	if err != nil {
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
	if err := w.authorizeLister(shown); err != nil {
		return err
	}
	fmt.Printf("\n%s: %d people\n\n| | page | entries | SQL | p50 ms | worst ms | server's CPU ms |\n|---|%s\n", store,
		o.fill, strings.Repeat("---:|", 6))
	for _, l := range lists {
		progress("%s: %s", store, l.path)
		if err := s.measureList(ctx, w, l.path, l.page); err != nil {
			return fmt.Errorf("%s: %w", l.path, err)
		}
	}
	return nil
}

// tallied waits until the server has counted the sign-ins that were filled in, but for the latest. Ids of events begin
// with their time.
func (s *server) tallied(ctx context.Context) error {
	at := fmt.Sprintf("%012x", time.Now().Add(-10*time.Minute).UnixMilli())
	for {
		done, err := s.count(ctx, "SELECT COUNT(*) FROM marks WHERE tenant_id = 'default' AND name = 'tally' AND value > '"+
			at[:8]+"-"+at[8:]+"'")
		if err != nil || done > 0 {
			return err
		}
		progress("%s", "counting sign-ins")
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
}

var shownSecret = regexp.MustCompile(`(?m)^client_secret +(\S+)$`)

// authorizeLister gets an access token for the client that a command has shown.
func (w *worker) authorizeLister(shown string) error {
	found := shownSecret.FindStringSubmatch(shown)
	if found == nil {
		return errors.New("no secret was shown")
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	req, err := http.NewRequest(http.MethodPost, w.issuer+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.SetBasicAuth("lister", found[1])
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, body, err := w.do(req)
	if err != nil {
		return err
	}
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Token == "" {
		return fmt.Errorf("no access token: %s", body)
	}
	w.state["token"] = answer.Token
	return nil
}

// list gets a page of a list, and returns how many entries it has and where the next one is.
func (w *worker) list(path, after string) (entries int, next string, err error) {
	at, query, _ := strings.Cut(path, "?")
	name, value, _ := strings.Cut(query, "=")
	form := url.Values{}
	if name != "" {
		form.Set(name, value)
	}
	if after != "" {
		form.Set("after", after)
	}
	req, err := http.NewRequest(http.MethodGet, w.issuer+"/api/v1"+at+"?"+form.Encode(), nil)
	if err != nil {
		return 0, "", err
	}
	if len(form) == 0 {
		req.URL.RawQuery = ""
	}
	req.Header.Set("Authorization", "Bearer "+w.state["token"])
	res, body, err := w.do(req)
	if err != nil {
		return 0, "", err
	}
	if res.StatusCode != http.StatusOK {
		return 0, "", fmt.Errorf("got %d %s", res.StatusCode, body)
	}
	var page struct {
		Items []json.RawMessage
		Next  string
	}
	err = json.Unmarshal(body, &page)
	return len(page.Items), page.Next, err
}

// measureList prints the row of a page.
func (s *server) measureList(ctx context.Context, w *worker, path string, page int) error {
	after, reached := "", 1
	for ; reached < page; reached++ {
		_, next, err := w.list(path, after)
		if err != nil {
			return err
		}
		if next == "" {
			break
		}
		after = next
	}
	entries, _, err := w.list(path, after)
	if err != nil {
		return err
	}
	c, err := s.repeated(ctx, func() error {
		_, _, err := w.list(path, after)
		return err
	})
	if err != nil {
		return err
	}
	progress("")
	fmt.Printf("| `%s` | %d | %d | %.0f | %s | %s | %s |\n", path, reached, entries, c.sql, millis(c.median()),
		millis(c.worst()), millis(c.cpu))
	return nil
}

// cost is what a request cost.
type cost struct {
	sql  float64         // statements
	cpu  time.Duration   // of the server
	took []time.Duration // by each time that it was sent, the shortest first
}

func (c cost) least() time.Duration  { return c.took[0] }
func (c cost) median() time.Duration { return c.took[len(c.took)/2] }
func (c cost) worst() time.Duration  { return c.took[len(c.took)-1] }

// repeated sends a request listRepeats times, or for ten seconds, and returns what one cost.
func (s *server) repeated(ctx context.Context, send func() error) (c cost, err error) {
	cpu, err := s.cpu()
	if err != nil {
		return c, err
	}
	sql, _, err := s.spent(ctx)
	if err != nil {
		return c, err
	}
	for until := time.Now().Add(10 * time.Second); len(c.took) < listRepeats && time.Now().Before(until); {
		began := time.Now()
		if err := send(); err != nil {
			return c, err
		}
		c.took = append(c.took, time.Since(began))
	}
	sqlAfter, _, err := s.spent(ctx)
	if err != nil {
		return c, err
	}
	cpuAfter, err := s.cpu()
	n := len(c.took)
	c.sql, c.cpu = (sqlAfter-sql)/float64(n), (cpuAfter-cpu)/time.Duration(n)
	slices.Sort(c.took)
	return c, err
}
