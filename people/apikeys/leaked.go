package apikeys

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// maxLeakURL is how many bytes of the URL of a leak are kept.
const maxLeakURL = 1000

// RemoveLeaked revokes the key that was found in public, if it is a living key of the tenant, and tells its user by
// mail. where is the URL at which it was found, or "". It reports whether the value was such a key. That the reporter
// has the key is proof enough: with it, they could do more. Reports of unknown keys count as requests with unknown keys
// do. Its refusal is *people.Limited.
func (s *Service) RemoveLeaked(ctx context.Context, a people.Asker, value, where string) (bool, error) {
	if !IsKey(value) {
		return false, nil
	}
	k, o, err := s.Keys.LiveAPIKey(ctx, a.Tenant.ID, isOfClient(value), hashOf(value), time.Now())
	if errors.Is(err, storage.ErrNotFound) {
		_, err = s.Admit(ctx, a, limit.Networks(a.IP, wrongKeys, limit.Stays)...)
		return false, err
	}
	if err != nil {
		return false, err
	}
	leaked := event(a, storage.EventAPIKeyLeaked, k)
	if where = shownURL(where); where != "" {
		leaked.Detail["url"] = where
	}
	err = s.apply(ctx, a, o, removal(o, k, leaked), "notice.api_key_leaked", k.Name)
	if errors.Is(err, storage.ErrNotFound) { // revoked at this moment
		err = nil
	}
	return err == nil, err
}

// shownURL returns the URL of a report as the audit trail may have it, or "": a stranger wrote it.
func shownURL(where string) string {
	u, err := url.Parse(where)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(where) > maxLeakURL ||
		strings.ContainsFunc(where, storage.Misleading) {
		return ""
	}
	return where
}
