package engine

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzPostgresURL writes a password into a URL as it is, as operators do who forget to
// encode it. Whatever becomes of the URL, no part of the password is in the error; and where
// the URL is taken, none is in what would be told of a connection that fails: its hosts,
// user, database and parameters.
func FuzzPostgresURL(f *testing.F) {
	for _, password := range []string{"", "%", "%zz", "/", "?", "#", "@", ":", "12/", "12?", "12?a=", "12#", "%2f", " ",
		"\\", "[", "]", "\x00", "ä", "'", "&", "=", "+", "1@2/"} {
		for _, rest := range []string{"/name", ":5432/name?sslmode=disable", "a,b:1/name?sslmode=bogus",
			"/name?pool_max_conns=x&password=other", ":x/name", "[::1]:1,[::2]:2/n?target_session_attrs=any"} {
			f.Add("postgres://u", password, "", "h"+rest)
			f.Add("postgresql://u", "", password, "h"+rest)
		}
	}
	f.Add("postgres:u", "", "", "h/name")
	f.Add("postgres:/u", "", "", "h/name")
	f.Add("postgres://h/name?user=u&password=", "", "", "")
	const canary = "Canary7"
	f.Fuzz(func(t *testing.T, user, head, tail, rest string) {
		written := user + ":" + head + canary + tail + "@" + rest
		all, err := url.PathUnescape(written)
		if err != nil {
			all = written
		}
		if strings.Contains(user+rest, canary) || strings.Contains(all, "file") || strings.Contains(all, "cert") ||
			strings.Contains(all, "sslkey") {
			return // what is no password, and what names files of the machine's
		}
		if scheme, _, _ := strings.Cut(user, ":"); scheme != "postgres" && scheme != "postgresql" {
			return
		}
		config, err := parsePostgres(written)
		if err != nil {
			if strings.Contains(err.Error(), canary) {
				t.Errorf("%q: %v", written, err)
			}
			return
		}
		c := config.ConnConfig
		told := []string{c.Host, c.User, c.Database,
			fmt.Sprint(slices.Collect(maps.Keys(c.RuntimeParams)), slices.Collect(maps.Values(c.RuntimeParams)))}
		for _, f := range c.Fallbacks {
			told = append(told, f.Host)
		}
		for _, s := range told {
			if strings.Contains(s, canary) {
				t.Errorf("%q: the password is taken for something else: %q", written, s)
			}
		}
	})
}
