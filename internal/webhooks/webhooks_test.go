package webhooks

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// received is a request that a receiver got.
type received struct {
	id, timestamp, signature string
	body                     []byte
	Body
}

// receiver is a webhook's server.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []received
	answer func(w http.ResponseWriter, r received)
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		one := received{id: q.Header.Get("Webhook-Id"), timestamp: q.Header.Get("Webhook-Timestamp"),
			signature: q.Header.Get("Webhook-Signature"), body: body}
		_ = json.Unmarshal(body, &one.Body)
		r.mu.Lock()
		r.got = append(r.got, one)
		answer := r.answer
		r.mu.Unlock()
		if answer != nil {
			answer(w, one)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// all returns what it got.
func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.got...)
}

// bench is a store with a worker for each replica.
type bench struct {
	*testing.T
	store   *sqldb.Store
	secrets *secret.Masters
}

func newBench(t *testing.T) *bench {
	t.Helper()
	store, err := sqldb.Open(t.Context(), "sqlite::memory:")
	if err == nil {
		err = store.Migrate(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	m, err := secret.Parse(strings.Repeat("a secret of a test ", 3))
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t, store, m}
}

// sender returns one that may reach this machine.
func (b *bench) sender() *Sender { return NewSender(b.secrets, outbound.Config{AllowPrivate: true}) }

// hook adds a webhook, and returns it with its secret.
func (b *bench) hook(url string) (storage.Webhook, string) {
	b.Helper()
	now := time.Now()
	w := storage.Webhook{TenantID: storage.DefaultTenant, ID: uuid.NewString(), URL: url, CreatedAt: now, UpdatedAt: now}
	shown, err := Rotate(b.secrets, &w, now)
	if err == nil {
		err = b.store.AddWebhook(b.Context(), w)
	}
	if err != nil {
		b.Fatal(err)
	}
	return w, shown
}

// run starts so many replicas until the test ends.
func (b *bench) run(replicas int) {
	for range replicas {
		b.start(&Worker{Store: b.store, Sender: b.sender(), Log: slog.New(slog.NewTextHandler(b.Output(), nil))})
	}
}

// start runs a worker until the test ends.
func (b *bench) start(w *Worker) {
	ctx, end := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	wg.Go(func() { w.Run(ctx) })
	b.Cleanup(func() {
		end()
		wg.Wait()
	})
}

// happens records an event.
func (b *bench) happens(kind, user string) storage.Event {
	b.Helper()
	e := audit.Actor("cli")(storage.Event{TenantID: storage.DefaultTenant, Kind: kind, UserID: user})
	if err := b.store.Record(b.Context(), e); err != nil {
		b.Fatal(err)
	}
	return e
}

// until waits for a condition.
func (b *bench) until(what string, is func() bool) {
	b.Helper()
	for began := time.Now(); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			b.Fatalf("waited a minute: %s", what)
		}
	}
}

// signed reports whether one of the signatures is the secret's.
func signed(r received, shown string) bool {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(shown, Beginning))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(r.id + "." + r.timestamp + "." + string(r.body)))
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for s := range strings.FieldsSeq(r.signature) {
		if s == want {
			return true
		}
	}
	return false
}

// signedBy reports whether one of the signatures is that of a public key (v1a).
func signedBy(r received, public string) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(public, PublicBeginning))
	for s := range strings.FieldsSeq(r.signature) {
		text, ok := strings.CutPrefix(s, "v1a,")
		signature, bad := base64.StdEncoding.DecodeString(text)
		if ok && errors.Join(err, bad) == nil &&
			ed25519.Verify(key, []byte(r.id+"."+r.timestamp+"."+string(r.body)), signature) {
			return true
		}
	}
	return false
}

