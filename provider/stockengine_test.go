package provider

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/handler/openid"
	fositestorage "github.com/ory/fosite/storage"
	"github.com/ory/fosite/token/jwt"
	"golang.org/x/crypto/bcrypt"
)

// stockEngine is fosite as its own documentation puts it together: composed of its handlers, its
// strategies, its writers and its store.
type stockEngine struct {
	fosite   fosite.OAuth2Provider
	store    *stockStore
	strategy *compose.CommonStrategy
	config   *fosite.Config
	key      *rsa.PrivateKey
	authTime time.Time
}

// stockStore counts what is written to fosite's store, and can fail.
type stockStore struct {
	*fositestorage.MemoryStore
	wrote int
	down  atomic.Bool
}

var errStockDown = errors.New("the store is down")

func (s *stockStore) CreateAuthorizeCodeSession(ctx context.Context, code string, r fosite.Requester) error {
	s.wrote++
	return s.MemoryStore.CreateAuthorizeCodeSession(ctx, code, r)
}

func (s *stockStore) CreateOpenIDConnectSession(ctx context.Context, code string, r fosite.Requester) error {
	s.wrote++
	return s.MemoryStore.CreateOpenIDConnectSession(ctx, code, r)
}

func (s *stockStore) CreatePKCERequestSession(ctx context.Context, code string, r fosite.Requester) error {
	s.wrote++
	return s.MemoryStore.CreatePKCERequestSession(ctx, code, r)
}

func (s *stockStore) CreateAccessTokenSession(ctx context.Context, signature string, r fosite.Requester) error {
	s.wrote++
	return s.MemoryStore.CreateAccessTokenSession(ctx, signature, r)
}

func (s *stockStore) GetAccessTokenSession(
	ctx context.Context, signature string, sess fosite.Session,
) (fosite.Requester, error) {
	if s.down.Load() {
		return nil, errStockDown
	}
	return s.MemoryStore.GetAccessTokenSession(ctx, signature, sess)
}

func (s *stockStore) GetRefreshTokenSession(
	ctx context.Context, signature string, sess fosite.Session,
) (fosite.Requester, error) {
	if s.down.Load() {
		return nil, errStockDown
	}
	return s.MemoryStore.GetRefreshTokenSession(ctx, signature, sess)
}

// startStock makes fosite of its own parts. stateless has it introspect tokens by their signature.
func startStock(t testing.TB, stateless bool) *stockEngine {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(stockSecret), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	s := &stockEngine{
		key: key, authTime: time.Now().Add(-time.Minute).UTC(),
		store: &stockStore{MemoryStore: fositestorage.NewMemoryStore()},
	}
	all := []string{"authorization_code", "refresh_token", "client_credentials", "implicit"}
	for id, method := range engineClients {
		redirect := testRedirect
		if id == "native" {
			redirect = nativeRedirect
		}
		s.store.Clients[id] = &fosite.DefaultOpenIDConnectClient{
			DefaultClient: &fosite.DefaultClient{
				ID: id, Secret: hash, RedirectURIs: []string{redirect}, GrantTypes: all, Public: method == "none",
				ResponseTypes: []string{"code", "token", "code id_token"},
				Scopes:        []string{"openid", "profile", "offline_access", "api"},
			},
			TokenEndpointAuthMethod: method, JSONWebKeys: &jose.JSONWebKeySet{},
		}
	}
	s.config = &fosite.Config{
		GlobalSecret: []byte("thirty-two bytes of global secret"), RefreshTokenScopes: []string{"offline_access"},
		IDTokenIssuer: testIssuer, AccessTokenIssuer: testIssuer, ScopeStrategy: fosite.ExactScopeStrategy,
	}
	getKey := func(context.Context) (any, error) { return key, nil }
	s.strategy = &compose.CommonStrategy{
		CoreStrategy:               compose.NewOAuth2HMACStrategy(s.config),
		OpenIDConnectTokenStrategy: compose.NewOpenIDConnectStrategy(getKey, s.config),
		Signer:                     &jwt.DefaultSigner{GetPrivateKey: getKey},
	}
	introspection := compose.OAuth2TokenIntrospectionFactory
	if stateless {
		introspection = compose.OAuth2StatelessJWTIntrospectionFactory
	}
	s.fosite = compose.Compose(s.config, s.store, s.strategy,
		compose.OAuth2AuthorizeExplicitFactory, compose.OAuth2AuthorizeImplicitFactory,
		compose.OAuth2ClientCredentialsGrantFactory, compose.OAuth2RefreshTokenGrantFactory,
		compose.OpenIDConnectExplicitFactory, compose.OpenIDConnectImplicitFactory,
		compose.OpenIDConnectHybridFactory, compose.OpenIDConnectRefreshFactory,
		introspection, compose.OAuth2TokenRevocationFactory, compose.OAuth2PKCEFactory,
		compose.PushedAuthorizeHandlerFactory)
	return s
}

