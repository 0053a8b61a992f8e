// Package here answers what commands ask from the database of this machine.
package here

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/federation"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/people/selfservice"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Desk works on the database. All fields are required.
type Desk struct {
	Store    installation.Store
	Accounts *administration.Accounts
	// Asker is the administrator at the command line, at the tenant.
	Asker people.Asker
	// By completes the events of commands.
	By audit.By
	// Issuer is the URL of the default tenant.
	Issuer    string
	Lifetimes keys.Lifetimes
	// People opens the use cases that need the master secrets.
	People func(ctx context.Context) (*people.Service, error)
	// Keyring hands over the signing keys.
	Keyring func(ctx context.Context, do func(*keys.Ring) error) error
	// Reach says which addresses webhooks may have.
	Reach outbound.Config
	// Upstreams calls upstream providers.
	Upstreams federation.Calls
	// Counting says how statistics are counted.
	Counting administration.Counting
	// Finish deletes the data of what was removed.
	Finish func(ctx context.Context, tenant, kind, id string)
}

var _ desk.Desk = (*Desk)(nil)

// tenant returns the id of the tenant.
func (d *Desk) tenant() string { return d.Asker.Tenant.ID }

// from returns the entries of a list after an id.
func from[T any](after string, page func(after string) ([]T, error), id func(T) string) iter.Seq2[T, error] {
	return listing.All(func(at string) ([]T, error) {
		if at == "" {
			at = after
		}
		return page(at)
	}, id)
}

// FindUser implements desk.Users, as the other methods below do.
func (d *Desk) FindUser(ctx context.Context, name string) (storage.User, error) {
	return d.Accounts.Find(ctx, d.Asker, name)
}

func (d *Desk) User(ctx context.Context, id string) (storage.User, error) {
	return d.Store.User(ctx, d.tenant(), id)
}

func (d *Desk) Users(ctx context.Context, after string) iter.Seq2[administration.Listed, error] {
	return from(after, func(after string) ([]administration.Listed, error) {
		return d.Accounts.List(ctx, d.Asker, after, listing.PageSize)
	}, func(u administration.Listed) string { return u.ID })
}

func (d *Desk) SearchUsers(ctx context.Context, text, filter string) iter.Seq2[administration.Listed, error] {
	return func(yield func(administration.Listed, error) bool) {
		q := administration.Query{Text: text, Table: administration.UserTable(d.Asker.Tenant.Settings.Attributes)}
		var err error
		if filter != "" {
			q.Filter, err = q.Table.Parse(filter)
		}
		for at := (administration.Place{}); err == nil && !at.End; {
			began := time.Now()
			var found []administration.Listed
			if found, at, err = d.Accounts.Search(ctx, d.Asker, q, at, listing.PageSize); err != nil {
				break
			}
			for _, u := range found {
				if !yield(u, nil) {
					return
				}
			}
			if !at.End {
				listing.Rest(began)
			}
		}
		if err != nil {
			yield(administration.Listed{}, err)
		}
	}
}

func (d *Desk) Standing(ctx context.Context, u storage.User) (administration.Standing, error) {
	return d.Accounts.Standing(ctx, d.Asker, u.ID)
}

func (d *Desk) CheckUser(ctx context.Context, entered importing.Row, reserved bool) error {
	_, err := d.Accounts.Check(ctx, d.Asker, entered, reserved)
	return err
}

func (d *Desk) AddUser(
	ctx context.Context, entered importing.Row, reserved bool, p desk.Password,
) (storage.User, error) {
	return d.add(ctx, entered, reserved, p, "")
}

// add adds a user, as an administrator with the role unless it is "".
func (d *Desk) add(
	ctx context.Context, entered importing.Row, reserved bool, p desk.Password, role string,
) (storage.User, error) {
	n, err := d.Accounts.Check(ctx, d.Asker, entered, reserved)
	if err != nil {
		return storage.User{}, err
	}
	hash, err := d.hash(ctx, n.User(), p)
	if err != nil {
		return storage.User{}, err
	}
	return d.Accounts.Add(ctx, d.Asker, n.As(role), hash)
}

// hash returns the hash of a password for the user; nil if there is none.
func (d *Desk) hash(ctx context.Context, u storage.User, p desk.Password) ([]byte, error) {
	if p.Text == "" {
		return nil, nil
	}
	hash, weak, err := d.Accounts.NewPassword(ctx, u, p.Text, p.AllowWeak)
	if weak != nil && err == nil {
		p.Warn(weak)
	}
	return hash, err
}

func (d *Desk) EditUser(
	ctx context.Context, id string, e administration.Edit, reserved bool,
) (storage.User, bool, error) {
	return d.Accounts.Edit(ctx, d.Asker, id, e, reserved)
}

func (d *Desk) SetPassword(ctx context.Context, u storage.User, p desk.Password) error {
	hash, err := d.hash(ctx, u, p)
	if err != nil {
		return err
	}
	return d.Accounts.SetPassword(ctx, d.Asker, u.ID, hash)
}

func (d *Desk) EnableUser(ctx context.Context, id string) error {
	return d.Accounts.Enable(ctx, d.Asker, id)
}