func TestEventsAreSentSignedOnceAndInOrder(t *testing.T) {
	t.Parallel()
	b, r := newBench(t), newReceiver(t)
	_, shown := b.hook(r.URL)
	var want []string
	for range 5 {
		want = append(want, b.happens(storage.EventLoginSucceeded, "jo").ID)
		b.happens(storage.EventLoginSucceeded, "kim")
	}
	b.run(2)
	b.until("ten events", func() bool { return len(r.all()) >= 10 })
	time.Sleep(2 * look) // for what would be sent twice
	var got []string
	for _, one := range r.all() {
		if !signed(one, shown) || one.id != one.ID || one.Type != storage.EventLoginSucceeded {
			t.Errorf("got %+v, want it signed, with the id of the event", one)
		}
		if one.Data.Subject == "jo" {
			got = append(got, one.id)
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") || len(r.all()) != 10 {
		t.Errorf("got %d, and of jo %v, want ten and %v", len(r.all()), got, want)
	}
}

// TestAChangeThatFailsTellsNothing: listeners of other products were told of changes that were rolled back
// (keycloak/keycloak#33194, SnuK87/keycloak-kafka#69, p2-inc/keycloak-events#1).
func TestAChangeThatFailsTellsNothing(t *testing.T) {
	t.Parallel()
	b, r := newBench(t), newReceiver(t)
	b.hook(r.URL)
	b.run(1)
	add := func(user string) (string, error) {
		u := storage.User{TenantID: storage.DefaultTenant, ID: user, EmailKey: "jo@example.com", CredentialVersion: 1}
		e := audit.Actor("cli")(storage.Event{TenantID: u.TenantID, Kind: storage.EventUserAdded, UserID: u.ID})
		return e.ID, b.store.Apply(t.Context(), storage.Change{TenantID: u.TenantID, UserID: u.ID, Now: time.Now(), Add: &u,
			Events: []storage.Event{e}})
	}
	first, err := add("jo")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := add("other"); !errors.Is(err, storage.ErrExists) {
		t.Fatalf("got %v, want the address taken", err)
	}
	last := b.happens(storage.EventUserDisabled, "jo").ID
	b.until("the last event", func() bool { return len(r.all()) >= 2 })
	if got := r.all(); len(got) != 2 || got[0].id != first || got[1].id != last {
		t.Errorf("got %+v, want the first and the last event", got)
	}
}

func TestAFailureIsTriedAgainBeforeTheNextOfTheUser(t *testing.T) {
	t.Parallel()
	b, r := newBench(t), newReceiver(t)
	first := true
	r.answer = func(w http.ResponseWriter, _ received) {
		if first {
			w.WriteHeader(http.StatusInternalServerError)
		}
		first = false
	}
	h, shown := b.hook(r.URL)
	one, two := b.happens(storage.EventUserAdded, "jo").ID, b.happens(storage.EventLoginSucceeded, "jo").ID
	b.run(1)
	b.until("three attempts", func() bool { return len(r.all()) == 3 })
	got := r.all()
	if got[0].id != one || got[1].id != one || got[2].id != two || !bytes.Equal(got[0].body, got[1].body) {
		t.Errorf("got %s, %s and %s, want the first twice, and then the second", got[0].id, got[1].id, got[2].id)
	}
	// Each attempt is signed anew (reapit/foundations#11108), with the time of its own, which receivers check.
	for i, one := range got {
		sent, err := strconv.ParseInt(one.timestamp, 10, 64)
		if err != nil || !signed(one, shown) || time.Since(time.Unix(sent, 0)) > time.Minute ||
			i == 1 && one.timestamp == got[0].timestamp {
			t.Errorf("attempt %d: signed %v, with the time %s", i, signed(one, shown), one.timestamp)
		}
	}
	b.until("no failure", func() bool {
		w, err := b.store.Webhook(t.Context(), h.TenantID, h.ID)
		return err == nil && w.FailingSince.IsZero()
	})
}

func TestAReceiverThatHangsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	b, hangs, good := newBench(t), newReceiver(t), newReceiver(t)
	free := make(chan struct{})
	hangs.answer = func(http.ResponseWriter, received) { <-free }
	b.hook(hangs.URL)
	b.hook(good.URL)
	for range 20 {
		b.happens(storage.EventLoginSucceeded, uuid.NewString())
	}
	b.run(1)
	defer close(free)
	began := time.Now()
	b.until("what the other is sent", func() bool { return len(good.all()) == 20 })
	if took := time.Since(began); took > Timeout {
		t.Errorf("the other waited for %v", took)
	}
	if n := len(hangs.all()); n > atOnce {
		t.Errorf("got %d requests at once, want at most %d", n, atOnce)
	}
}

