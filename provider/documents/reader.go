package documents

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Reader finds clients, and reads the documents of those that are named by a URL. All exported fields are required.
type Reader struct {
	Store   Store
	Clients *oauth.Clients
	Fetcher *Fetcher
	Limits  *limit.Limiter

	flight singleflight.Group
	mu     sync.Mutex
	failed map[string]failure // of documents that were never read
}

// Store is what the package asks of storage.
type Store interface {
	Client(ctx context.Context, tenant, id string) (storage.Client, error)
	SaveClient(ctx context.Context, c storage.Client, was *storage.Client, events ...storage.Event) error
	NoteOutside(ctx context.Context, tenant, id string, was, now storage.Outside) error
}

const (
	// staleFor is how long after it was read a document is used whose host fails.
	staleFor = 48 * time.Hour
	// pause is how long a document is not asked for after its host failed.
	pause = time.Minute
	// maxFailed bounds how many failures are remembered.
	maxFailed = 1000
)

// How many documents are fetched for a browser, and for a tenant.
var (
	perAddress = limit.Rule{Name: "document", Max: 30, Window: 10 * time.Minute}
	perTenant  = limit.Rule{Name: "document-tenant", Max: 600, Window: 10 * time.Minute}
)

// Client returns an enabled client of the tenant, as oauth.Clients does. The document of a client by URL is read first
// if that is due. Its errors are storage.ErrNotFound, a web.Problem, or those of storage.
func (r *Reader) Client(ctx context.Context, t *issuer.Tenant, id string) (*storage.Client, error) {
	c, err := r.Clients.Enabled(ctx, t.ID, id)
	switch {
	case err == nil && !isDue(c, time.Now()):
		return c, nil
	case err != nil && (!errors.Is(err, storage.ErrNotFound) || !clients.IsURL(id) || !clients.AdmitsURL(&t.Tenant, id)):
		return nil, err
	}
	if fault := clients.URLFault(id); fault != "" {
		return nil, refusal("The client_id "+fault+".", nil)
	}
	// All who wait share the fetch, so that it must not end when the first of them goes away.
	done := r.flight.DoChan(t.ID+"\x00"+id, func() (any, error) {
		return r.read(context.WithoutCancel(ctx), t, id)
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case got := <-done:
		if got.Err != nil {
			return nil, got.Err
		}
		return got.Val.(*storage.Client), nil
	}
}

// isDue reports whether the client has a document that is to be read again: its time is over, or a clock was ahead when
// it was read.
func isDue(c *storage.Client, now time.Time) bool {
	return c.Outside != nil && c.Outside.Origin == storage.OriginDocument &&
		(!now.Before(c.Outside.FreshUntil) || storage.Ahead(c.Outside.ReadAt, now))
}

// read reads the document and stores what it says, unless another replica just has.
func (r *Reader) read(ctx context.Context, t *issuer.Tenant, id string) (*storage.Client, error) {
	now := time.Now()
	was, err := r.Store.Client(ctx, t.ID, id)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return r.readFirst(ctx, t, id, now)
	case err != nil:
		return nil, err
	case was.Disabled || was.Outside == nil || !clients.Admits(&t.Tenant, &was):
		return nil, storage.ErrNotFound
	case !isDue(&was, now):
		return r.Clients.Fresh(ctx, t.ID, id)
	case was.Outside.Fault != "" && storage.Within(was.Outside.AskedAt, now, pause), r.admit(ctx, t.ID) > 0:
		return r.stale(ctx, &was, now)
	}
	c, fresh, err := r.fetch(ctx, id)
	if err == nil {
		c, err = merged(was, c)
	}
	known := *was.Outside
	known.AskedAt = now
	if err != nil {
		_, known.Broken = errors.AsType[clients.Fault](err)
		known.Fault = brief(err)
		if err := r.Store.NoteOutside(ctx, t.ID, id, *was.Outside, known); err != nil {
			return nil, err
		}
		was.Outside = &known
		return r.stale(ctx, &was, now)
	}
	known.ReadAt, known.FreshUntil, known.Fault, known.Broken = now, now.Add(fresh), "", false
	if len(clients.Compare(was, c)) == 0 {
		err = r.Store.NoteOutside(ctx, t.ID, id, *was.Outside, known)
	} else {
		c.Outside, c.UpdatedAt = &known, now
		err = r.Store.SaveClient(ctx, c, &was, event(ctx, &c, storage.EventClientChanged))
	}
	if err != nil && !errors.Is(err, storage.ErrStale) { // another replica, or an administrator, was faster
		return nil, err
	}
	return r.Clients.Fresh(ctx, t.ID, id)
}

