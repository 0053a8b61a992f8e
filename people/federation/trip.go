package federation

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// tripLife is how long a user may stay at a provider.
const tripLife = 15 * time.Minute

// spentTrip is the purpose of storage.Spent for trips that came back.
const spentTrip = "upstream-trip"

// Trip is a round trip to a provider. Sealed, it is the state that the provider gives back: nothing
// is stored, and only this server can make one. It works once, for the browser that began it, at the
// callback of the provider that it was begun for.
type Trip struct {
	ID       string    `json:"i"` // 256 random bits: nonce and verifier are made of it
	Upstream string    `json:"u"`
	Browser  string    `json:"b"` // see people.Asker
	Until    time.Time `json:"x"`
	Fresh    bool      `json:"f,omitempty"` // the user was to prove themselves anew
	Letter   string    `json:"l,omitempty"` // the client's request
	Next     string    `json:"n,omitempty"` // where to go on without one
	Locales  string    `json:"w,omitempty"`
	// Session and UserID are those of a signed-in user who links an identity; "" for a sign-in.
	Session string `json:"s,omitempty"`
	UserID  string `json:"p,omitempty"`
	// Confirms is the id of the signed-in user who is to prove themselves anew; "" for a sign-in.
	Confirms string `json:"c,omitempty"`
}

// trialOf begins the Session of a trip on which an administrator tries the provider. Such a trip signs no user in and
// links nothing, also on a replica of a release before: no session has such an id.
const trialOf = "trial "

// TrialOf returns the session of the administrator who tries the provider with the trip, and false for all other trips.
func (tr *Trip) TrialOf() (session string, ok bool) { return strings.CutPrefix(tr.Session, trialOf) }

// DepartTrial begins a trip by which an administrator with the session tries the provider, and returns where to send
// the browser. The provider may know the browser. Its error may be a *NotArrived.
func (s *Service) DepartTrial(
	ctx context.Context, a people.Asker, p *upstream.Provider, session string,
) (to string, err error) {
	return s.Depart(ctx, a, Departure{Provider: p, Session: trialOf + session})
}

// begun returns when the trip began.
func (tr *Trip) begun() time.Time { return tr.Until.Add(-tripLife) }

// Lost says that an answer belongs to no round trip of this browser. It is the reason, for
// developers.
type Lost string

func (l Lost) Error() string { return string(l) }

// NotArrived says that a user could not go to a provider, or came back in vain.
type NotArrived struct {
	Trip Trip
	// Why is "denied", "refused" or "unreachable".
	Why string
	Err error
}

func (n *NotArrived) Error() string { return n.Err.Error() }
func (n *NotArrived) Unwrap() error { return n.Err }

// request returns what the provider is asked for on the trip.
func (s *Service) request(a people.Asker, tr *Trip) upstream.Request {
	box := s.Secrets.Box(a.Tenant.ID, secret.UpstreamTrip)
	made := func(what string) string {
		return base64.RawURLEncoding.EncodeToString(box.MAC([]byte(what + "\x00" + tr.ID)))
	}
	return upstream.Request{
		RedirectURI: s.callback(a, tr.Upstream), Nonce: made("nonce"), Verifier: made("verifier"),
		Fresh: tr.Fresh, Begun: tr.begun(),
	}
}

// Departure is how a round trip begins.
type Departure struct {
	Provider *upstream.Provider
	// SignedIn says that the browser has a session; Fresh, that the client wants a new proof.
	SignedIn, Fresh bool
	LoginHint       string
	// The rest is as in Trip.
	Letter, Next, Locales string
	Session, UserID       string
	Confirms              string
}

