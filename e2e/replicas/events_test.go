package replicas

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/receiver"
	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

// sent is an event of a stream.
type sent struct {
	id   string // what a client sends as Last-Event-ID
	Type string
	ID   string
	Data struct{ Subject string }
}

// stream is an open stream of events.
type stream struct {
	events chan sent // closed at its end
	close  context.CancelFunc
}

// open asks for the stream of events at a server. The answer's status is 200 unless it returns nil.
func open(t *testing.T, client *http.Client, c *receiver.Console, at, last string) (*stream, int) {
	t.Helper()
	r := c.Request(t, http.MethodGet, "/events?kind=user.*", nil)
	ctx, end := context.WithCancel(t.Context())
	t.Cleanup(end)
	if r = r.WithContext(ctx); at != "" {
		to, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Scheme, r.URL.Host = to.Scheme, to.Host
	}
	r.Header.Set("Accept", "text/event-stream")
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		_ = res.Body.Close()
		end()
		return nil, res.StatusCode
	}
	if kind := res.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("got the type %q", kind)
	}
	s := &stream{make(chan sent, 100), end}
	go func() {
		defer close(s.events)
		defer res.Body.Close()
		var e sent
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				e.id = id
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && json.Unmarshal([]byte(data), &e) == nil {
				s.events <- e
			}
		}
	}()
	return s, http.StatusOK
}

// next returns the next event.
func (s *stream) next(t *testing.T) sent {
	t.Helper()
	select {
	case e, ok := <-s.events:
		if !ok {
			t.Fatal("the stream ended")
		}
		return e
	case <-time.After(time.Minute):
		t.Fatal("no event came in a minute")
	}
	return sent{}
}

// ends waits for the end of the stream.
func (s *stream) ends(t *testing.T) {
	t.Helper()
	for {
		select {
		case _, ok := <-s.events:
			if !ok {
				return
			}
		case <-time.After(time.Minute):
			t.Fatal("the stream did not end in a minute")
		}
	}
}

// TestEventsAreStreamed reads events as they come: from either replica, through nginx as it is installed, for longer
// than other requests may take, and from another replica when one stops. Streams of others fell silent after the time
// for an answer (xdlc-labs/xdlc-agent#71, modelcontextprotocol/go-sdk#1262), or kept the server from stopping
// (open-cluster/oc-control-plane#66).
func TestEventsAreStreamed(t *testing.T) {
	t.Parallel()
	site, replicas := vouchsafetest.StartBehindProxy(t, 2, vouchsafetest.Options{
		Env: map[string]string{"VOUCHSAFE_STOP_DELAY": "0s", "VOUCHSAFE_UNLIMITED_ADDRESSES": "127.0.0.0/8"}})
	console := receiver.Open(t, site)
	through := nginx(t, site, replicas)
	buffered, _ := open(t, http.DefaultClient, console, through, "")
	first, _ := open(t, replicas[0].HTTP(t), console, "", "")
	users := 0
	happens := func(streams ...*stream) (last sent) {
		t.Helper()
		users++
		user := console.AddUser(t, fmt.Sprintf("user%d@example.com", users))
		for _, s := range streams {
			for last = s.next(t); last.Data.Subject != user; { // there are those of the beginning, too
				last = s.next(t)
			}
		}
		return last
	}
	happens(first, buffered)
	time.Sleep(22 * time.Second) // longer than the server waits for a database, or for a request to be read
	last := happens(first, buffered)

	began := time.Now()
	if err := replicas[0].Stop(); err != nil {
		t.Error(err)
	}
	first.ends(t)
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("the replica stopped after %v: it waited for its streams", took)
	}
	console.API = replicas[1].API(t)
	happens()
	again, _ := open(t, replicas[1].HTTP(t), console, "", last.id)
	if missed := again.next(t); missed.Type != "user.added" || missed.ID == last.ID {
		t.Errorf("got %+v behind %+v, want the event that happened meanwhile", missed, last)
	}
	happens(again)

	var more []*stream
	for {
		s, status := open(t, replicas[1].HTTP(t), console, "", last.id)
		if s == nil {
			if status != http.StatusTooManyRequests || len(more) > 3 {
				t.Errorf("got %d after %d streams", status, len(more))
			}
			break
		}
		if more = append(more, s); len(more) > 8 {
			t.Fatal("a client has streams without end")
		}
	}
	more[0].close()
	receiver.Until(t, "another stream", func() bool {
		s, _ := open(t, replicas[1].HTTP(t), console, "", last.id)
		return s != nil
	})
	site.Command(t, "", "client", "remove", console.Client.ID(), "--yes")
	again.ends(t) // its client may not read any more
}

// nginx starts nginx before the replicas, with the usual settings of a proxy, and returns its URL.
func nginx(t *testing.T, site *vouchsafetest.Server, replicas []*vouchsafetest.Server) string {
	t.Helper()
	d, err := testdaemon.New("nginx")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	issuer, err := url.Parse(site.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprintf("127.0.0.1:%d", d.Port)
	servers := ""
	for _, r := range replicas {
		servers += "\t\tserver " + r.Address + ";\n"
	}
	if _, err := d.WriteFile("nginx.conf", "daemon off;\nworker_processes 1;\npid nginx.pid;\nevents {}\nhttp {\n"+
		"\taccess_log off;\n\tclient_body_temp_path body;\n\tproxy_temp_path proxy;\n\tfastcgi_temp_path fastcgi;\n"+
		"\tuwsgi_temp_path uwsgi;\n\tscgi_temp_path scgi;\n\tupstream vouchsafe {\n"+servers+"\t}\n"+
		"\tserver {\n\t\tlisten "+at+";\n\t\tlocation / {\n\t\t\tproxy_pass http://vouchsafe;\n"+
		"\t\t\tproxy_set_header Host "+issuer.Host+";\n\t\t\tproxy_set_header X-Forwarded-Proto https;\n"+
		"\t\t\tproxy_set_header X-Forwarded-For $remote_addr;\n\t\t}\n\t}\n}\n"); err != nil {
		t.Fatal(err)
	}
	d.Command = []string{"/usr/sbin/nginx", "-p", d.Folder, "-c", "nginx.conf", "-e", "stderr"}
	d.Last = "TERM"
	d.Ready = func() error {
		conn, err := net.Dial("tcp", at)
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	return "http://" + at
}
