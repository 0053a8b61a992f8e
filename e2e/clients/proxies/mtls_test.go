package proxies

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
	"github.com/vouchsafe/vouchsafe/internal/testkeys"
	"github.com/vouchsafe/vouchsafe/provider/mtls"
)

// billing is a client with a certificate.
type billing struct {
	*testing.T
	dir, ca       string
	pair          tls.Certificate
	client        vouchsafetest.Client
	server        *vouchsafetest.Server
	authenticated *http.Client
}

// certified returns a client with a certificate, before its server has started.
func certified(t *testing.T) *billing {
	t.Helper()
	b := &billing{T: t, dir: t.TempDir(), client: vouchsafetest.Client{
		"client_id": "billing", "grant_types": []string{"client_credentials"}, "scope": "reports:read",
		"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": `CN=billing,O=Example\, Inc.,C=DE`,
		"tls_client_certificate_bound_access_tokens": true,
	}}
	b.ca = filepath.Join(b.dir, "ca.pem")
	authority := testkeys.NewAuthority(t, "Clients", nil)
	authority.Write(b.ca)
	authority.WriteClient("billing", b.file("billing.crt"), b.file("billing.key"))
	var err error
	if b.pair, err = tls.LoadX509KeyPair(b.file("billing.crt"), b.file("billing.key")); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *billing) file(name string) string { return filepath.Join(b.dir, name) }

// at is the client once its server runs.
func (b *billing) at(s *vouchsafetest.Server) {
	b.server = s
	b.authenticated = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: s.Certificate.Roots, Certificates: []tls.Certificate{b.pair}}}}
}

// aliases returns where discovery says that certificates are presented.
func (b *billing) aliases() (all map[string]string) {
	b.Helper()
	api := b.server.API(b.T)
	doc := api.Do(b.T, api.Request(b.T, http.MethodGet, "/.well-known/openid-configuration", "", "")).Want(b.T, 200, "")
	raw, err := json.Marshal(doc.Body["mtls_endpoint_aliases"])
	if err == nil {
		err = json.Unmarshal(raw, &all)
	}
	if err != nil || len(all) < 5 {
		b.Fatalf("got the aliases %s: %v", raw, err)
	}
	return all
}

// getsTokens has Go's OAuth library get a token that is bound to the certificate, and refuses it to others.
func (b *billing) getsTokens(tokenURL string) {
	b.Helper()
	ctx := b.Context()
	config := clientcredentials.Config{ClientID: "billing", TokenURL: tokenURL, AuthStyle: oauth2.AuthStyleInParams,
		Scopes: []string{"reports:read"}}
	got, err := config.Token(through(ctx, b.authenticated))
	if err != nil {
		b.Fatal(err)
	}
	b.isBound(got.AccessToken)
	without := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: b.server.Certificate.Roots}}}
	if _, err := config.Token(through(ctx, without)); err == nil || !strings.Contains(err.Error(), "invalid_client") {
		b.Errorf("without a certificate: got %v", err)
	}
	// Neither does it help to write the certificate into the header that proxies write.
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.server.Issuer+"/token",
		strings.NewReader(url.Values{"grant_type": {"client_credentials"}, "client_id": {"billing"}}.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Client-Cert", ":"+base64.StdEncoding.EncodeToString(b.pair.Leaf.Raw)+":")
	answer, err := without.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusUnauthorized {
		b.Errorf("with the certificate in a header: got %d", answer.StatusCode)
	}
}

// through has Go's OAuth library use an HTTP client.
func through(ctx context.Context, c *http.Client) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, c)
}

// isBound checks the claim cnf of a token.
func (b *billing) isBound(token string) {
	b.Helper()
	var claims struct {
		Confirmation map[string]string `json:"cnf"`
	}
	parts := strings.Split(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(parts[min(1, len(parts)-1)])
	if err == nil {
		err = json.Unmarshal(raw, &claims)
	}
	if want := mtls.Thumbprint(b.pair.Leaf); err != nil || claims.Confirmation["x5t#S256"] != want {
		b.Errorf("the token is bound to %v, want %s: %v", claims.Confirmation, want, err)
	}
}

// TestCertificatesAtOwnTLS: programs present certificates to the server itself, at a port of its own.
func TestCertificatesAtOwnTLS(t *testing.T) {
	t.Parallel()
	b := certified(t)
	port, err := testdaemon.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	at := strconv.Itoa(port)
	b.at(vouchsafetest.Start(t, vouchsafetest.Options{Production: true, Env: map[string]string{
		"VOUCHSAFE_MTLS_LISTEN": "127.0.0.1:" + at, "VOUCHSAFE_CLIENT_CA_FILE": b.ca,
	}, Clients: []vouchsafetest.Client{b.client}}))
	token := b.aliases()["token_endpoint"]
	if want := "https://localhost:" + at + "/token"; token != want {
		t.Fatalf("the alias of the token endpoint is %q, want %q", token, want)
	}
	b.getsTokens(token)

	curl := exec.CommandContext(t.Context(), "curl", "-sS", "--cacert", b.server.Certificate.CertFile,
		"--cert", b.file("billing.crt"), "--key", b.file("billing.key"), token, "-d", "client_id=billing",
		"-d", "grant_type=client_credentials")
	out, err := curl.Output()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err != nil || json.Unmarshal(out, &answer) != nil {
		t.Fatalf("curl: %v %s", err, out)
	}
	b.isBound(answer.Token)

	for path, want := range map[string]int{"/login": 421, "/admin": 421, "/authorize": 421, "/api/v1/users": 401} {
		r, err := b.authenticated.Get("https://localhost:" + at + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("%s where certificates are presented: got %d, want %d", path, r.StatusCode, want)
		}
	}
}

// TestCertificatesBehindNginx: nginx passes certificates on, with the configuration of docs/mtls.md.
func TestCertificatesBehindNginx(t *testing.T) {
	t.Parallel()
	needs(t, "/usr/sbin/nginx")
	b := certified(t)
	var site *vouchsafetest.Server
	daemon(t, "nginx", func(d *testdaemon.Daemon) []string {
		at := strconv.Itoa(d.Port)
		var behind *vouchsafetest.Server
		site, behind = vouchsafetest.StartBehind(t, d.Port, vouchsafetest.Options{Env: map[string]string{
			"VOUCHSAFE_CLIENT_CERT_HEADER": "Client-Cert", "VOUCHSAFE_MTLS_URL": "https://127.0.0.1:" + at,
			"VOUCHSAFE_CLIENT_CA_FILE": b.ca,
		}, Clients: []vouchsafetest.Client{b.client}})
		text := vouchsafetest.ReadSection(t, "docs/mtls.md", "## Behind a proxy").With(t, "443 ssl", "127.0.0.1:"+at+" ssl",
			"mtls.example.com;", "127.0.0.1;", "127.0.0.1:8080", behind.Address,
			"/etc/ssl/mtls.example.com.crt", file(t, d, "crt", read(t, behind.Certificate.CertFile)),
			"/etc/ssl/mtls.example.com.key", file(t, d, "key", read(t, behind.Certificate.KeyFile))).File(t, "site.conf")
		file(t, d, "site.conf", text)
		file(t, d, "nginx.conf", aroundNginx)
		return []string{"/usr/sbin/nginx", "-p", d.Folder, "-c", "nginx.conf", "-e", "stderr"}
	})
	b.at(site)
	b.getsTokens(b.aliases()["token_endpoint"])
}
