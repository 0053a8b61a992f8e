package admin_test

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/admin"
	"github.com/vouchsafe/vouchsafe/internal/contracttest"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// documented is the OpenAPI document as any reader gets it.
var documented = sync.OnceValue(func() *contracttest.Document {
	d, err := contracttest.Read(admin.Reference(""))
	if err != nil {
		panic(err)
	}
	return d
})

// described fails the test if the document has not the answer to a request: its status, its type, or its body.
// Paths that are no path of the document are not looked at.
func described(t testing.TB, method, path string, got *reply) {
	t.Helper()
	op, ok := documented().Find(method, admin.Prefix+path)
	if !ok {
		return
	}
	for _, fault := range documented().Judge(op, contracttest.Answer{Status: got.status, Header: got.header,
		Body: got.raw}) {
		t.Errorf("%s %s: got %d, which is not as described: %s\n%s", method, path, got.status, fault, got.raw)
	}
}

// TestTheDocumentIsGoodForGenerators: no operation lacks an answer or its content, has a parameter twice or not at all,
// or answers what programs made from the document could not read any more after an addition.
func TestTheDocumentIsGoodForGenerators(t *testing.T) {
	t.Parallel()
	for _, fault := range documented().Faults() {
		t.Error(fault)
	}
}

// TestEveryOperationKeepsToTheDocument sends to every operation requests that are made from the document, at random
// but the same ones every time, right ones and wrong ones. Each gets an answer that the document has, none is a
// failure of the server, and what breaks the document is refused. Most operations succeed for some of their requests.
func TestEveryOperationKeepsToTheDocument(t *testing.T) {
	t.Parallel()
	s := start(t, "sqlite::memory:")
	done := map[string]bool{}
	for _, op := range documented().Operations() {
		if op.ID == "testUpstream" { // it would ask a provider on the net
			continue
		}
		tenant := "acme"
		if strings.HasPrefix(op.Scopes()[0], "tenants:") {
			tenant = ""
		}
		p := &prober{api: s.owner(tenant), op: op, maker: contracttest.Maker{
			Document: documented(), Rand: rand.New(rand.NewPCG(1, uint64(len(op.ID)))),
		}}
		p.furnish()
		for range 16 {
			if p.try() < 300 {
				done[op.ID] = true
			}
		}
	}
	if all := len(documented().Operations()); len(done) < all*3/4 {
		t.Errorf("requests to %d of %d operations have succeeded: was anything tried?", len(done), all)
	}
}

// owner returns the API of the tenant for a new owner.
func (s *server) owner(tenant string) *api {
	s.Helper()
	t := s.tenant(tenant)
	id := s.add(t, storage.User{AdminRole: storage.RoleOwner})
	return &api{s, t, s.userToken(t, id, administration.Scopes, t.URL(admin.Prefix))}
}

// prober sends requests to an operation.
type prober struct {
	*api
	op    contracttest.Operation
	maker contracttest.Maker
}