// TestAStopWaitsForNoReceiver: an attempt under way is given up when the server stops, and made again at once by the
// next one. It says nothing about the receiver.
func TestAStopWaitsForNoReceiver(t *testing.T) {
	t.Parallel()
	b, hangs := newBench(t), newReceiver(t)
	free := make(chan struct{})
	var once sync.Once
	open := func() { once.Do(func() { close(free) }) }
	defer open()
	hangs.answer = func(http.ResponseWriter, received) { <-free }
	h, _ := b.hook(hangs.URL)
	e := b.happens(storage.EventLoginSucceeded, uuid.NewString())
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan struct{})
	worker := &Worker{Store: b.store, Sender: b.sender(), Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	go func() { worker.Run(ctx); close(ended) }()
	b.until("the attempt", func() bool { return len(hangs.all()) == 1 })
	began := time.Now()
	stop()
	<-ended
	if took := time.Since(began); took > Timeout/2 {
		t.Errorf("the stop took %v", took)
	}
	if got, err := b.store.Webhook(t.Context(), h.TenantID, h.ID); err != nil || !got.FailingSince.IsZero() {
		t.Errorf("the webhook fails since %v, %v: the receiver has done nothing wrong", got.FailingSince, err)
	}
	open()
	b.run(1)
	b.until("the next attempt", func() bool { return len(hangs.all()) == 2 })
	if took := time.Since(began); took > lease {
		t.Errorf("the next attempt came %v later: the event waited for the end of its lease", took)
	}
	if again := hangs.all()[1]; again.id != e.ID {
		t.Errorf("got the event %s, want %s again", again.id, e.ID)
	}
}

// TestAnAnswerIsKeptWithoutHarm follows no redirect, as others did (formbricks/formbricks#7877).
func TestAnAnswerIsKeptWithoutHarm(t *testing.T) {
	t.Parallel()
	b, r := newBench(t), newReceiver(t)
	h, _ := b.hook(r.URL)
	inner := newReceiver(t)
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, _ received)
		want   func(Result) bool
	}{
		"10 MB": {func(w http.ResponseWriter, _ received) { _, _ = w.Write(make([]byte, 10<<20)) },
			func(got Result) bool { return got.Accepted() && len(got.Answer) <= shown }},
		"escapes": {func(w http.ResponseWriter, _ received) { _, _ = io.WriteString(w, "\x1b]0;owned\x07") },
			func(got Result) bool { return got.Answer == " ]0;owned " }},
		"a redirect": {func(w http.ResponseWriter, _ received) {
			w.Header().Set("Location", inner.URL)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, func(got Result) bool { return !got.Accepted() && got.Status != 0 && len(inner.all()) == 0 }},
	} {
		r.mu.Lock()
		r.answer = c.answer
		r.mu.Unlock()
		if got := b.sender().Test(t.Context(), h); !c.want(got) {
			t.Errorf("%s: got %d, %d bytes: %.50q", name, got.Status, len(got.Answer), got.Answer)
		}
	}
	if got := NewSender(b.secrets, outbound.Config{}).Test(t.Context(), h); got.Status != 0 || got.Accepted() {
		t.Errorf("got %+v, want an inner address refused", got)
	}
}

// TestANameIsCheckedWhenItIsDialled has a name that leads to a public address at first, and to this machine whenever it
// is looked up again (DNS rebinding, as in OneUptime/oneuptime#3096 and Priyanshu-byte-coder/devtrack#2564).
func TestANameIsCheckedWhenItIsDialled(t *testing.T) {
	t.Parallel()
	b, inner := newBench(t), newReceiver(t)
	port := inner.URL[strings.LastIndex(inner.URL, ":"):]
	h, _ := b.hook("https://rebinds.example" + port)
	var asked atomic.Int64
	names := newNames(t, func() net.IP {
		if asked.Add(1) == 1 {
			return net.IPv4(192, 88, 99, 1)
		}
		return net.IPv4(127, 0, 0, 1)
	})
	s := NewSender(b.secrets, outbound.Config{Resolver: names, Timeout: 10 * time.Second})
	for range 2 {
		got := s.Test(t.Context(), h)
		if got.Accepted() || got.Status != 0 || !strings.Contains(got.Answer, outbound.ErrNotPublic.Error()) {
			t.Errorf("got %+v, want the address refused", got)
		}
	}
	if asked.Load() < 2 || len(inner.all()) > 0 {
		t.Errorf("the name was looked up %d times, and the inner server got %d requests", asked.Load(), len(inner.all()))
	}
}

