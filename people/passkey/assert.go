package passkey

import (
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Ask asks browser for a passkey. Without a person it is for whoever signs in: browsers
// show the passkeys that they hold for us. With one it is for one of theirs, and only
// for those that are good for the purpose; ErrWrong when there is none.
func (p *Party) Ask(purpose Purpose, browser string, person *Person) (Challenge, error) {
	verification := protocol.VerificationRequired
	if purpose == Factor { // something else was proven; holding it is enough
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

func (k Passkey) goodFor(purpose Purpose) bool {
	return !k.Cloned() && (purpose == Factor || k.Credential.Flags.UserVerified)
}

// Answer is what a browser says to Ask. UserID and ID say which passkey to look up, and
// are not proven yet.
type Answer struct {
	UserID string
	ID     string // of the credential, base64url
	// Once is spent with the change that follows Verify.
	Once storage.Spent

	party  *Party
	letter letter
	parsed *protocol.ParsedCredentialAssertionData
}

// Open reads an answer to Ask: an AuthenticationResponseJSON.
func (p *Party) Open(purpose Purpose, browser, state string, answer []byte) (*Answer, error) {
	l, err := p.open(purpose, browser, state)
	if err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return nil, wrong(err)
	}
	a := &Answer{UserID: l.UserID, ID: Passkey{Credential: webauthn.Credential{ID: parsed.RawID}}.ID(), Once: p.once(l), party: p, letter: l, parsed: parsed}
	if a.UserID == "" {
		if a.UserID = p.userID(parsed.Response.UserHandle); a.UserID == "" {
			return nil, fmt.Errorf("%w: nobody's user handle", ErrWrong)
		}
	}
	return a, nil
}

// Proof is what an answer has proven.
type Proof struct {
	// Verified says that the passkey made sure that it was its owner, by a PIN or a
	// finger, and that this says something: see Passkey.SignsIn.
	Verified bool
	Synced   bool
}

// AMR are the proof's methods (RFC 8176): where the key is, and whether two factors were
// proven, the device and its owner.
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

// Verify judges the answer by the record of the passkey that it names, and its owner's
// id. It gives the record as it is to be kept from now on: also with ErrCloned, for which
// it is marked.
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
	session := a.letter.Session
	session.UserID = a.party.handle(owner) // for both kinds alike, now that it is known
	// Open saw that the browser was asked for this passkey among others, which the
	// library would want to see all of.
	if len(session.AllowedCredentialIDs) > 0 {
		if !contains(session.AllowedCredentialIDs, k.Credential.ID) {
			return k, Proof{}, fmt.Errorf("%w: not one of those asked for", ErrWrong)
		}
		session.AllowedCredentialIDs = nil
	}
	seen, err := a.party.rp.ValidateLogin(a.party.user(&Person{ID: owner}, []Passkey{k}), session, a.parsed)
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

func contains(ids [][]byte, id []byte) bool {
	for _, other := range ids {
		if string(other) == string(id) {
			return true
		}
	}
	return false
}
