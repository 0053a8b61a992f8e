package remote

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote/api"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// key is a signing key as the API has one.
type key struct {
	ID         string     `json:"kid"`
	Algorithm  string     `json:"alg"`
	State      keys.State `json:"state"`
	ActiveAt   time.Time  `json:"active_at"`
	SignsUntil *time.Time `json:"signs_until"`
	ExpiresAt  time.Time  `json:"expires_at"`
}

// use returns the key with what it is used for.
func (k key) use() keys.Use {
	u := keys.Use{State: k.State, Key: storage.Key{ID: k.ID, Algorithm: k.Algorithm, ActiveAt: k.ActiveAt,
		ExpiresAt: k.ExpiresAt}}
	if k.SignsUntil != nil {
		u.SignsUntil = *k.SignsUntil
	}
	return u
}

// Keys implements desk.Operations, as the other methods below do.
func (d Desk) Keys(ctx context.Context) ([]keys.Use, error) {
	return api.Whole(ctx, d.api, "/keys", key.use)
}

func (d Desk) RotateKeys(ctx context.Context, algorithm string, atOnce bool) (made []keys.Use, err error) {
	was, err := d.Keys(ctx)
	if err != nil {
		return nil, err
	}
	var all api.Page[key]
	err = d.api.Send(ctx, http.MethodPost, "/keys:rotate", struct {
		Algorithm string `json:"alg,omitempty"`
		Now       bool   `json:"now,omitempty"`
	}{algorithm, atOnce}, &all)
	for _, k := range all.Items {
		if !slices.ContainsFunc(was, func(u keys.Use) bool { return u.ID == k.ID }) {
			made = append(made, k.use())
		}
	}
	return made, err
}

func (d Desk) RemoveKey(ctx context.Context, kid string) error {
	return d.api.Remove(ctx, "/keys"+api.Path(kid))
}

// message is a message of the outbox as the API has one.
type message struct {
	ID        string    `json:"id"`
	Channel   string    `json:"channel"`
	To        string    `json:"to"`
	Template  string    `json:"template"`
	CreatedAt time.Time `json:"created_at"`
	NextAt    time.Time `json:"next_at"`
	DeadAt    time.Time `json:"dead_at"`
	Attempts  int       `json:"attempts"`
	Error     string    `json:"error"`
}

func (m message) record() storage.Delivery {
	return storage.Delivery{ID: m.ID, Channel: m.Channel, To: m.To, Template: m.Template, CreatedAt: m.CreatedAt,
		NextAt: m.NextAt, DeadAt: m.DeadAt, Attempts: m.Attempts, LastError: m.Error}
}

// messages returns a list of messages.
func (d Desk) messages(ctx context.Context, path, after string) iter.Seq2[storage.Delivery, error] {
	return records(api.Pages[message](ctx, d.api, path, nil), after, message.record,
		func(m storage.Delivery) string { return m.ID })
}

func (d Desk) Waiting(ctx context.Context, after string) iter.Seq2[storage.Delivery, error] {
	return d.messages(ctx, "/mail/waiting", after)
}

func (d Desk) Dead(ctx context.Context, after string) iter.Seq2[storage.Delivery, error] {
	return d.messages(ctx, "/mail/dead", after)
}

func (d Desk) RetryMail(ctx context.Context, id string) error {
	return d.api.Send(ctx, http.MethodPost, "/mail/dead"+api.Path(id)+":retry", nil, nil)
}

func (d Desk) DropMail(ctx context.Context, id string) error {
	return d.api.Remove(ctx, "/mail/dead"+api.Path(id))
}

// event is an event as the API has one.
type event struct {
	ID        string            `json:"id"`
	At        time.Time         `json:"at"`
	Kind      string            `json:"kind"`
	Actor     string            `json:"actor"`
	UserID    string            `json:"user_id"`
	ClientID  string            `json:"client_id"`
	RequestID string            `json:"request_id"`
	IP        string            `json:"ip"`
	Detail    map[string]string `json:"detail"`
}

func (e event) record() storage.Event {
	return storage.Event{ID: e.ID, At: e.At, Kind: e.Kind, Actor: e.Actor, UserID: e.UserID, ClientID: e.ClientID,
		RequestID: e.RequestID, IP: e.IP, Detail: e.Detail}
}