// Depart begins a round trip and returns where to send the browser. A user who is signed in, or has
// to prove themselves anew, is asked to do so at the provider, too. Its error may be a *NotArrived.
func (s *Service) Depart(ctx context.Context, a people.Asker, d Departure) (to string, err error) {
	if a.Browser == "" {
		return "", errors.New("federation: a trip needs a browser")
	}
	tr := &Trip{
		ID: secret.Token(), Upstream: d.Provider.ID, Browser: a.Browser, Until: time.Now().Add(tripLife),
		Fresh:  d.SignedIn || d.Next != "" || d.Fresh,
		Letter: d.Letter, Next: d.Next, Locales: d.Locales, Session: d.Session, UserID: d.UserID, Confirms: d.Confirms,
	}
	plain, err := json.Marshal(tr)
	if err != nil {
		return "", err
	}
	ask := s.request(a, tr)
	ask.LoginHint = d.LoginHint
	ask.State = s.Secrets.Box(a.Tenant.ID, secret.UpstreamTrip).SealString(plain)
	if to, err = s.Calls.AuthURL(ctx, d.Provider, ask); err != nil {
		return "", s.notArrived(ctx, a, tr, err)
	}
	return to, nil
}

// OpenTrip opens the state of an answer that came to the callback of the provider. Its error is
// Lost: whatever is wrong with the state, nothing of the answer is used.
func (s *Service) OpenTrip(a people.Asker, p *upstream.Provider, state string) (*Trip, error) {
	tr, err := s.openState(a, state)
	switch {
	case err != nil:
		return nil, Lost("the state is missing, damaged or not ours")
	case tr.Upstream != p.ID:
		return nil, Lost("the state is that of another upstream: the answer came to the wrong callback")
	case !storage.Within(tr.begun(), time.Now(), tripLife):
		return nil, Lost("the state is too old")
	case tr.Browser == "" || !a.Began(tr.Browser):
		return nil, Lost("the sign-in was begun in another browser, or its cookie did not come back")
	}
	return tr, nil
}

func (s *Service) openState(a people.Asker, state string) (*Trip, error) {
	var tr Trip
	plain, err := s.Secrets.Box(a.Tenant.ID, secret.UpstreamTrip).OpenString(state)
	if err == nil {
		err = json.Unmarshal(plain, &tr)
	}
	return &tr, err
}

// BeganForClient reports whether the state is that of a trip that began with a client's request, in
// any browser.
func (s *Service) BeganForClient(a people.Asker, state string) bool {
	tr, err := s.openState(a, state)
	return err == nil && tr.Letter != ""
}

// Return ends a trip: it asks the provider who came back with the answer. A trip ends once. Its
// error may be Lost, a *NotArrived or a *people.Limited.
func (s *Service) Return(
	ctx context.Context, a people.Asker, p *upstream.Provider, tr *Trip, answer upstream.Answer,
) (upstream.Identity, error) {
	right, err := s.AllowTrip(ctx, a)
	if err != nil {
		return upstream.Identity{}, err
	}
	once := storage.Spent{TenantID: a.Tenant.ID, Purpose: spentTrip, Value: tr.ID, ExpiresAt: tr.Until}
	if err := s.Store.Spend(ctx, once); errors.Is(err, storage.ErrExists) {
		return upstream.Identity{}, Lost("this state has come back before")
	} else if err != nil {
		return upstream.Identity{}, err
	}
	id, err := s.Calls.Identify(ctx, p, s.request(a, tr), answer)
	if err != nil {
		return id, s.notArrived(ctx, a, tr, err)
	}
	right(p.ID + "\x00" + id.Subject)
	return id, nil
}

// notArrived records why a user did not arrive, and returns it as a *NotArrived; other errors it
// returns as they are.
func (s *Service) notArrived(ctx context.Context, a people.Asker, tr *Trip, err error) error {
	why := ""
	switch {
	case errors.Is(err, upstream.ErrDenied):
		why = "denied"
	case errors.Is(err, upstream.ErrRefused):
		why = "refused"
	case errors.Is(err, upstream.ErrUnreachable):
		why = "unreachable"
	default:
		return err
	}
	if why != "denied" {
		s.Note(ctx, "upstream", tr.Upstream+": "+err.Error())
	}
	s.ObserveSome(ctx, a, storage.Event{
		Kind: storage.EventUpstreamFailed, Actor: "anonymous", UserID: tr.UserID,
		Detail: map[string]string{"upstream": tr.Upstream, "reason": why},
	})
	return &NotArrived{*tr, why, err}
}
