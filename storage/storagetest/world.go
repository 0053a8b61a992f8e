package storagetest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Store is what a durable backend implements.
type Store interface {
	storage.Tenants
	storage.Clients
	storage.Users
	storage.Groups
	storage.Roles
	storage.Belongings
	storage.Credentials
	storage.Standings
	storage.Identities
	storage.Sessions
	storage.Consents
	storage.Grants
	storage.APIKeys
	storage.SpentValues
	storage.Answers
	storage.Statistics
	storage.AccountNumbers
	storage.TenantLogins
	storage.AppLogins
	storage.Imports
	storage.Keys
	storage.PairwiseKeys
	storage.Audit
	storage.Outbox
	storage.Webhooks
	storage.Logouts
	storage.Codes
	storage.Changes
	storage.Removals
	storage.Histories
	storage.Sealed
	storage.Maintenance
}

// now is when the tests take place; far from the clock's, which a store must not read.
var now = time.Date(2021, 3, 4, 5, 6, 7, 891_011_000, time.UTC)

// newTenant makes a tenant for a test.
func newTenant(t *testing.T, s Store) string {
	t.Helper()
	id := "t-" + strings.ToLower(rand.Text()[:12])
	must(t, s.AddTenant(t.Context(), storage.Tenant{ID: id, Name: id, CreatedAt: now}))
	return id
}

// newID returns a time-ordered id.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// aUser returns a user with the fields that must be there.
func aUser(tenant, id string) storage.User {
	return storage.User{TenantID: tenant, ID: id, CredentialVersion: 1, CreatedAt: now, UpdatedAt: now}
}

// aClient returns a client with as little as it needs.
func aClient(tenant, id string) storage.Client {
	return storage.Client{TenantID: tenant, ClientID: id, CreatedAt: now, UpdatedAt: now}
}

// aSession returns a session of the user that is alive at now. Its hash is "secret of ID".
func aSession(tenant, id, user string) storage.Session {
	return storage.Session{
		TenantID: tenant, ID: id, SecretHash: []byte("secret of " + id), UserID: user, CredentialVersion: 1,
		AuthTime: now, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(24 * time.Hour),
	}
}

// aGrant returns a grant that is alive at now, for the code "code of ID". session is "" for one that depends on none.
func aGrant(tenant, id, user, client, session string) storage.Grant {
	return storage.Grant{
		TenantID: tenant, ID: id, CodeID: "code of " + id, UserID: user, ClientID: client, SessionID: session,
		CredentialVersion: 1, Generation: 1, AuthTime: now, RotatedAt: now, CreatedAt: now,
		IdleExpiresAt: now.Add(time.Hour), ExpiresAt: now.Add(48 * time.Hour),
	}
}

// aPassword returns a password whose hash is data.
func aPassword(tenant, user, data string) storage.Credential {
	return storage.Credential{
		TenantID: tenant, UserID: user, Kind: storage.PasswordCredential, Data: []byte(data), CreatedAt: now, UpdatedAt: now,
	}
}

// world is a tenant in which a user is signed in and has allowed a client something.
type world struct {
	s                            Store
	tenant                       string
	user, client, session, other string // ids; other is a second client
	grant                        string
}

