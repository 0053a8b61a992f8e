package dpop

import "testing"

// TestURIsThatAreTheSame: htu is compared after normalisation by syntax and scheme (RFC 9449 section 4.3), with the
// path prefix of a tenant or an installation as a part of it.
func TestURIsThatAreTheSame(t *testing.T) {
	t.Parallel()
	for want, same := range map[string][]string{
		"https://id.example/t/a/token": {
			"HTTPS://ID.example:443/t/a/token", "https://id.example/t/a/token?x#y", "https://id.example/t/%61/token",
			"https://id.example/t/b/../a/./token", "https://id.example:/t/a/token",
		},
		"http://[::1]:8080/a%2Fb": {"http://[::1]:8080/a%2fb"},
		"http://id.example/":      {"http://id.example", "http://id.example:80/"},
		"": {"", "/token", "id.example/token", "urn:x", "https://", "https://u@id.example/",
			"https://id.example/%zz", "ftp://id.example/"},
	} {
		for _, s := range append(same, want) {
			if got := normalURI(s); got != want {
				t.Errorf("%q: got %q, want %q", s, got, want)
			}
		}
	}
	for _, pair := range [][2]string{
		{"https://id.example/a", "https://id.example/a/"}, {"https://id.example/a", "https://id.example//a"},
		{"https://id.example/a", "http://id.example/a"}, {"https://id.example/a", "https://id.example:8443/a"},
		{"https://id.example/a", "https://id.example/A"}, {"https://id.example/a%2Fb", "https://id.example/a/b"},
	} {
		if normalURI(pair[0]) == normalURI(pair[1]) {
			t.Errorf("%q is taken for %q", pair[1], pair[0])
		}
	}
}