// session is that of the user who is signed in.
func (s *stockEngine) session() *openid.DefaultSession {
	return &openid.DefaultSession{
		Subject: "jo", Username: "jo", Headers: &jwt.Headers{},
		Claims: &jwt.IDTokenClaims{Subject: "jo", AuthTime: s.authTime, RequestedAt: time.Now().UTC()},
	}
}

func (s *stockEngine) handle(r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	ctx := r.Context()
	switch r.URL.Path {
	case "/authorize":
		s.authorize(ctx, w, r)
	case "/token":
		s.token(ctx, w, r)
	case "/introspect":
		found, err := s.fosite.NewIntrospectionRequest(ctx, r, &openid.DefaultSession{})
		if err != nil {
			s.fosite.WriteIntrospectionError(ctx, w, err)
			break
		}
		s.fosite.WriteIntrospectionResponse(ctx, w, found)
	case "/revoke":
		s.fosite.WriteRevocationResponse(ctx, w, s.fosite.NewRevocationRequest(ctx, r))
	case "/par":
		asked, err := s.fosite.NewPushedAuthorizeRequest(ctx, r)
		if err != nil {
			s.fosite.WritePushedAuthorizeError(ctx, w, asked, err)
			break
		}
		answer, err := s.fosite.NewPushedAuthorizeResponse(ctx, asked, s.session())
		if err != nil {
			s.fosite.WritePushedAuthorizeError(ctx, w, asked, err)
			break
		}
		s.fosite.WritePushedAuthorizeResponse(ctx, w, asked, answer)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
	return w.Result()
}

func (s *stockEngine) authorize(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	asked, err := s.fosite.NewAuthorizeRequest(ctx, r)
	if err != nil {
		s.fosite.WriteAuthorizeError(ctx, w, asked, err)
		return
	}
	for _, scope := range asked.GetRequestedScopes() {
		asked.GrantScope(scope)
	}
	answer, err := s.fosite.NewAuthorizeResponse(ctx, asked, s.session())
	if err != nil {
		s.fosite.WriteAuthorizeError(ctx, w, asked, err)
		return
	}
	s.fosite.WriteAuthorizeResponse(ctx, w, asked, answer)
}

func (s *stockEngine) token(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	asked, err := s.fosite.NewAccessRequest(ctx, r, s.session())
	if err != nil {
		s.fosite.WriteAccessError(ctx, w, asked, err)
		return
	}
	if asked.GetGrantTypes().ExactOne("client_credentials") {
		for _, scope := range asked.GetRequestedScopes() {
			asked.GrantScope(scope)
		}
	}
	answer, err := s.fosite.NewAccessResponse(ctx, asked)
	if err != nil {
		s.fosite.WriteAccessError(ctx, w, asked, err)
		return
	}
	s.fosite.WriteAccessResponse(ctx, w, asked, answer)
}

func (s *stockEngine) writes(f func()) int {
	before := s.store.wrote
	f()
	return s.store.wrote - before
}

func (s *stockEngine) lose() { s.store.down.Store(true) }

func (s *stockEngine) jwt(t testing.TB) string {
	t.Helper()
	key := func(context.Context) (any, error) { return s.key, nil }
	strategy := compose.NewOAuth2JWTStrategy(key, s.strategy.CoreStrategy, s.config)
	r := fosite.NewAccessRequest(&oauth2.JWTSession{JWTClaims: &jwt.JWTClaims{}, JWTHeader: &jwt.Headers{}, Subject: "jo"})
	r.Client = s.store.Clients["web"]
	token, _, err := strategy.GenerateAccessToken(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return token
}
