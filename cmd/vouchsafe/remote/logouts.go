package remote

import (
	"context"
	"iter"
	"net/url"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote/api"
	"github.com/vouchsafe/vouchsafe/internal/backchannel"
	"github.com/vouchsafe/vouchsafe/storage"
)

// logout is the end of a session as the API has it.
type logout struct {
	Session string    `json:"session"`
	User    string    `json:"user"`
	EndedAt time.Time `json:"ended_at"`
	tries
}

func (l logout) record() storage.Logout {
	return storage.Logout{SessionID: l.Session, UserID: l.User, EndedAt: l.EndedAt, Tries: l.tries.record()}
}

func (d Desk) Logouts(ctx context.Context, client string, f backchannel.Filter) iter.Seq2[storage.Logout, error] {
	query := url.Values{}
	for name, value := range map[string]string{"state": f.State, "session": f.Session} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return records(api.Pages[logout](ctx, d.api, "/clients"+api.Path(client, "logouts"), query), "", logout.record,
		func(l storage.Logout) string { return l.SessionID })
}

func (d Desk) ReplayLogouts(ctx context.Context, client, session string, since, until time.Time) (int64, error) {
	return d.replay(ctx, "/clients"+api.Path(client, "logouts")+":replay",
		replayCall{Session: session, Since: since, Until: until})
}
