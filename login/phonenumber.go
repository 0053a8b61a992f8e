package login

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// removePhone takes the number away, unless it is the last way in. errLastWayIn.
func (s *Server) removePhone(r *http.Request, u storage.User) (storage.User, error) {
	u, err := s.Store.User(r.Context(), u.TenantID, u.ID)
	if err != nil {
		return u, err
	}
	mails, err := s.told(r, u, "notice.phone_removed")
	if err != nil {
		return u, err
	}
	without := u
	without.Phone, without.PhoneVerified, without.UpdatedAt = "", false, time.Now()
	return without, s.leavingAWayIn(r, u, storage.Change{
		Update: &without, Deliveries: mails,
		Events: []storage.Event{s.event(r, storage.Event{Kind: storage.EventPhoneRemoved, UserID: u.ID})},
	})
}
