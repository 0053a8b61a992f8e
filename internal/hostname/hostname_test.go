package hostname_test

import (
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/hostname"
)

// Hosts are spelt as browsers send them, or are none.
func TestCanonical(t *testing.T) {
	for _, c := range []struct{ scheme, host, want string }{
		{"https", "id.example.com", "id.example.com"}, {"https", "id.example.com:443", "id.example.com"},
		{"https", "id.example.com:80", "id.example.com:80"},
		{"http", "localhost:80", "localhost"}, {"http", "localhost:443", "localhost:443"},
		{"http", "localhost:0", "localhost:0"},
		{"https", "ID.Example.com", "id.example.com"}, {"https", "bücher.example", "xn--bcher-kva.example"},
		{"https", "BÜCHER.example:443", "xn--bcher-kva.example"},
		{"https", "faß.example", "xn--fa-hia.example"}, {"https", "id。example", "id.example"},
		{"https", "192.0.2.1:8443", "192.0.2.1:8443"},
		{"https", "[2001:DB8::1]", "[2001:db8::1]"}, {"https", "[2001:db8:0::1]:443", "[2001:db8::1]"},
		{"https", "my_host", "my_host"},
		{"https", "*.example.com", ""}, {"https", "*", ""}, {"https", "", ""}, {"https", ":443", ""},
		{"https", "id.example.com:", ""}, {"https", "id.example.com:0443", ""},
		{"https", "id.example.com:65536", ""}, {"https", "id.example.com:https", ""}, {"https", "id.example.com.", ""},
		{"https", "id..example", ""}, {"https", "id example", ""},
		{"https", "user@id.example", ""}, {"https", "id.example/x", ""}, {"https", "[::1%25lo]", ""}, {"https", "[::1", ""},
		{"https", "[192.0.2.1]", ""}, {"https", "2001:db8::1", ""},
		{"https", "-id.example", ""}, {"https", "id%2eexample", ""}, {"https", strings.Repeat("x", 64) + ".example", ""},
	} {
		got, err := hostname.Canonical(c.scheme, c.host)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s://%s: got %q, %v, want %q", c.scheme, c.host, got, err, c.want)
		}
	}
}