// newNames returns a resolver that asks a server on this machine, whose answer is the IPv4 address.
func newNames(t *testing.T, answer func() net.IP) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		for packet := make([]byte, 512); ; {
			n, from, err := server.ReadFrom(packet)
			if err != nil {
				return
			}
			var asked dnsmessage.Message
			if asked.Unpack(packet[:n]) != nil || len(asked.Questions) != 1 {
				continue
			}
			q := asked.Questions[0]
			reply := dnsmessage.Message{Header: dnsmessage.Header{ID: asked.ID, Response: true, RecursionAvailable: true},
				Questions: asked.Questions}
			if q.Type == dnsmessage.TypeA {
				reply.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class},
					Body:   &dnsmessage.AResource{A: [4]byte(answer().To4())}}}
			}
			if packed, err := reply.Pack(); err == nil {
				_, _ = server.WriteTo(packed, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

// TestAWorkerWithoutWebhooksRests counts what it asks of the database. A webhook that is added wakes it.
func TestAWorkerWithoutWebhooksRests(t *testing.T) {
	t.Parallel()
	b, r := newBench(t), newReceiver(t)
	w := &Worker{Store: b.store, Sender: b.sender(), Log: slog.New(slog.DiscardHandler)}
	b.start(w)
	b.until("the first look", func() bool { return b.store.Statements() > 0 })
	time.Sleep(100 * time.Millisecond)
	before := b.store.Statements()
	time.Sleep(3 * look)
	if n := b.store.Statements() - before; n > 2 {
		t.Errorf("got %d statements in %v, want 2 at most", n, 3*look)
	}
	h, _ := b.hook(r.URL)
	w.Wake()
	moved := w.Moved(h.TenantID)
	b.happens(storage.EventLoginSucceeded, "jo")
	began := time.Now()
	b.until("the event", func() bool { return len(r.all()) == 1 })
	select {
	case <-moved:
	case <-time.After(time.Minute):
		t.Error("it does not tell that there are events")
	}
	t.Logf("sent after %v", time.Since(began))
}

func TestAReceiverThatIsGoneIsDisabled(t *testing.T) {
	t.Parallel()
	b, r := newBench(t), newReceiver(t)
	r.answer = func(w http.ResponseWriter, _ received) { w.WriteHeader(http.StatusGone) }
	h, _ := b.hook(r.URL)
	b.happens(storage.EventLoginSucceeded, "jo")
	b.run(1)
	b.until("disabled", func() bool {
		w, err := b.store.Webhook(t.Context(), h.TenantID, h.ID)
		return err == nil && w.Disabled
	})
	events, err := b.store.Events(t.Context(), h.TenantID, "", 1)
	if err != nil || len(events) != 1 || events[0].Kind != storage.EventWebhookChanged {
		t.Errorf("got %+v, %v, want an event that says so", events, err)
	}
}

func TestTwoSecretsSignWhileOneRotates(t *testing.T) {
	t.Parallel()
	b, r := newBench(t), newReceiver(t)
	h, first := b.hook(r.URL)
	now := time.Now()
	second, err := Rotate(b.secrets, &h, now)
	if err != nil {
		t.Fatal(err)
	}
	b.sender().Test(t.Context(), h)
	if got := r.all()[0]; !signed(got, first) || !signed(got, second) {
		t.Error("want the signatures of both secrets")
	}
	third, err := Rotate(b.secrets, &h, now)
	if err != nil {
		t.Fatal(err)
	}
	b.sender().Test(t.Context(), h)
	if got := r.all()[1]; signed(got, first) || !signed(got, second) || !signed(got, third) {
		t.Error("want the signatures of the last two secrets")
	}
	public, err := PublicKeys(b.secrets, h, now)
	if err != nil || len(public) != 2 || !signedBy(r.all()[1], public[0]) || !signedBy(r.all()[1], public[1]) ||
		signedBy(r.all()[0], public[0]) {
		t.Errorf("got the public keys %v, %v, want the two that sign", public, err)
	}
	keys, err := openKeys(b.secrets, h)
	if err != nil {
		t.Fatal(err)
	}
	if got := sign(keys, "id", now.Add(2*Overlap), nil); strings.Count(got, "v1,") != 1 {
		t.Errorf("got %q, want one signature after a day", got)
	}
}
