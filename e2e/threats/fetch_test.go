package threats

import (
	"compress/gzip"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func fetchRows() []row {
	return []row{
		{"L1 L3 keys at inner addresses", l1},
		{"L2 answers that have no end", l2},
	}
}

// keysAt returns a client whose keys are at the address.
func keysAt(id, address string) vouchsafetest.Client {
	return vouchsafetest.Service.With(vouchsafetest.Client{
		"client_id": id, "client_secret": nil, "jwks_uri": address,
		"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256",
	})
}

// asks sends an assertion with an unknown key, which makes the server fetch.
func asks(t *testing.T, s *vouchsafetest.Server, client string) *vouchsafetest.Reply {
	t.Helper()
	k := vouchsafetest.Keyed()[0]
	claims := s.AssertionClaims(client)
	return s.API(t).ByKey(t, k.Assertion(t, claims), "grant_type", "client_credentials")
}

// l1: no service behind the server is connected to, and no answer reveals what is there.
func l1(t *testing.T, s *vouchsafetest.Server) {
	var connections atomic.Int64
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			_ = c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	var clients []vouchsafetest.Client
	for i, host := range []string{
		"127.0.0.1", "localhost", "127.1", "0.0.0.0", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]",
		"[::ffff:7f00:1]", "localhost.",
		"[::]", "10.0.0.1", "169.254.169.254", "192.168.0.1", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]",
		"100.64.0.1", "127.255.0.7",
	} {
		clients = append(clients, keysAt(fmt.Sprintf("inner-%d", i), "https://"+host+":"+port+"/jwks.json"))
	}
	refused := s.Faults(t, clients...)
	var declared []vouchsafetest.Client
	for _, c := range clients {
		if len(refused[c.ID()]) == 0 { // what is refused at once is never fetched
			declared = append(declared, c)
		}
	}
	own := vouchsafetest.Start(t,
		vouchsafetest.Options{Production: s.Database != "", Clients: declared,
			Env: map[string]string{"VOUCHSAFE_ALLOW_PRIVATE_FETCH": "false"}})
	answers := map[string]bool{}
	for _, c := range declared {
		reply := asks(t, own, c.ID())
		answers[fmt.Sprint(reply.Status, reply.Raw)] = true
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections to inner addresses, want none", n)
	}
	if len(declared) == 0 || len(answers) != 1 {
		t.Errorf("%d addresses were answered in %d ways, want one: %v", len(declared), len(answers), answers)
	}
}

// l2: large bodies, redirects and compressed bombs are abandoned after little time and memory.
func l2(t *testing.T, s *vouchsafetest.Server) {
	var sent, hits atomic.Int64
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		chunk := strings.Repeat(" ", 1<<16)
		switch r.URL.Path {
		case "/long":
			for range 1600 { // 100 MiB
				n, err := io.WriteString(w, chunk)
				if sent.Add(int64(n)); err != nil {
					return
				}
			}
		case "/slow":
			for range 200 {
				if _, err := io.WriteString(w, " "); err != nil || r.Context().Err() != nil {
					return
				}
				_ = http.NewResponseController(w).Flush()
				time.Sleep(100 * time.Millisecond)
			}
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			for range 1600 {
				if _, err := io.WriteString(z, chunk); err != nil {
					return
				}
			}
			_ = z.Close()
		default:
			http.Redirect(w, r, "/around-"+rand.Text(), http.StatusFound)
		}
	})
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.ErrorLog = nil
	srv.Start()
	defer func() { srv.CloseClientConnections(); srv.Close() }()
	base := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
	own := vouchsafetest.Start(t, vouchsafetest.Options{
		Production: s.Database != "",
		Clients: []vouchsafetest.Client{keysAt("long", base+"/long"), keysAt("slow", base+"/slow"),
			keysAt("bomb", base+"/bomb"), keysAt("around", base+"/around")},
	})
	for _, id := range []string{"long", "slow", "bomb", "around"} {
		hits.Store(0)
		start := time.Now()
		reply := asks(t, own, id)
		if reply.Status != 401 && reply.Status != 503 || reply.Access() != "" {
			t.Errorf("%s: got %d %s", id, reply.Status, reply.Raw)
		}
		if took := time.Since(start); took > 15*time.Second {
			t.Errorf("%s: took %v, want it to be left after 5 s", id, took)
		}
		if n := hits.Load(); n != 1 {
			t.Errorf("%s: asked %d times, want once", id, n)
		}
	}
	if n := sent.Load(); n > 16<<20 {
		t.Errorf("%d bytes were read of what has no end", n)
	}
}
