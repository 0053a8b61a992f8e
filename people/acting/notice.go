package acting

import (
	"cmp"
	"errors"
	"strings"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/storage"
)

// notice returns the mail that tells a user of the session, if the tenant wants it and the user has an address that
// mail can be sent to. It is in the user's own language, if that is known.
func (s *Service) notice(a people.Asker, u storage.User, sess storage.Session) ([]storage.Delivery, error) {
	if !a.Tenant.Settings.SignInAs.Notify {
		return nil, nil
	}
	language, _, _ := strings.Cut(u.Profile.Locale, "-")
	language = cmp.Or(strings.ToLower(language), a.Language)
	m, err := s.Mail.Compose(a.Tenant, people.RecipientOf(u), language, "signed-in-as", map[string]string{
		"Reason": sess.Act.Reason, "Until": s.Words(language).Moment(sess.ExpiresAt),
		"Link": a.Tenant.URL("/account/activity"),
	})
	if errors.Is(err, mail.ErrAddress) {
		return nil, nil
	}
	return []storage.Delivery{m}, err
}
