package keratin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strconv"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/storage"
)

// loginOf returns a hash by which logins are compared: in the same time, however long they are.
func loginOf(user, password string) [sha256.Size]byte {
	return sha256.Sum256([]byte(strconv.Itoa(len(user)) + ":" + user + password))
}

// guesses bounds wrong passwords for private routes from one network.
var guesses = limit.Rule{Name: "keratin-private", Max: 20, Window: time.Minute}

// authenticated reports whether the app's server sent the request. Its error may be a *people.Limited.
func (d *Door) authenticated(a *asking) (bool, error) {
	user, password, sent := a.BasicAuth()
	if !sent {
		return false, nil
	}
	pass, err := d.People.Admit(a.Context(), a.asker, limit.Networks(a.asker.IP, guesses, limit.Stays)...)
	if err != nil {
		return false, err
	}
	got := loginOf(user, password)
	if subtle.ConstantTimeCompare(got[:], d.login[:]) != 1 {
		return false, nil
	}
	pass.GiveBack(a.Context())
	return true, nil
}

// number returns the number of the account in the path. A path with another text names no account.
func (a *asking) number() (int64, error) {
	text := a.PathValue("id")
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || text[0] == '+' {
		return 0, storage.ErrNotFound
	}
	return n, nil
}

// identity is an account at an upstream provider, as the app's server gets it.
type identity struct {
	Provider string `json:"provider"`
	ID       string `json:"provider_account_id"`
	Same     string `json:"provider_id"` // some releases of Keratin AuthN call it so
	Email    string `json:"email"`
}

// identitiesOf returns identities in the form of Keratin AuthN.
func identitiesOf(ids []storage.Identity) []identity {
	all := []identity{}
	for _, i := range ids {
		all = append(all, identity{i.Provider, i.Subject, i.Subject, i.Email})
	}
	return all
}

// account is GET /accounts/N.
func (d *Door) account(a *asking) error {
	n, err := a.number()
	if err != nil {
		return err
	}
	u, gone, err := d.People.Account(a.Context(), a.asker, n)
	if err != nil {
		return err
	}
	shown := map[string]any{
		"id": n, "username": d.People.Names.Shown(u), "oauth_accounts": []identity{}, "last_login_at": nil,
		"password_changed_at": nil, "locked": u.Disabled, "deleted": gone,
	}
	if !gone {
		details, err := d.People.Details(a.Context(), u)
		if err != nil {
			return err
		}
		shown["oauth_accounts"] = identitiesOf(details.Identities)
		shown["last_login_at"], shown["password_changed_at"] = atOf(details.LastSignIn), atOf(details.PasswordChanged)
	}
	return a.result(http.StatusOK, shown)
}

// atOf returns a time as JSON has it; null for the zero time.
func atOf(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

// changeable returns the user of the account in the path, if the app may change that account.
func (d *Door) changeable(a *asking) (storage.User, error) {
	n, err := a.number()
	if err != nil {
		return storage.User{}, err
	}
	return d.People.Changeable(a.Context(), a.asker, n)
}

// change returns a handler that changes the account in the path.
func (d *Door) change(do func(a *asking, u storage.User) error) func(*asking) error {
	return func(a *asking) error {
		u, err := d.changeable(a)
		if err != nil {
			return err
		}
		if err := do(a, u); err != nil {
			return err
		}
		return a.done()
	}
}

// rename is PATCH /accounts/N.
func (d *Door) rename(a *asking, u storage.User) error {
	return d.People.Rename(a.Context(), a.asker, u, a.fields["username"])
}

// lock is PATCH /accounts/N/lock.
func (d *Door) lock(a *asking, u storage.User) error { return d.People.Lock(a.Context(), a.asker, u) }

// unlock is PATCH /accounts/N/unlock.
func (d *Door) unlock(a *asking, u storage.User) error {
	return d.People.Unlock(a.Context(), a.asker, u)
}

// expire is PATCH /accounts/N/expire_password.
func (d *Door) expire(a *asking, u storage.User) error {
	return d.People.Expire(a.Context(), a.asker, u)
}

// archive is DELETE /accounts/N.
func (d *Door) archive(a *asking, u storage.User) error {
	return d.People.Archive(a.Context(), a.asker, u)
}

// unlinkOf is DELETE /accounts/N/oauth/P.
func (d *Door) unlinkOf(a *asking) error {
	u, err := d.changeable(a)
	if err != nil {
		return err
	}
	if err := d.People.Unlink(a.Context(), a.asker, u, a.PathValue("provider")); err != nil {
		return err
	}
	return writeJSON(a.w, http.StatusOK, struct{}{})
}

// add is POST /accounts/import.
func (d *Door) add(a *asking) error {
	u, err := d.People.Import(a.Context(), a.asker, a.fields["username"], a.fields["password"],
		isTrue(a.fields["locked"]))
	if err != nil {
		return err
	}
	n, err := d.People.Numbers.NumberOf(a.Context(), u.TenantID, u.ID, time.Now())
	if err != nil {
		return err
	}
	return a.result(http.StatusCreated, map[string]int64{"id": n.Number})
}
