package federation

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/storage"
)

// codeStranger is the purpose of the code that proves a stranger's address.
const codeStranger = "upstream"

// strangerClaim is what a code sent to a stranger's address sets in motion.
type strangerClaim struct {
	Stranger   Stranger
	Email, Key string
}

// SendCode sends a code to the address that a stranger enters as theirs, and returns the flow that
// the code belongs to. letter is the client's request that goes on in the browser; "" for none. The
// answer is the same whether or not an account has the address.
func (s *Service) SendCode(
	ctx context.Context, a people.Asker, who *Stranger, typed, letter string,
) (flow string, err error) {
	email, err := people.ClaimAs("email", typed, "setup.bad_email")
	if err != nil {
		return "", err
	}
	vain, err := s.AllowSending(ctx, a, people.Sending{Channel: storage.MethodEmail, Typed: email.Key(), Real: true})
	if err != nil {
		return "", err
	}
	// One code for each identity: another stranger who claims the same address must not void the
	// code of its owner.
	target, awaits := who.Upstream+"\x00"+who.Subject, strangerClaim{*who, email.String(), email.Key()}
	code, err := s.NewCode(a, codeStranger, target, "", awaits, people.CodeLife)
	if err != nil {
		return "", err
	}
	m, err := s.codeMail(a, who, email, code, letter)
	if err != nil {
		return "", err
	}
	if vain {
		m = people.Dropped(m)
	}
	return code.ID, s.StoreCode(ctx, a, code.Code, m)
}

// ResendCode is SendCode once more for a flow of the stranger. It returns the next flow; the code before is void. Its
// refusal is people.ErrWrongCode.
func (s *Service) ResendCode(
	ctx context.Context, a people.Asker, who *Stranger, flow, letter string,
) (next string, err error) {
	var c strangerClaim
	code, err := s.waitingFor(ctx, a, who, flow, &c)
	if err == nil {
		err = s.MayResend(a, code)
	}
	if err != nil {
		return "", err
	}
	return s.SendCode(ctx, a, who, c.Email, letter)
}

// CodeResendAt returns when ResendCode may send the code of a flow of the stranger. Its refusal is
// people.ErrWrongCode.
func (s *Service) CodeResendAt(ctx context.Context, a people.Asker, who *Stranger, flow string) (time.Time, error) {
	code, err := s.waitingFor(ctx, a, who, flow, &strangerClaim{})
	return s.ResendAt(code), err
}

// waitingFor returns the code of a flow of the stranger, and opens its data.
func (s *Service) waitingFor(
	ctx context.Context, a people.Asker, who *Stranger, flow string, c *strangerClaim,
) (storage.Code, error) {
	code, err := s.OpenWaiting(ctx, a, codeStranger, flow, c)
	if err == nil && c.Stranger.ID != who.ID {
		err = people.ErrWrongCode
	}
	return code, err
}

// codeMail composes the mail with a stranger's code. It has a link if a page waits for the stranger.
func (s *Service) codeMail(
	a people.Asker, who *Stranger, email address.Claimed, code people.Issued, letter string,
) (storage.Delivery, error) {
	link := ""
	if who.Browser != "" {
		q := url.Values{"token": {code.Token}}
		if letter != "" {
			q.Set("i", letter)
		}
		link = a.Tenant.URL("/federated/confirm?" + q.Encode())
	}
	name, _ := s.UpstreamName(a.Tenant, who.Upstream)
	data := map[string]string{"Code": code.Spoken(), "Link": link, "Provider": name}
	m, err := s.Compose(a, email.Recipient(), "confirm-upstream", data)
	if errors.Is(err, mail.ErrAddress) {
		err = people.Invalid("email", "setup.bad_email")
	}
	return m, err
}

// Confirm finds or makes the account of a stranger whose code came back. The code works only in the
// browser in which the stranger came: otherwise an attacker could have a user confirm, by a click in
// a mail, the identity of the attacker. Its refusals are people.ErrWrongCode, ErrProveAccount and
// ErrNotAdmitted; it may also return Lost.
func (s *Service) Confirm(ctx context.Context, a people.Asker, who *Stranger, p people.Proof) (Arrival, error) {
	var c strangerClaim
	code, err := s.TryCode(ctx, a, codeStranger, p, &c)
	if err == nil && c.Stranger.ID != who.ID {
		err = people.ErrWrongCode
	}
	if err != nil {
		return Arrival{Stranger: who}, err
	}
	ar, err := s.confirmed(ctx, a, who, c, code)
	return ar, s.recorded(ctx, a, who.Upstream, err)
}

// ConfirmForApp is Confirm for a stranger who came by an app's token. It takes flow and digits alone:
// the mail has no link. ok is false, with no error, for a flow that is not a stranger's.
func (s *Service) ConfirmForApp(ctx context.Context, a people.Asker, p people.Proof) (ar Arrival, ok bool, err error) {
	code, err := s.Store.Code(ctx, a.Tenant.ID, p.Flow, time.Now())
	if errors.Is(err, storage.ErrNotFound) || err == nil && code.Purpose != codeStranger {
		return ar, false, nil
	}
	if err != nil {
		return ar, true, err
	}
	var c strangerClaim
	code, err = s.TryCode(ctx, a, codeStranger, people.Proof{Flow: p.Flow, Digits: p.Digits}, &c)
	if err == nil && c.Stranger.Browser != "" { // it began at a page, and ends there
		err = people.ErrWrongCode
	}
	if err != nil {
		return ar, true, err
	}
	ar, err = s.confirmed(ctx, a, &c.Stranger, c, code)
	return ar, true, err
}

// confirmed finds or makes the account of a stranger whose address the code proves.
func (s *Service) confirmed(
	ctx context.Context, a people.Asker, who *Stranger, c strangerClaim, code storage.Code,
) (Arrival, error) {
	ar := Arrival{Stranger: who, AMR: amrOf(a, who.AMR), Since: time.Now()}
	p, err := s.Provider(a, who.Upstream)
	if errors.Is(err, storage.ErrNotFound) {
		err = Lost("the upstream is not in the tenant's settings any more")
	}
	if err != nil {
		return ar, err
	}
	email, err := address.Claim(c.Email)
	if err != nil || email.Key() != c.Key {
		return ar, people.ErrWrongCode
	}
	ar.User, err = s.adopt(ctx, a, p, who, claim{email, byMail, code.ID})
	return ar, err
}