// newWorld makes one. The ids are the same in every world.
func newWorld(t *testing.T, s Store) *world {
	t.Helper()
	w := &world{
		s: s, tenant: newTenant(t, s),
		user: "user", client: "client", session: "session", other: "other", grant: "grant",
	}
	ctx := t.Context()
	u := aUser(w.tenant, w.user)
	u.Username, u.UsernameKey, u.Email, u.EmailKey = "Jo", "jo", "Jo@example.com", "jo@example.com"
	u.Phone, u.PhoneVerified, u.Profile.Name = "+4930123456", true, "Jo Doe"
	must(t, AddUser(ctx, s, u, []storage.Credential{aPassword(w.tenant, w.user, "hash")}, nil))
	for _, id := range []string{w.client, w.other} {
		c := aClient(w.tenant, id)
		c.AllowedCORSOrigins = []string{"https://" + id + ".example.com"}
		must(t, s.PutClient(ctx, c))
	}
	must(t, AddSession(ctx, s, aSession(w.tenant, w.session, w.user)))
	must(t, redeem(ctx, s, aGrant(w.tenant, w.grant, w.user, w.client, w.session)))
	must(t, PutConsent(ctx, s, storage.Consent{TenantID: w.tenant, UserID: w.user, ClientID: w.client,
		Scopes: []string{"openid"}, GrantedAt: now}))
	must(t, AddIdentity(ctx, s, storage.Identity{TenantID: w.tenant, Provider: "google", Subject: "1", UserID: w.user,
		CreatedAt: now}))
	must(t, addAPIKey(ctx, s, w.user, anAPIKey(w.tenant, "api key", "")))
	must(t, s.AddGroup(ctx, storage.Group{TenantID: w.tenant, ID: "staff", CreatedAt: now}))
	role := storage.RoleName{Client: w.client, Name: "editor"}
	must(t, s.AddRole(ctx, storage.Role{TenantID: w.tenant, RoleName: role, CreatedAt: now}))
	must(t, s.GiveRole(ctx, w.tenant, role, storage.RoleHolder{Group: "staff"}, now))
	must(t, s.GiveRole(ctx, w.tenant, role, storage.RoleHolder{Client: w.other}, now))
	must(t, s.Apply(ctx, storage.Change{TenantID: w.tenant, UserID: w.user, Now: now,
		Join: []storage.Membership{{GroupID: "staff"}}, GiveRoles: []storage.RoleName{role},
		Unique: map[string]string{"number": "1"}}))
	must(t, s.AddKeys(ctx, []storage.Key{storage.Key{TenantID: w.tenant, ID: "kid", Algorithm: "ES256", Sequence: 1,
		CreatedAt: now}}, now))
	must(t, s.Record(ctx, storage.Event{TenantID: w.tenant, ID: "event", At: now, Kind: "test", UserID: w.user}))
	must(t, PutCode(ctx, s, aCode(w.tenant, "code", "jo", w.user)))
	must(t, s.Spend(ctx, storage.Spent{TenantID: w.tenant, Purpose: storage.SpentAssertion, Value: "jti",
		ExpiresAt: now.Add(time.Hour)}))
	return w
}

// snapshot returns all that can be read in the world.
func (w *world) snapshot(t *testing.T) map[string]any {
	t.Helper()
	ctx, s, all := t.Context(), w.s, make(map[string]any)
	for name, read := range w.reads() {
		v, err := read(ctx)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = fmt.Sprintf("%+v %v", v, err != nil)
	}
	tenant, err := s.Tenant(ctx, w.tenant)
	all["Tenant"] = fmt.Sprintf("%+v %v", tenant, err != nil)
	return all
}