// furnish makes things that the requests can be about.
func (p *prober) furnish() {
	name := "n-" + uuid.NewString()[:8]
	if p.tenant.ID == storage.DefaultTenant { // it is without a record here
		p.do("PUT", "/tenants/"+name, fields{"name": "A tenant"}).is(201)
		p.maker.Known = map[string][]string{"tenant": {name}, "If-Match": {"*"}, "name": {"North"}}
		return
	}
	user := p.furnishAs(p.tenant.ID, "g/1 "+name)
	p.do("PUT", "/groups/"+name, fields{"title": "A group"}).is(200)
	p.do("PUT", "/groups/"+name+"/members/"+user, nil).is(204)
	p.do("PUT", "/clients/"+name, fields{"client_name": "A", "redirect_uris": []string{"https://a.example/"}}).is(201)
	secret := p.do("POST", "/clients/"+name+"/secrets", nil).is(201).text("id")
	p.do("PUT", "/clients/"+name+"/roles/"+name, fields{"title": "A role"}).is(200)
	p.do("PUT", "/clients/"+name+"/roles/"+name+"/groups/"+name, nil).is(204)
	identifier := "https://" + name + ".example"
	p.do("PATCH", "/tenant", fields{"claims": nil, "apis": []fields{{"identifier": identifier}}, "upstreams": []fields{
		{"id": name, "preset": "google", "client_id": "me", "client_secret": "s"}}}).is(200)
	p.do("PUT", "/apis/"+url.PathEscape(identifier)+"/roles/"+name, fields{"title": "A role"}).is(200)
	invited := p.do("POST", "/invitations", fields{"email": "known-" + name + "@example.com"}).is(201).text("id")
	p.maker.Known = map[string][]string{
		"webhook": {p.webhook()}, "invitation": {invited},
		"user": {user}, "user_id": {user}, "group": {name}, "client": {name, "shop"}, "owner": {name, identifier},
		"role": {name}, "holder": {user, name}, "session": {"s-" + user}, "grant": {"g-" + user}, "passkey": {"key"},
		"provider": {"google"}, "subject": {"g/1 " + name}, "secret": {secret}, "tenant": {name}, "mail": {p.deadMail(name)},
		"api": {identifier}, "identifier": {identifier}, "upstream": {name}, "kind": {"user.created"},
		"kid": {p.nextKey()}, "email": {name + "@example.com", "new-" + name + "@example.com"}, "to": {name + "@example.com"},
		"username": {name}, "id": {uuid.NewString(), name}, "client_id": {name, "c-" + name, "d-" + name, "e-" + name},
		"preset":        {"google"},
		"redirect_uris": {"https://a.example/callback"}, "host": {name + ".example.com"}, "scope": {"openid profile"},
		"phone_number": {"+431234567"}, "password": {"a fine sentence of words"}, "require": {"never", "always"},
		"mode": {"open", "invitation"}, "If-Match": {"*"}, "Idempotency-Key": {name},
	}
}

// nextKey returns the id of a key that signs nothing yet.
func (p *prober) nextKey() string {
	p.Helper()
	if p.op.ID != "removeKey" {
		return "none"
	}
	for _, k := range p.do("POST", "/keys:rotate", fields{"alg": "ES256"}).is(200).items() {
		if k["state"] == "next" {
			return k["kid"].(string)
		}
	}
	p.Fatal("there is no next key")
	return ""
}

// webhook returns the id of a webhook for operations that send it nothing: a tenant has few.
func (p *prober) webhook() string {
	p.Helper()
	if !strings.Contains(p.op.ID, "Webhook") || p.op.ID == "testWebhook" {
		return "none"
	}
	return p.do("POST", "/webhooks", fields{"url": "https://hook.example/"}).is(201).text("id")
}

// deadMail returns the id of a message that was given up.
func (p *prober) deadMail(name string) string {
	p.Helper()
	p.do("POST", "/invitations", fields{"email": name + "@invited.example"}).is(201)
	now := time.Now().Add(time.Second)
	claimed, err := p.store.ClaimDeliveries(p.Context(), now, now.Add(time.Hour), 1)
	check(p, err)
	check(p, p.store.DeliveryFailed(p.Context(), claimed[0], now, now, "550 no such mailbox"))
	return claimed[0].ID
}

// try sends a request, and returns the status of the answer.
func (p *prober) try() int {
	p.Helper()
	made := p.maker.Request(p.op)
	r := httptest.NewRequest(p.op.Method, p.tenant.URL("")+made.Path, strings.NewReader(made.Body))
	r.Header.Set("Authorization", "Bearer "+p.token)
	if made.Type != "" {
		r.Header.Set("Content-Type", made.Type)
	}
	for name, value := range made.Header {
		r.Header.Set(name, value)
	}
	got := p.answer(r)
	described(p, p.op.Method, strings.TrimPrefix(made.Path, admin.Prefix), got)
	switch {
	case got.status >= 500:
		p.Errorf("%s %s with %s: got %d %s", p.op.Method, made.Path, made.Body, got.status, got.raw)
	case got.status < 300 && len(made.Wrong) > 0:
		p.Errorf("%s %s with %s: got %d, although %v", p.op.Method, made.Path, made.Body, got.status, made.Wrong)
	case got.status == http.StatusUnauthorized: // the key that signed the token may have been removed
		*p.api = *p.owner(p.tenant.ID)
	}
	if next, ok := got.body["next"].(string); ok {
		p.maker.Known["after"] = []string{next}
	}
	if tag := got.header.Get("ETag"); tag != "" && !slices.Contains(p.maker.Known["If-Match"], tag) {
		p.maker.Known["If-Match"] = append(p.maker.Known["If-Match"], tag)
	}
	return got.status
}