func (d Desk) Events(ctx context.Context, q audit.Search) iter.Seq2[storage.Event, error] {
	query := url.Values{}
	if len(q.Kinds) > 0 {
		query["kind"] = q.Kinds
	}
	for name, value := range map[string]string{"user_id": q.UserID, "client_id": q.ClientID, "actor": q.Actor} {
		if value != "" {
			query.Set(name, value)
		}
	}
	for name, at := range map[string]time.Time{"since": q.Since, "until": q.Until} {
		if !at.IsZero() {
			query.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	return records(api.Pages[event](ctx, d.api, "/audit", query), "", event.record,
		func(e storage.Event) string { return e.ID })
}

// exportPage is the number of events of a page of ExportEvents.
const exportPage = 1000

// ExportEvents asks for all kinds, and leaves out here what is not asked for. The server keeps no mark for it.
func (d Desk) ExportEvents(ctx context.Context, x audit.Export, write func([]storage.Event) error) error {
	if x.Mark {
		return errors.New("a server keeps no mark for a command: leave out --mark, and begin with --after and the id of " +
			"the last row that you have")
	}
	ask := url.Values{"limit": {strconv.Itoa(exportPage)}}
	if x.After != "" {
		ask.Set("after_id", x.After)
	}
	for {
		var p api.Page[event]
		if err := d.api.Get(ctx, "/audit/export?"+ask.Encode(), &p); err != nil {
			return err
		}
		var events []storage.Event
		for _, e := range p.Items {
			if (x.Until.IsZero() || !e.At.After(x.Until)) && (len(x.Kinds) == 0 || slices.Contains(x.Kinds, e.Kind)) {
				events = append(events, e.record())
			}
		}
		if err := write(events); err != nil || len(p.Items) < exportPage || p.Next == "" {
			return err
		}
		ask.Del("after_id")
		ask.Set("after", p.Next)
	}
}

// TestMail has the server send a test email at once.
func (d Desk) TestMail(ctx context.Context, to string) (out desk.MailTest, err error) {
	err = d.api.Send(ctx, http.MethodPost, "/mail:test", struct {
		To string `json:"to"`
	}{to}, &out)
	return out, err
}

func (d Desk) Statistics(ctx context.Context, days int) (administration.Statistics, error) {
	var s struct {
		Active struct {
			Day   int64 `json:"day"`
			Week  int64 `json:"week"`
			Month int64 `json:"month"`
		} `json:"active"`
		Days []struct {
			Date     string `json:"date"`
			Active   int64  `json:"active"`
			SignIns  int64  `json:"sign_ins"`
			Failures int64  `json:"failures"`
		} `json:"days"`
		Zone  string `json:"zone"`
		Weeks []struct {
			Week   string `json:"week"`
			Active int64  `json:"active"`
		} `json:"weeks"`
		Months []struct {
			Month  string `json:"month"`
			Active int64  `json:"active"`
		} `json:"months"`
		SignIns  map[string]int64 `json:"sign_ins"`
		Failures map[string]int64 `json:"failures"`
		Until    time.Time        `json:"counted_until"`
	}
	if err := d.api.Get(ctx, "/stats?days="+strconv.Itoa(days), &s); err != nil {
		return administration.Statistics{}, err
	}
	out := administration.Statistics{Day: s.Active.Day, Week: s.Active.Week, Month: s.Active.Month, SignIns: s.SignIns,
		Failures: s.Failures, Zone: s.Zone, Until: s.Until}
	for _, day := range s.Days {
		at, err := time.Parse(time.DateOnly, day.Date)
		if err != nil {
			return out, err
		}
		out.Days = append(out.Days, administration.DayStatistics{Day: at, Active: day.Active, SignIns: day.SignIns,
			Failures: day.Failures})
	}
	for _, w := range s.Weeks {
		at, err := administration.MondayOf(w.Week)
		if err != nil {
			return out, err
		}
		out.Weeks = append(out.Weeks, storage.Active{First: at, Users: w.Active})
	}
	for _, m := range s.Months {
		at, err := time.Parse("2006-01", m.Month)
		if err != nil {
			return out, err
		}
		out.Months = append(out.Months, storage.Active{First: at, Users: m.Active})
	}
	return out, nil
}