// reads returns all the reads that take a tenant. In a world they find something.
func (w *world) reads() map[string]func(context.Context) (any, error) {
	s, tenant, role := w.s, w.tenant, storage.RoleName{Client: w.client, Name: "editor"}
	return map[string]func(context.Context) (any, error){
		"LiveAPIKey": func(ctx context.Context) (any, error) {
			k, _, err := s.LiveAPIKey(ctx, tenant, false, []byte("hash of api key"), now)
			return k, err
		},
		"LiveAPIKeyByID": func(ctx context.Context) (any, error) {
			k, _, err := s.LiveAPIKeyByID(ctx, tenant, false, "api key", now)
			return k, err
		},
		"APIKeysOf":     func(ctx context.Context) (any, error) { return some(s.APIKeysOf(ctx, tenant, w.user, "")) },
		"Group":         func(ctx context.Context) (any, error) { return s.Group(ctx, tenant, "staff") },
		"Groups":        func(ctx context.Context) (any, error) { return some(s.Groups(ctx, tenant, "", 100)) },
		"Members":       func(ctx context.Context) (any, error) { return some(s.Members(ctx, tenant, "staff", "", 100)) },
		"MembershipsOf": func(ctx context.Context) (any, error) { return some(s.MembershipsOf(ctx, tenant, w.user)) },
		"Belonging":     func(ctx context.Context) (any, error) { return s.Belonging(ctx, tenant, w.user) },
		"ClientRoles":   func(ctx context.Context) (any, error) { return some(s.ClientRoles(ctx, tenant, w.other)) },
		"Role":          func(ctx context.Context) (any, error) { return s.Role(ctx, tenant, role) },
		"RolesOfClient": func(ctx context.Context) (any, error) {
			return some(s.RolesOfClient(ctx, tenant, w.client, "", 100))
		},
		"UserHolders":   func(ctx context.Context) (any, error) { return some(s.UserHolders(ctx, tenant, role, "", 100)) },
		"GroupHolders":  func(ctx context.Context) (any, error) { return some(s.GroupHolders(ctx, tenant, role, "", 100)) },
		"ClientHolders": func(ctx context.Context) (any, error) { return some(s.ClientHolders(ctx, tenant, role, "", 100)) },
		"RolesGiven": func(ctx context.Context) (any, error) {
			return some(s.RolesGiven(ctx, tenant, storage.RoleHolder{User: w.user}))
		},
		"UserByUnique": func(ctx context.Context) (any, error) { return s.UserByUnique(ctx, tenant, "number", "1") },
		"Client":       func(ctx context.Context) (any, error) { return s.Client(ctx, tenant, w.client) },
		"Clients":      func(ctx context.Context) (any, error) { return some(s.Clients(ctx, tenant, "", 100)) },
		"AllowsOrigin": func(ctx context.Context) (any, error) {
			return yes(s.AllowsOrigin(ctx, tenant, "https://client.example.com"))
		},
		"User":           func(ctx context.Context) (any, error) { return s.User(ctx, tenant, w.user) },
		"UserByEmail":    func(ctx context.Context) (any, error) { return s.UserByEmail(ctx, tenant, "jo@example.com") },
		"UserByUsername": func(ctx context.Context) (any, error) { return s.UserByUsername(ctx, tenant, "jo") },
		"UsersIn": func(ctx context.Context) (any, error) {
			return some(s.UsersIn(ctx, tenant, storage.UserSpan{By: storage.ByName, From: "jo", To: "jp"},
				storage.UserPlace{}, 100))
		},
		"UserByPhone": func(ctx context.Context) (any, error) { return s.UserByPhone(ctx, tenant, "+4930123456") },
		"Users":       func(ctx context.Context) (any, error) { return some(s.Users(ctx, tenant, "", 100)) },
		"Credential": func(ctx context.Context) (any, error) {
			return s.Credential(ctx, tenant, w.user, storage.PasswordCredential, "")
		},
		"SomeCredentials": func(ctx context.Context) (any, error) {
			return some(s.SomeCredentials(ctx, tenant, storage.PasswordCredential, 10))
		},
		"CredentialsOf": func(ctx context.Context) (any, error) { return some(s.CredentialsOf(ctx, tenant, w.user)) },
		"UserPassword":  func(ctx context.Context) (any, error) { return both(s.UserPassword(ctx, tenant, "jo")) },
		"Identity":      func(ctx context.Context) (any, error) { return s.Identity(ctx, tenant, "google", "1") },
		"IdentitiesOf":  func(ctx context.Context) (any, error) { return some(s.IdentitiesOf(ctx, tenant, w.user)) },
		"Session":       func(ctx context.Context) (any, error) { return both(s.Session(ctx, tenant, w.session, now)) },
		"SessionsOf":    func(ctx context.Context) (any, error) { return some(s.SessionsOf(ctx, tenant, w.user, now)) },
		"Consent":       func(ctx context.Context) (any, error) { return s.Consent(ctx, tenant, w.user, w.client) },
		"ConsentsOf":    func(ctx context.Context) (any, error) { return some(s.ConsentsOf(ctx, tenant, w.user)) },
		"Grant":         func(ctx context.Context) (any, error) { return s.Grant(ctx, tenant, w.grant) },
		"LiveGrant": func(ctx context.Context) (any, error) {
			return both(s.LiveGrant(ctx, tenant, w.grant, "", now, nil))
		},
		"GrantsOf": func(ctx context.Context) (any, error) { return some(s.GrantsOf(ctx, tenant, w.user, now)) },
		"IsSpent": func(ctx context.Context) (any, error) {
			return yes(s.IsSpent(ctx, tenant, storage.SpentAssertion, "jti"))
		},
		"Keys":     func(ctx context.Context) (any, error) { return some(s.Keys(ctx, tenant, time.Time{})) },
		"Key":      func(ctx context.Context) (any, error) { return s.Key(ctx, tenant, "kid") },
		"Events":   func(ctx context.Context) (any, error) { return some(s.Events(ctx, tenant, "", 100)) },
		"EventsOf": func(ctx context.Context) (any, error) { return some(s.EventsOf(ctx, tenant, w.user, "", 100)) },
		"Code":     func(ctx context.Context) (any, error) { return s.Code(ctx, tenant, "code", now) },
		"CodeFor": func(ctx context.Context) (any, error) {
			return s.CodeFor(ctx, tenant, storage.CodeReset, "jo", now)
		},
		"CodesFor": func(ctx context.Context) (any, error) {
			return some(s.CodesFor(ctx, tenant, storage.CodeReset, "", 100, now))
		},
	}
}

// some makes an empty list ErrNotFound, so that all reads say absence alike.
func some[T any](list []T, err error) (any, error) {
	if err == nil && len(list) == 0 {
		err = storage.ErrNotFound
	}
	return list, err
}

// yes returns whether something was found, for reads, which all have one shape.
func yes(found bool, err error) (any, error) {
	if err == nil && !found {
		err = storage.ErrNotFound
	}
	return found, err
}

