package authorize

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// deviceLifetime is how long a user may take to allow a device.
	deviceLifetime = 10 * time.Minute
	// maxDeviceRequest bounds what a device asks for, in bytes. It is stored.
	maxDeviceRequest = 2048
	// deviceMark is how the mark of a device's request begins. It stands in place of the id of a pushed request.
	deviceMark = "device:"
)

// perDeviceAddress bounds how many codes devices behind one address can ask for.
var perDeviceAddress = limit.Rule{Name: "device-authorizations", Max: 60, Window: 10 * time.Minute}

// deviceParameters are those of an authorization request that count for a device, too.
var deviceParameters = []string{"scope", "resource", "claims", "acr_values"}

// deviceAnswer is the answer to a device (RFC 8628 section 3.2). It has no verification_uri_complete: a user who types
// the code has it before them, and an attacker cannot send it to victims as a link.
type deviceAnswer struct {
	DeviceCode      string `json:"device_code"`
	UserCode        string `json:"user_code"`
	VerificationURI string `json:"verification_uri"`
	ExpiresIn       int    `json:"expires_in"` // seconds
	Interval        int    `json:"interval"`   // seconds
}

// Device serves the device authorization endpoint (RFC 8628 section 3.1). The client authenticates as at the token
// endpoint, what it asks for is checked now, and a code is stored that a user types in a browser elsewhere.
func (s *Server) Device(w http.ResponseWriter, r *http.Request) error {
	form, err := oauth.PostForm(w, r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	authenticated, err := s.Engine.AuthenticateClient(ctx, r, form)
	if err != nil {
		return err
	}
	client := authenticated.(oauth.Client).Client
	web.Note(ctx, "client", client.ClientID)
	from := web.RequestOf(ctx)
	err = oauth.Admit(ctx, s.Limits, "Too many devices ask for codes from this IP address.",
		limit.Networks(from.IP, perDeviceAddress, limit.Stays)...)
	if err != nil {
		return err
	}
	asked := url.Values{}
	for _, name := range deviceParameters {
		if form.Has(name) {
			asked[name] = form[name]
		}
	}
	if len(asked.Encode()) > maxDeviceRequest {
		return oauth.ErrTooLarge
	}
	a := &authorization{tenant: web.TenantOf(ctx), client: client, started: time.Now()}
	if err := s.readDevice(ctx, a, asked); err != nil {
		return err
	}
	answer, err := s.startDevice(ctx, a, &tokens.Device{
		ClientID: client.ClientID, Asked: asked.Encode(), IP: from.IP, UserAgent: r.UserAgent(),
	})
	if err != nil {
		return err
	}
	return oauth.WriteJSON(w, http.StatusOK, answer)
}

// readDevice reads and checks what a device asks for. The user is asked every time.
func (s *Server) readDevice(ctx context.Context, a *authorization, asked url.Values) error {
	a.form, a.claims, a.mode = asked, &tokens.ClaimsRequest{}, fosite.ResponseModeQuery
	if !a.client.MayUse(clients.DeviceGrant) {
		return fosite.ErrUnauthorizedClient.WithDescription("This client can't use the device flow. Add " +
			clients.DeviceGrant + " to its grant_types.")
	}
	if err := readScopes(a, asked); err != nil {
		return err
	}
	if err := s.readOIDC(ctx, a, asked); err != nil {
		return err
	}
	a.prompts = []string{"consent"}
	return nil
}

// startDevice stores the request of a device, and returns its codes.
func (s *Server) startDevice(ctx context.Context, a *authorization, d *tokens.Device) (*deviceAnswer, error) {
	value := rand.Text() + rand.Text()
	d.UserCode = tokens.NewUserCode()
	code, err := s.Tokens.SealDevice(a.tenant, d, storage.Code{
		ID: tokens.DeviceID(value), Purpose: tokens.DeviceAsks, Target: tokens.UserCodeKey(d.UserCode),
		CreatedAt: a.started, ExpiresAt: a.started.Add(deviceLifetime),
	})
	if err != nil {
		return nil, err
	}
	err = s.Store.Apply(ctx, storage.Change{TenantID: a.tenant.ID, Now: a.started, Codes: []storage.Code{code}})
	if err != nil {
		return nil, err
	}
	return &deviceAnswer{
		DeviceCode: value, UserCode: d.UserCode, VerificationURI: a.tenant.Issuer + s.Pages.Device,
		ExpiresIn: int(deviceLifetime / time.Second), Interval: int(tokens.DeviceInterval / time.Second),
	}, nil
}

// OpenDevice returns the address at which the browser goes on with the request of the device that shows userCode.
// storage.ErrNotFound: no device that waits shows it.
func (s *Server) OpenDevice(w http.ResponseWriter, r *http.Request, userCode string) (string, error) {
	t, now := web.TenantOf(r.Context()), time.Now()
	key := tokens.UserCodeKey(userCode)
	if key == "" {
		return "", storage.ErrNotFound
	}
	code, err := s.Store.CodeFor(r.Context(), t.ID, tokens.DeviceAsks, key, now)
	if err != nil {
		return "", err
	}
	d, err := s.Tokens.OpenDevice(t, code)
	if err != nil {
		return "", err
	}
	query := url.Values{"client_id": {d.ClientID}, "request_uri": {deviceMark + code.ID}}
	return t.Path + "/authorize?i=" + s.seal(newLetter(w, r, query.Encode(), now), t), nil
}

// parseDevice reads the request of the device that the mark names: it has to wait still. The client is known.
func (s *Server) parseDevice(ctx context.Context, a *authorization) error {
	code, err := s.Store.Code(ctx, a.tenant.ID, strings.TrimPrefix(a.pushed, deviceMark), time.Now())
	if errors.Is(err, storage.ErrNotFound) || err == nil && code.Purpose != tokens.DeviceAsks {
		return deviceGone()
	}
	if err != nil {
		return err
	}
	d, err := s.Tokens.OpenDevice(a.tenant, code)
	if err != nil {
		return err
	}
	asked, err := url.ParseQuery(d.Asked)
	if err != nil {
		return err
	}
	a.device, a.deviceCode = d, &code
	return s.readDevice(ctx, a, asked)
}

// allowedMark begins what sealAllowed seals. It is shorter than any letter, which is sealed for the same purpose.
const allowedMark = "allowed:"

// sealAllowed returns the parameter allow, by which the page of the consent says that the user allowed the device of
// the letter's request.
func (s *Server) sealAllowed(t *issuer.Tenant, l *letter) string {
	return s.Secrets.Box(t.ID, secret.AuthorizationRequest).SealString([]byte(allowedMark + l.name()))
}

// isAllowed reports whether sealed is of sealAllowed for the same letter.
func (s *Server) isAllowed(t *issuer.Tenant, l *letter, sealed string) bool {
	if sealed == "" {
		return false
	}
	plain, err := s.Secrets.Box(t.ID, secret.AuthorizationRequest).OpenString(sealed)
	return err == nil && string(plain) == allowedMark+l.name()
}

// isDevice reports whether the id of a pushed request is that of a device.
func isDevice(pushed string) bool { return strings.HasPrefix(pushed, deviceMark) }

// deviceGone returns the problem of a device that does not wait any more.
func deviceGone() error {
	return &web.Problem{Status: http.StatusBadRequest, Code: "invalid_request", Title: "device.gone_title",
		Message: "device.gone"}
}

// settleDevice stores what the user decided, once, and tells the user: the device asks for it.
func (s *Server) settleDevice(w http.ResponseWriter, r *http.Request, a *authorization, allowed bool) error {
	settled, outcome := *a.device, "denied"
	settled.Denied = !allowed
	code := storage.Code{
		ID: tokens.SettledID(a.deviceCode.ID), Purpose: tokens.DeviceSettled, Target: a.deviceCode.ID,
		CreatedAt: a.deviceCode.CreatedAt, ExpiresAt: a.deviceCode.ExpiresAt,
	}
	if allowed {
		sealed, err := sealCode(s.Tokens, a)
		if err != nil {
			return err
		}
		settled.Code, code.UserID, outcome = sealed, a.account.UserID, "allowed"
	}
	code, err := s.Tokens.SealDevice(a.tenant, &settled, code)
	if err != nil {
		return err
	}
	err = s.Store.Apply(r.Context(), storage.Change{
		TenantID: a.tenant.ID, Now: time.Now(), Code: a.deviceCode.ID, Codes: []storage.Code{code},
	})
	if errors.Is(err, storage.ErrStale) {
		return deviceGone()
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, a.tenant.Path+s.Pages.Device+"/done?"+outcome+"=1", http.StatusSeeOther)
	return nil
}
