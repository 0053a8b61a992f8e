package login

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/login/account"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

const passkeysPath = "/account/passkeys"

// mostPasskeys bounds what one person can have.
const mostPasskeys = 20

// passkeyView is a passkey as its owner sees it.
type passkeyView struct {
	ID, Name string
	Synced   bool
	Alone    bool // it signs in by itself
	Copied   bool
	Broken   bool // its record cannot be read
	Added    string
	Used     ui.Stamp // zero when it never was
	Fault    string
	Typed    string // in the field for its name
}

// passkeysView is what the page of passkeys shows.
type passkeysView struct {
	Passkeys []passkeyView
	// Known tells password managers which of theirs are still good: JSON, or "".
	Known string
}

// passkeysPage shows the person's passkeys, and takes new ones. It wants a fresh proof
// before it is opened: a device that has made a passkey which nobody keeps shows it for
// ever.
func (s *Server) passkeysPage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account.Fresh(r)
	if err != nil {
		return err
	}
	return s.showPasskeys(w, r, http.StatusOK, a, "", nil)
}

// showPasskeys shows the page; edit may say what is wrong with one of the rows.
func (s *Server) showPasskeys(w http.ResponseWriter, r *http.Request, status int, a browser.Account, alert string, edit func(*passkeyView)) error {
	creds, err := s.Store.CredentialsOf(r.Context(), a.User.TenantID, a.User.ID)
	if err != nil {
		return err
	}
	v := s.account.View(w, r, "account.passkeys", a)
	page := passkeysView{}
	var keys []passkey.Passkey
	for _, c := range creds {
		if c.Kind != storage.PasskeyCredential {
			continue
		}
		k, ok := s.openPasskey(r, c)
		one := passkeyView{Broken: !ok, ID: c.ID, Name: people.PasskeyName(v.Words, k), Synced: k.Synced(), Alone: k.SignsIn(), Copied: k.Cloned(), Added: v.Words.Date(c.CreatedAt)}
		if !k.LastUsed.IsZero() {
			one.Used = ui.StampOf(v.Words, k.LastUsed)
		}
		one.Typed = one.Name
		if edit != nil {
			edit(&one)
		}
		page.Passkeys = append(page.Passkeys, one)
		if ok {
			keys = append(keys, k)
		}
	}
	if party, err := s.party(r); err == nil {
		if page.Known, err = party.Known(passkey.Person{ID: a.User.ID, Passkeys: keys}); err != nil {
			return err
		}
		v.Passkey = &passkeyForm{Action: "/account/passkeys", Options: v.Path + "/account/passkeys/options", Create: true,
			Button: v.Words.Must("passkeys.add"), Fault: v.Words.Must("passkeys.failed"), Exists: v.Words.Must("passkeys.exists")}
		ui.AllowScripts(w)
	}
	v.Page, v.Alert = page, alert
	return s.show(w, status, "account-passkeys", v)
}

// newPasskeyOptions gives the page's script a challenge to make a passkey.
func (s *Server) newPasskeyOptions(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account.Fresh(r)
	if err != nil {
		return err
	}
	challenge, err := s.startPasskeyAdd(r, browser.Binding(w, r), a.User)
	if err != nil {
		return err
	}
	return sendJSON(w, challenge)
}

// postPasskeys adds, names or removes a passkey.
func (s *Server) postPasskeys(w http.ResponseWriter, r *http.Request) error {
	// A new one was asked for after a fresh proof, as the challenge shows; a name is not
	// worth one.
	a, err := s.account.Current(r)
	if err != nil {
		return err
	}
	f := r.PostForm
	what := "passkey-added"
	id := f.Get("rename")
	switch {
	case f.Has("remove"):
		if _, err = s.account.Fresh(r); err != nil {
			return err
		}
		what, err = "passkey-removed", s.removePasskey(r, a.User, f.Get("remove"))
	case f.Has("rename"):
		what, err = "passkey-named", s.renamePasskey(r, a.User, id, f.Get("name"))
	default:
		err = s.addPasskey(r, a.User, people.PasskeyProof{Bound: browser.Bindings(r), State: f.Get("state"), Answer: f.Get("answer")}, f.Get("name"))
	}
	words := s.words(r)
	var bad invalid
	switch {
	case err == nil:
		return account.Changed(w, r, passkeysPath, what)
	case errors.As(err, &bad):
		return s.showPasskeys(w, r, http.StatusUnprocessableEntity, a, ui.FaultAt(words, bad, "passkey"), func(v *passkeyView) {
			if v.ID == id {
				v.Fault, v.Typed = ui.FaultAt(words, bad, "name"), f.Get("name")
			}
		})
	case errors.Is(err, storage.ErrNotFound):
		return s.showPasskeys(w, r, http.StatusNotFound, a, words.Must("passkeys.gone"), nil)
	case errors.Is(err, errLastWayIn):
		return s.showPasskeys(w, r, http.StatusConflict, a, words.Must("passkeys.last"), nil)
	case errors.Is(err, people.ErrWrongPasskey):
		return s.showPasskeys(w, r, http.StatusUnprocessableEntity, a, words.Must("passkeys.failed"), nil)
	case errors.Is(err, people.ErrLatePasskey):
		return s.showPasskeys(w, r, http.StatusUnprocessableEntity, a, words.Must("passkey.late"), nil)
	}
	return err
}

