package people

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Apply makes a change to an account whose credentials must not have changed since u was read, and
// has its mails sent. Its refusal is ErrChangedMeanwhile, which is storage.ErrStale too.
func (s *Service) Apply(ctx context.Context, u storage.User, ch storage.Change) error {
	ch.Version = &u.CredentialVersion
	return s.ApplyAnyVersion(ctx, u, ch)
}

// ApplyAnyVersion is Apply for changes that do not depend on the account's credentials.
func (s *Service) ApplyAnyVersion(ctx context.Context, u storage.User, ch storage.Change) error {
	ch.TenantID, ch.UserID, ch.Now = u.TenantID, u.ID, time.Now()
	err := s.Store.Apply(ctx, ch)
	if errors.Is(err, storage.ErrStale) {
		return fmt.Errorf("%w: %w", ErrChangedMeanwhile, err)
	}
	if err != nil {
		return err
	}
	if len(ch.Deliveries) > 0 {
		s.Mail.Stored()
	}
	return nil
}

// mostTries bounds how often a change is made anew, because what it was to give has changed meanwhile.
const mostTries = 3

// ApplyProven makes a change of storage by which a user proves an address, with what an invitation that waits for the
// address gives: see Service.Invited. It returns the change as it was made. The errors are those of storage.Change.
func (s *Service) ApplyProven(ctx context.Context, a Asker, ch storage.Change) (storage.Change, error) {
	return s.applyAlso(ctx, ch, func(ch *storage.Change) error { return s.Invited(ctx, a, ch) })
}

// applyAlso makes the change with what also adds to it, and returns the change as it was made. also is called again if
// the change fails because of what it added: a group or a role was removed meanwhile, a unique value was taken, or an
// invitation was used.
func (s *Service) applyAlso(
	ctx context.Context, ch storage.Change, also func(*storage.Change) error,
) (storage.Change, error) {
	for try := 1; ; try++ {
		now := ch
		now.Events = slices.Clone(ch.Events)
		if ch.Add != nil {
			added := *ch.Add
			now.Add = &added
		}
		if err := also(&now); err != nil {
			return now, err
		}
		err := s.Store.Apply(ctx, now)
		gone := errors.Is(err, storage.ErrNotFound) && len(now.Join)+len(now.GiveRoles) > 0
		taken := errors.Is(err, storage.ErrExists) && len(now.Unique) > 0
		used := errors.Is(err, storage.ErrStale) && now.Invitation != ""
		if try == mostTries || !gone && !taken && !used {
			return now, err
		}
	}
}

// ChangeNotice returns the mail that tells a user what changed in the account, to be stored with the
// change: the text with the given id.
func (s *Service) ChangeNotice(a Asker, u storage.User, text string, args ...any) ([]storage.Delivery, error) {
	w := s.Words(a.Language)
	return s.Notice(a, u, "account-changed", map[string]string{
		"What": w.Must(text, args...), "Device": w.Device(a.UserAgent), "IP": a.IP, "Link": a.Tenant.URL("/account"),
	})
}

// Event completes an event that the asker causes, to be stored with the change that it is about.
// The caller sets Kind and the user that the event concerns.
func (a Asker) Event(e storage.Event) storage.Event {
	e.TenantID = a.Tenant.ID
	if e.Actor == "" {
		e.Actor = a.Actor
	}
	return audit.Origin{RequestID: a.RequestID, IP: a.IP}.Event(e)
}

// Observe records an event that is part of no change.
func (s *Service) Observe(ctx context.Context, a Asker, e storage.Event) {
	audit.Writer{Store: s.Store, Log: s.Log}.Observe(ctx, a.Event(e))
}

// An attacker cannot fill the audit trail: of events that cost nothing to cause, so many are
// kept for one network, and so many for one upstream or reason.
var (
	eventsOfNetwork = limit.Rule{Name: "audit-network", Max: 10, Window: 10 * time.Minute}
	eventsOfKind    = limit.Rule{Name: "audit-kind", Max: 100, Window: 10 * time.Minute}
)

// ObserveSome is Observe for what an attacker can cause without limit. The log has what the audit
// trail leaves out.
func (s *Service) ObserveSome(ctx context.Context, a Asker, e storage.Event) {
	kind := e.Kind + "\x00" + e.Detail["reason"] + "\x00" + e.Detail["upstream"]
	if _, refused := s.Admit(ctx, a,
		limit.By{Rule: eventsOfNetwork, Subject: kind + "\x00" + limit.Network(a.IP)},
		limit.By{Rule: eventsOfKind, Subject: kind}); refused == nil {
		s.Observe(ctx, a, e)
		return
	}
	s.Note(ctx, "unrecorded", e.Kind)
}

// Compose makes a mail in the asker's language, to be stored with the change that causes it.
// Call s.Mail.Stored then. mail.ErrAddress says that no mail can be sent to the address.
func (s *Service) Compose(a Asker, to address.Recipient, template string, data any) (storage.Delivery, error) {
	return s.Mail.Compose(a.Tenant, to, a.Language, template, data)
}

// StoreCode stores a code with the message that carries it. storage.ErrStale: see Asker.Judged.
func (s *Service) StoreCode(ctx context.Context, a Asker, code storage.Code, m storage.Delivery) error {
	err := s.Store.Apply(ctx, storage.Change{
		TenantID: code.TenantID, UserID: code.UserID, Now: code.CreatedAt, RoleWas: a.RoleWas(code.UserID),
		Codes: []storage.Code{code}, Deliveries: []storage.Delivery{m},
	})
	if err == nil {
		s.Mail.Stored()
	}
	return err
}

// decoy stands for a mail that must not be sent, so that the work is the same.
func (s *Service) decoy(a Asker, to address.Recipient, data any) (storage.Delivery, error) {
	m, err := s.Compose(a, to, "reset-password", data)
	return Dropped(m), err
}

// Dropped returns the message as one that the worker does not send.
func Dropped(m storage.Delivery) storage.Delivery {
	m.Template = ""
	return m
}

// Notice returns the mail that tells a user of a change to the account, if the account has an
// address that mail can be sent to. It has a link by which the user says "this was not me".
func (s *Service) Notice(a Asker, u storage.User, template string, data map[string]string) ([]storage.Delivery, error) {
	data["NotMe"] = s.notMeLink(a, u)
	m, err := s.Compose(a, RecipientOf(u), template, data)
	if errors.Is(err, mail.ErrAddress) {
		return nil, nil
	}
	return []storage.Delivery{m}, err
}