// readFirst is read for a document that was never read.
func (r *Reader) readFirst(ctx context.Context, t *issuer.Tenant, id string, now time.Time) (*storage.Client, error) {
	if err := r.failure(t.ID+"\x00"+id, now); err != nil {
		return nil, err
	}
	if wait := r.admit(ctx, t.ID); wait > 0 {
		return nil, &web.Problem{Status: http.StatusTooManyRequests, Code: "temporarily_unavailable",
			Message: "problem.client_later", RetryAfter: wait,
			Developer: "Too many metadata documents of clients were asked for. Wait a while."}
	}
	c, fresh, err := r.fetch(ctx, id)
	if err != nil {
		text := "The metadata document of the client could not be read."
		if fault, ok := errors.AsType[clients.Fault](err); ok {
			text = "The metadata document of the client is wrong: " + fault.Error() + "."
		}
		err = refusal(text, err)
		r.remember(t.ID+"\x00"+id, now, err)
		return nil, err
	}
	c.TenantID, c.CreatedAt, c.UpdatedAt = t.ID, now, now
	c.Outside = &storage.Outside{Origin: storage.OriginDocument, ReadAt: now, FreshUntil: now.Add(fresh), AskedAt: now}
	err = r.Store.SaveClient(ctx, c, nil, event(ctx, &c, storage.EventClientAdded))
	if err != nil && !errors.Is(err, storage.ErrExists) {
		return nil, err
	}
	return r.Clients.Fresh(ctx, t.ID, id)
}

// fetch reads a document.
func (r *Reader) fetch(ctx context.Context, id string) (c storage.Client, fresh time.Duration, err error) {
	text, fresh, err := r.Fetcher.fetch(ctx, id)
	if err != nil {
		return c, 0, err
	}
	if c, err = clients.ReadDocument(id, text); err == nil {
		err = r.Fetcher.CheckSector(ctx, &c)
	}
	return c, fresh, err
}

// stale returns a client whose document can't be read now, if it was read not long ago.
func (r *Reader) stale(ctx context.Context, c *storage.Client, now time.Time) (*storage.Client, error) {
	if c.Outside.Broken || !storage.Within(c.Outside.ReadAt, now, staleFor) {
		return nil, refusal("The metadata document of the client can't be read any more, or is wrong. An administrator "+
			"finds the reason in the list of clients.", errors.New(c.Outside.Fault))
	}
	return r.Clients.Fresh(ctx, c.TenantID, c.ClientID)
}

// admit counts a fetch. It returns how long to wait if there were too many, or 0.
func (r *Reader) admit(ctx context.Context, tenant string) time.Duration {
	ip := web.RequestOf(ctx).IP
	by := append(limit.Networks(ip, perAddress, limit.Stays), limit.By{Rule: perTenant})
	_, wait, ok := r.Limits.Admit(ctx, tenant, ip, by...)
	if ok {
		return 0
	}
	return max(wait, time.Second)
}

// merged returns the stored client with what its document says. What an administrator has set beside it stays.
func merged(was, doc storage.Client) (storage.Client, error) {
	c := clients.Restated(was, doc)
	c.SchemesWithoutDot = doc.SchemesWithoutDot
	demand(&c, &doc)
	return c, clients.Follow(&was, &c)
}

// demand adds what the document demands of the client's requests and tokens. It takes nothing back: an administrator
// may have demanded it.
func demand(c, doc *storage.Client) {
	c.RequirePushedAuthorizationRequests = c.RequirePushedAuthorizationRequests || doc.RequirePushedAuthorizationRequests
	c.DPoP = cmp.Or(doc.DPoP, c.DPoP)
	c.RequireSignedRequestObject = c.RequireSignedRequestObject || doc.RequireSignedRequestObject
	c.RequestObjectSigningAlg = cmp.Or(doc.RequestObjectSigningAlg, c.RequestObjectSigningAlg)
}

// event returns what happened to the client. Its document is who did it.
func event(ctx context.Context, c *storage.Client, kind string) storage.Event {
	return oauth.Event(ctx, storage.Event{TenantID: c.TenantID, Kind: kind, Actor: c.ClientID, ClientID: c.ClientID,
		Detail: map[string]string{"origin": storage.OriginDocument}})
}

// refusal is the problem of a client that can't be used because of its document.
func refusal(developer string, cause error) error {
	return &web.Problem{Status: http.StatusBadRequest, Code: "invalid_client", Title: "problem.bad_request.title",
		Message: "problem.client_document", Developer: developer, Err: cause}
}

// brief returns an error as administrators see it.
func brief(err error) string {
	text := strconv.QuoteToASCII(err.Error())
	return text[1:min(len(text)-1, 200)]
}

// failure is why a document could not be read, and when that was.
type failure struct {
	at  time.Time
	err error
}

// failure returns why a document could not be read a moment ago, or nil.
func (r *Reader) failure(key string, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f, ok := r.failed[key]; ok && storage.Within(f.at, now, pause/6) {
		return f.err
	}
	return nil
}

// remember remembers for a moment that a document could not be read.
func (r *Reader) remember(key string, now time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil || len(r.failed) >= maxFailed {
		r.failed = map[string]failure{}
	}
	r.failed[key] = failure{now, err}
}