// startPasskeyAdd asks for a new passkey of the user, who has given a fresh proof.
func (s *Server) startPasskeyAdd(r *http.Request, bound string, u storage.User) (passkey.Challenge, error) {
	party, err := s.party(r)
	if err != nil {
		return passkey.Challenge{}, errNoPasskeys
	}
	person, err := s.personOf(r, u)
	if err != nil {
		return passkey.Challenge{}, err
	}
	return party.Create(bound, person)
}

// addPasskey keeps a new passkey of the user. people.ErrWrongPasskey, people.ErrLatePasskey.
func (s *Server) addPasskey(r *http.Request, u storage.User, p people.PasskeyProof, name string) error {
	party, err := s.party(r)
	if err != nil {
		return errNoPasskeys
	}
	person, err := s.personOf(r, u)
	if err != nil {
		return err
	}
	if len(person.Passkeys) >= mostPasskeys {
		return invalidf("passkey", "passkeys.many", mostPasskeys)
	}
	key, once, err := party.Created(party.MadeFor(p.State, p.Bound), p.State, []byte(p.Answer), person)
	switch {
	case errors.Is(err, passkey.ErrLate):
		return people.ErrLatePasskey
	case errors.Is(err, passkey.ErrWrong), err == nil && slices.ContainsFunc(person.Passkeys, func(k passkey.Passkey) bool { return k.ID() == key.ID() }):
		return people.ErrWrongPasskey
	case err != nil:
		return err
	}
	key.Name, _ = passkeyName(name) // it is made: better a name cut short than none
	data, err := s.sealPasskey(u.TenantID, key)
	if err != nil {
		return err
	}
	now := time.Now()
	ch := storage.Change{
		Spend:       []storage.Spent{once},
		Credentials: []storage.Credential{{Kind: storage.PasskeyCredential, ID: key.ID(), Data: data, CreatedAt: now, UpdatedAt: now}},
		Events:      []storage.Event{s.event(r, storage.Event{Kind: storage.EventPasskeyAdded, UserID: u.ID, Detail: map[string]string{"passkey": key.ID()}})},
	}
	if ch.Deliveries, err = s.told(r, u, "notice.passkey_added", people.PasskeyName(s.words(r), key)); err != nil {
		return err
	}
	err = s.apply(r, u, ch)
	if errors.Is(err, storage.ErrStale) { // answered before, or the person changed
		err = people.ErrLatePasskey
	}
	return err
}

// passkeyName is a name as it is kept, and whether nothing had to be cut.
func passkeyName(name string) (string, bool) {
	name = strings.TrimSpace(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || c == unicode.ReplacementChar || unicode.Is(unicode.Bidi_Control, c) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(name, "")))
	if runes := []rune(name); len(runes) > passkey.MaxName {
		return strings.TrimSpace(string(runes[:passkey.MaxName])), false
	}
	return name, true
}

// renamePasskey calls a passkey of the user's something else; "" for what it is called by
// itself. ErrNotFound: it is not theirs.
func (s *Server) renamePasskey(r *http.Request, u storage.User, id, name string) error {
	name, whole := passkeyName(name)
	if !whole {
		return invalidf("name", "passkeys.name_long", passkey.MaxName)
	}
	cred, err := s.Store.Credential(r.Context(), u.TenantID, u.ID, storage.PasskeyCredential, id)
	if err != nil {
		return err
	}
	key, ok := s.openPasskey(r, cred)
	if !ok {
		return storage.ErrNotFound
	}
	was := cred.Data
	key.Name = name
	if cred.Data, err = s.sealPasskey(u.TenantID, key); err != nil {
		return err
	}
	cred.UpdatedAt = time.Now()
	return s.apply(r, u, storage.Change{Swap: []storage.CredentialSwap{{Credential: cred, Was: was}}})
}

// removePasskey forgets a passkey of the user's. ErrNotFound: it is not theirs;
// errLastWayIn: they could not come back.
func (s *Server) removePasskey(r *http.Request, u storage.User, id string) error {
	cred, err := s.Store.Credential(r.Context(), u.TenantID, u.ID, storage.PasskeyCredential, id)
	if err != nil {
		return err
	}
	key, _ := s.openPasskey(r, cred)
	ch := storage.Change{
		RemoveCredentials: []storage.CredentialKey{{Kind: cred.Kind, ID: cred.ID}},
		Events:            []storage.Event{s.event(r, storage.Event{Kind: storage.EventPasskeyRemoved, UserID: u.ID, Detail: map[string]string{"passkey": id}})},
	}
	creds, err := s.Store.CredentialsOf(r.Context(), u.TenantID, u.ID)
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(creds), func(c storage.Credential) bool { return c.Kind == cred.Kind && c.ID == cred.ID })
	if storage.HasSecondFactor(creds) && !storage.HasSecondFactor(left) { // as when it is switched off
		ch.RemoveCredentials = append(ch.RemoveCredentials, storage.CredentialKey{Kind: storage.RecoveryCredential, ID: storage.AllIDs}, storage.CredentialKey{Kind: storage.DeviceCredential, ID: storage.AllIDs})
		keepFormer(&ch, creds, storage.RecoveryCredential)
		ch.Events = append(ch.Events, s.event(r, storage.Event{Kind: storage.EventFactorOff, UserID: u.ID}))
	}
	if ch.Deliveries, err = s.told(r, u, "notice.passkey_removed", people.PasskeyName(s.words(r), key)); err != nil {
		return err
	}
	return s.leavingAWayIn(r, u, ch)
}
