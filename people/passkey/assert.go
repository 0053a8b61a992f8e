package passkey

import (
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Ask makes a challenge that only this browser can answer. If person is nil, any user may answer, and
// the browser shows the passkeys that it has for this site. Otherwise the answer must come from one
// of the user's passkeys that are good for the purpose. Ask returns ErrWrong if the user has
// none.
func (p *Party) Ask(purpose Purpose, browser string, person *Person) (Challenge, error) {
	verification := protocol.VerificationRequired
	if purpose == Factor { // another factor was proven: possession of the passkey is enough
		verification = protocol.VerificationDiscouraged
	}
	var (
		options *protocol.CredentialAssertion
		session *webauthn.SessionData
		userID  string
		err     error
	)
	if person == nil {
		options, session, err = p.rp.BeginDiscoverableLogin(webauthn.WithUserVerification(verification))
	} else {
		var good []Passkey
		for _, k := range person.Passkeys {
			if k.goodFor(purpose) {
				good = append(good, k)
			}
		}
		if len(good) == 0 {
			return Challenge{}, fmt.Errorf("%w: there is none", ErrWrong)
		}
		userID = person.ID
		options, session, err = p.rp.BeginLogin(p.user(person, good), webauthn.WithUserVerification(verification))
	}
	if err != nil {
		return Challenge{}, fmt.Errorf("ask for a passkey: %w", err)
	}
	return p.seal(purpose, userID, browser, options.Response, session)
}

// goodFor reports whether the passkey can serve the purpose. To sign in alone it must have verified
// its owner when it was made.
func (k Passkey) goodFor(purpose Purpose) bool {
	return !k.Cloned() && (purpose == Factor || k.Credential.Flags.UserVerified)
}

// Answer is a browser's answer to Ask. UserID and ID say which passkey to look up. They are not
// proven before Verify.
type Answer struct {
	// UserID is "" if the answer's user handle is not one of this tenant's: another product may have made
	// the passkey. See IsOf.
	UserID string
	ID     string // the id of the credential in base64url
	// Once must be spent in the storage.Change that follows Verify, so that an answer works once.
	Once storage.Spent

	party  *Party
	letter letter
	parsed *protocol.ParsedCredentialAssertionData
}

// Open reads an answer to Ask, an AuthenticationResponseJSON, together with the state of its
// challenge. It returns ErrWrong or ErrLate.
func (p *Party) Open(purpose Purpose, browser, state string, answer []byte) (*Answer, error) {
	l, err := p.open(purpose, browser, state)
	if err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return nil, wrong(err)
	}
	a := &Answer{UserID: l.UserID, ID: Passkey{Credential: webauthn.Credential{ID: parsed.RawID}}.ID(), Once: p.once(l),
		party: p, letter: l, parsed: parsed}
	if a.UserID == "" {
		a.UserID = p.userID(parsed.Response.UserHandle)
	}
	return a, nil
}

// IsOf reports whether the answer is that of a passkey that another product made. The caller then sets UserID to
// the id of the user that has k.
func (a *Answer) IsOf(k Passkey) bool {
	return a.UserID == "" && len(k.Handle) > 0 && k.ID() == a.ID &&
		string(a.parsed.Response.UserHandle) == string(k.Handle)
}

// Proof is what an answer proves.
type Proof struct {
	// Verified means that the passkey verified its owner, by a PIN or biometrics, both now and when
	// it was made. See Passkey.SignsIn.
	Verified bool
	Synced   bool
}

// AMR returns the methods of the proof (RFC 8176): where the key is kept and, if the owner was
// verified, that two factors were proven.
func (p Proof) AMR() []string {
	amr := []string{"hwk"}
	if p.Synced {
		amr[0] = "swk"
	}
	if p.Verified {
		amr = append(amr, "user", "mfa")
	}
	return amr
}

// Verify checks the answer against the passkey's record k. owner is the id of the user that has
// k. It returns the record to store from now on. With ErrCloned the record must be stored as
// well, because it is marked as cloned. Every other error is ErrWrong.
func (a *Answer) Verify(owner string, k Passkey, now time.Time) (Passkey, Proof, error) {
	if k.ID() != a.ID || owner != a.UserID {
		return k, Proof{}, fmt.Errorf("%w: another passkey", ErrWrong)
	}
	if k.Cloned() {
		return k, Proof{}, fmt.Errorf("%w: it was copied", ErrWrong)
	}
	if !k.goodFor(a.letter.Purpose) {
		return k, Proof{}, fmt.Errorf("%w: it did not verify its owner when it was made", ErrWrong)
	}
	if k.Unseen {
		k.Credential.Flags.BackupEligible = a.parsed.Response.AuthenticatorData.Flags.HasBackupEligible()
		k.Unseen = false
	}
	session, who := a.letter.Session, a.party.user(&Person{ID: owner}, []Passkey{k})
	if k.Handle != nil {
		who.handle = k.Handle
	}
	session.UserID = who.handle // set for both kinds of challenge, now that the owner is known
	// Open has made sure that the browser was asked for this passkey. The library would want to see
	// all passkeys that it was asked for.
	if len(session.AllowedCredentialIDs) > 0 {
		if !contains(session.AllowedCredentialIDs, k.Credential.ID) {
			return k, Proof{}, fmt.Errorf("%w: not one of those asked for", ErrWrong)
		}
		session.AllowedCredentialIDs = nil
	}
	seen, err := a.party.rp.ValidateLogin(who, session, a.parsed)
	if err != nil {
		return k, Proof{}, wrong(err)
	}
	k.Credential = *seen
	if k.Cloned() {
		return k, Proof{}, ErrCloned
	}
	k.LastUsed = now
	verified := seen.Flags.UserVerified && a.parsed.Response.AuthenticatorData.Flags.HasUserVerified()
	return k, Proof{Verified: verified, Synced: k.Synced()}, nil
}

// contains reports whether id is one of ids.
func contains(ids [][]byte, id []byte) bool {
	for _, other := range ids {
		if string(other) == string(id) {
			return true
		}
	}
	return false
}
