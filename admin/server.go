package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/internal/webhooks"
	"github.com/vouchsafe/vouchsafe/people/acting"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/invitations"
	"github.com/vouchsafe/vouchsafe/people/selfservice"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// Prefix is the path of the API below an issuer. The URL of both is the audience of its access tokens.
	Prefix = "/api/v1"
	// document is the path of the OpenAPI document.
	document = Prefix + "/openapi.json"
	// metadata is the path of the document that says how the API is protected (RFC 9728 section 3.1).
	metadata = issuer.ResourceMetadata + Prefix
)

// Tokens reads access tokens. Package provider implements it.
type Tokens interface {
	// Bearer returns what the access token in the request's Authorization header stands for. Its refusals are
	// web.Problems.
	Bearer(r *http.Request) (storage.Bearer, error)
	// CORS returns h with answers that scripts of the clients' registered origins may read.
	CORS(h http.Handler) http.Handler
}

// Config is what a Server is made of. All fields without "default" are required.
type Config struct {
	People selfservice.Service
	Acting *acting.Service
	// Federation tries upstream providers.
	Federation *federation.Service
	Accounts   *administration.Accounts
	Store      Store
	Secrets    *secret.Masters
	Tokens     Tokens
	// Keys are the signing keys of all tenants.
	Keys *keys.Ring
	// TestMail sends a test email of the tenant at once, and tells the lines of the conversation with the mail
	// server. Default: there is no mail server.
	TestMail func(ctx context.Context, t *issuer.Tenant, to string, tell func(line string)) error
	// Webhooks sends events to webhooks, says to which addresses, and tells of new events.
	Webhooks *webhooks.Worker
	// Issuer is the URL of the default tenant.
	Issuer string
	// Language returns the language of the mails that a request causes.
	Language func(r *http.Request) string
	// Errors shows the errors of requests that are not for the API.
	Errors web.ErrorPage
	// Counting says how statistics are counted.
	Counting administration.Counting
	// AnswerLease is how long a request with an Idempotency-Key that has changed nothing keeps others with the key from
	// being carried out. It is longer than requests take: when it ends, the server was killed. Default one minute.
	AnswerLease time.Duration
}

// Store is what the API reads, beside the use cases.
type Store interface {
	storage.Clients
	storage.Keys
	storage.APIKeys
	storage.Outbox
	storage.Webhooks
	storage.Logouts
	storage.Answers
	storage.Statistics
	storage.Tenants
	Events(ctx context.Context, tenant, before string, limit int) ([]storage.Event, error)
	EventsOf(ctx context.Context, tenant, userID, before string, limit int) ([]storage.Event, error)
	EventsAfter(ctx context.Context, tenant, after string, until time.Time, limit int) ([]storage.Event, error)
}

// Server serves the management API.
type Server struct {
	Config
	invitations *invitations.Service
	apiKeys     *apikeys.Service
	// references are the OpenAPI documents, by issuer. They are kept for good, because tenants are few.
	references sync.Map
}

// New checks the Config.
func New(c Config) (*Server, error) {
	if c.People.Service == nil || c.Acting == nil || c.Federation == nil || c.Accounts == nil || c.Store == nil ||
		c.Secrets == nil || c.Tokens == nil || c.Keys == nil ||
		c.Webhooks == nil || c.Issuer == "" || c.Language == nil || c.Errors == nil {
		return nil, errors.New("admin: a field is missing")
	}
	if c.AnswerLease == 0 {
		c.AnswerLease = time.Minute
	}
	return &Server{
		Config: c, invitations: &invitations.Service{Service: c.People.Service},
		apiKeys: &apikeys.Service{Service: c.People.Service, Keys: c.Store},
	}, nil
}

// ErrorPage writes an error: as JSON for requests to the API, and by Errors for all others.
func (s *Server) ErrorPage(w http.ResponseWriter, r *http.Request, p *web.Problem) {
	if strings.HasPrefix(web.PathBelowTenant(r), Prefix+"/") {
		s.fail(w, r, p)
		return
	}
	s.Errors(w, r, p)
}