func (d *Desk) DisableUser(ctx context.Context, id string) error {
	return d.Accounts.Disable(ctx, d.Asker, id)
}

func (d *Desk) RemoveUser(ctx context.Context, id string) error {
	if err := d.Accounts.Remove(ctx, d.Asker, id); err != nil {
		return err
	}
	d.Finish(ctx, d.tenant(), storage.RemovalUser, id)
	return nil
}

func (d *Desk) SendReset(ctx context.Context, u storage.User) error {
	useCases, err := d.People(ctx)
	if err != nil {
		return err
	}
	asker := d.Asker
	asker.Language = "en"
	return useCases.SendReset(ctx, asker, u)
}

// errOnlyServers says that a server has to do what was asked for.
var errOnlyServers = errors.New("attempts are counted by servers, not in the database: name one with --server URL")

func (d *Desk) LiftLimits(context.Context, storage.User) error { return errOnlyServers }

func (d *Desk) Passkeys(ctx context.Context, u storage.User) ([]desk.Passkey, error) {
	useCases, err := d.People(ctx)
	if err != nil {
		return nil, err
	}
	all, _, err := useCases.Passkeys(ctx, d.Asker, u)
	var out []desk.Passkey
	for _, k := range all {
		out = append(out, desk.Passkey{ID: k.ID, Name: k.Name, CreatedAt: k.Added})
	}
	return out, err
}

func (d *Desk) Sessions(ctx context.Context, u storage.User) ([]desk.Session, error) {
	all, err := d.Store.SessionsOf(ctx, u.TenantID, u.ID, time.Now())
	var out []desk.Session
	for _, s := range all {
		out = append(out, desk.Session{ID: s.ID, UserAgent: s.UserAgent, IP: s.IP, AMR: append([]string{}, s.AMR...),
			ACR: s.ACR, AuthTime: s.AuthTime, CreatedAt: s.CreatedAt, SeenAt: s.SeenAt, ExpiresAt: s.ExpiresAt})
	}
	return out, err
}

func (d *Desk) Grants(ctx context.Context, u storage.User) ([]desk.Grant, error) {
	all, err := d.Store.GrantsOf(ctx, u.TenantID, u.ID, time.Now())
	var out []desk.Grant
	for _, g := range all {
		out = append(out, desk.Grant{ID: g.ID, ClientID: g.ClientID, SessionID: g.SessionID,
			Scopes: append([]string{}, g.Scopes...), Offline: g.Offline, CreatedAt: g.CreatedAt, ExpiresAt: g.ExpiresAt})
	}
	return out, err
}

func (d *Desk) Apps(ctx context.Context, u storage.User) ([]desk.App, error) {
	useCases, err := d.People(ctx)
	if err != nil {
		return nil, err
	}
	all, err := selfservice.Service{Service: useCases}.Apps(ctx, u)
	var out []desk.App
	for _, a := range all {
		out = append(out, desk.App{ClientID: a.Client.ClientID, Name: a.Client.ClientName, Scopes: a.Scopes,
			Claims: a.Claims, Since: a.Since})
	}
	return out, err
}

func (d *Desk) Identities(ctx context.Context, u storage.User) ([]desk.Identity, error) {
	all, err := d.Store.IdentitiesOf(ctx, u.TenantID, u.ID)
	var out []desk.Identity
	for _, i := range all {
		out = append(out, desk.Identity{Provider: i.Provider, Subject: i.Subject, Email: i.Email, CreatedAt: i.CreatedAt})
	}
	return out, err
}

func (d *Desk) RemoveFactors(ctx context.Context, id string) error {
	return d.Accounts.Recover(ctx, d.Asker, id)
}

func (d *Desk) RemovePasskey(ctx context.Context, id, passkey string) error {
	return d.Accounts.RemovePasskey(ctx, d.Asker, id, passkey)
}

func (d *Desk) EndSession(ctx context.Context, id, session string) error {
	return d.Accounts.EndSession(ctx, d.Asker, id, session)
}

func (d *Desk) EndSessions(ctx context.Context, id string) error {
	return d.Accounts.EndSessions(ctx, d.Asker, id)
}

func (d *Desk) RevokeGrant(ctx context.Context, id, grant string) error {
	return d.Accounts.RevokeGrant(ctx, d.Asker, id, grant)
}

func (d *Desk) DisconnectApp(ctx context.Context, id, client string) error {
	return d.Accounts.DisconnectApp(ctx, d.Asker, id, client)
}

func (d *Desk) Unlink(ctx context.Context, id, provider, subject string) error {
	return d.Accounts.Unlink(ctx, d.Asker, id, provider, subject)
}

func (d *Desk) Administrators(ctx context.Context) iter.Seq2[storage.User, error] {
	return from("", func(after string) ([]storage.User, error) {
		return d.Accounts.Administrators(ctx, d.Asker, after, listing.PageSize)
	}, func(u storage.User) string { return u.ID })
}

func (d *Desk) AddAdministrator(
	ctx context.Context, entered importing.Row, p desk.Password, role string,
) (storage.User, error) {
	return d.add(ctx, entered, true, p, role)
}

func (d *Desk) SetRole(ctx context.Context, id, role string) error {
	return d.Accounts.SetRole(ctx, d.Asker, id, role)
}