// both returns two values as one, for reads, which all have one shape.
func both[A, B any](a A, b B, err error) (any, error) {
	return struct {
		A A
		B B
	}{a, b}, err
}

// filled gives every field of a record a value that differs from its zero and from
// the others', so that no test has to be told of a new field.
func filled[T any]() T {
	var record T
	n := 0
	fill(reflect.ValueOf(&record).Elem(), "", &n)
	return record
}

// fill gives v, and all that is in it, values that differ from each other and from zero. n counts them.
func fill(v reflect.Value, name string, n *int) {
	*n++
	switch to := v.Addr().Interface().(type) {
	case *time.Time:
		*to = now.Add(time.Duration(*n) * time.Hour)
		return
	case *[]byte:
		*to = []byte{0, byte(*n), 255}
		return
	case *json.RawMessage:
		*to = fmt.Appendf(nil, `{"n":%d}`, *n)
		return
	case *map[string]any:
		*to = map[string]any{name: "ü", "number": float64(*n), "list": []any{"a", "b"}, "bool": true}
		return
	case *map[string]string:
		*to = map[string]string{name: "ü"}
		return
	case *storage.Duration:
		*to = storage.Duration(time.Duration(*n) * time.Minute)
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("%s-%d'\"ü☃", name, *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name, n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), name, n)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), v.Type().Field(i).Name, n)
		}
	default:
		panic(fmt.Sprintf("%s: no value for a %s", name, v.Type()))
	}
}

// must ends the test if there is an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// want fails the test unless err is the wanted one.
func want(t *testing.T, err, wanted error) {
	t.Helper()
	if !errors.Is(err, wanted) {
		t.Fatalf("got %v, want %v", err, wanted)
	}
}

// same fails the test unless a call gave the wanted record.
func same[T any](t *testing.T, got T, err error, wanted T) {
	t.Helper()
	must(t, err)
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Fatalf("got (+), want (-):\n%s", diff)
	}
}

// ids reduces records to what names them.
func ids[T any](records []T, id func(T) string) []string {
	var all []string
	for _, r := range records {
		all = append(all, id(r))
	}
	return all
}

// finish carries a removal out to its end.
func (w *world) finish(t *testing.T, kind, id string) {
	t.Helper()
	must(t, w.s.CarryOn(t.Context(), storage.Removal{TenantID: w.tenant, Kind: kind, ID: id}, nil, nil))
}

// redeem stores the grant of a code.
func redeem(ctx context.Context, s Store, g storage.Grant) error {
	_, err := s.RedeemCode(ctx, g, nil)
	return err
}

// endSession ends one session by a change.
func endSession(ctx context.Context, s Store, tenant, id string) error {
	return s.Apply(ctx, storage.Change{TenantID: tenant, Now: now, EndSessions: &storage.SessionFilter{IDs: []string{id}}})
}

// endSessions ends a user's sessions but one by a change.
func endSessions(ctx context.Context, s Store, tenant, userID, except string) error {
	return s.Apply(ctx, storage.Change{TenantID: tenant, UserID: userID, Now: now,
		EndSessions: &storage.SessionFilter{Except: except}})
}

// withdraw withdraws a consent by a change.
func withdraw(ctx context.Context, s Store, tenant, userID, clientID string) error {
	return s.Apply(ctx, storage.Change{TenantID: tenant, UserID: userID, Now: now, Withdraw: clientID})
}

// revoke revokes grants by a change, and returns how many the change itself revoked.
func revoke(ctx context.Context, s Store, tenant string, which storage.GrantFilter, why string,
	at time.Time,
) (n int64, err error) {
	err = s.Apply(ctx, storage.Change{
		TenantID: tenant, Now: at, Revoke: []storage.Revocation{{GrantFilter: which, Why: why}},
		OnEnd: func(e storage.Ended) ([]storage.Delivery, []storage.Event) {
			if !e.Later {
				n = int64(len(e.Grants))
			}
			return nil, nil
		},
	})
	return n, err
}

// pages reads a list two by two and fails unless it is in the order of bytes, without
// repetition.
func pages[T any](t *testing.T, read func(after string, limit int) ([]T, error), id func(T) string) map[string]bool {
	t.Helper()
	seen := make(map[string]bool)
	for after := ""; ; {
		page, err := read(after, 2)
		must(t, err)
		if len(page) > 2 {
			t.Fatalf("got %d records, want 2 at most", len(page))
		}
		for _, r := range page {
			if strings.Compare(id(r), after) <= 0 {
				t.Fatalf("got %q after %q, want ids to rise", id(r), after)
			}
			after = id(r)
			seen[after] = true
		}
		if len(page) == 0 {
			return seen
		}
	}
}
