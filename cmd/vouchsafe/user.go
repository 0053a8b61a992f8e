package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/internal/logging"
	"github.com/vouchsafe/vouchsafe/people/address"
	passwords "github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
)

type userCmd struct {
	Add      userAddCmd      `cmd:"" help:"Add a user."`
	Invite   userInviteCmd   `cmd:"" help:"Invite a user by mail, and print the link."`
	List     userListCmd     `cmd:"" help:"List users."`
	Show     userShowCmd     `cmd:"" help:"Show a user."`
	Password userPasswordCmd `cmd:"" help:"Set a user's password, and sign them out everywhere."`
	Recover  userRecoverCmd  `cmd:"" help:"Remove all second factors and passkeys of a user who lost them. Verify the user's identity first."`
	Disable  userDisableCmd  `cmd:"" help:"Lock a user out, and sign them out everywhere."`
	Enable   userEnableCmd   `cmd:"" help:"Let a disabled user in again."`
	Remove   userRemoveCmd   `cmd:"" help:"Remove a user with all their data."`
	Check    userCheckCmd    `cmd:"" help:"List users whose address or user name today's rules would refuse."`
	Import   userImportCmd   `cmd:"" help:"Add users from a file, with their passwords from another product."`
	Export   userExportCmd   `cmd:"" help:"Write users as JSON lines that import can read."`
}

type userAddCmd struct {
	Email         string `arg:"" help:"Their e-mail address."`
	Username      string `help:"A name to sign in with, besides the address." placeholder:"NAME"`
	Name          string `help:"Their full name." placeholder:"TEXT"`
	GivenName     string `help:"Their given name." placeholder:"TEXT"`
	FamilyName    string `help:"Their family name." placeholder:"TEXT"`
	Profile       string `type:"path" help:"A file with more of their profile: a JSON object of OpenID Connect claims, such as nickname, birthdate, phone_number and address." placeholder:"FILE"`
	Verified      bool   `help:"The address is confirmed to be theirs."`
	Admin         bool   `help:"They are an administrator of the tenant."`
	Reserved      bool   `help:"Allow a user name that the tenant reserves, such as support."`
	PasswordStdin bool   `help:"Read their password from standard input; a weak one causes a warning, not an error. Without it, a terminal asks for the password; elsewhere they get none, and cannot sign in until you set one (user password)."`
	tenantFlag
	jsonFlag
}

func (c *userAddCmd) Run(ctx context.Context, a *app) error {
	now := time.Now()
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	u := storage.User{
		TenantID: c.Tenant, ID: id.String(), EmailVerified: c.Verified, Username: c.Username,
		Profile:   storage.Profile{Name: c.Name, GivenName: c.GivenName, FamilyName: c.FamilyName},
		CreatedAt: now, UpdatedAt: now,
	}
	if err := readProfile(c.Profile, &u); err != nil {
		return err
	}
	if c.Admin {
		u.Roles = []string{"admin"}
	}
	email, err := address.Claim(c.Email)
	if err != nil {
		return fmt.Errorf("%q %w", c.Email, err)
	}
	email.Give(&u)
	if err := a.withStore(ctx, func(s store) error { return c.check(ctx, s, &u) }); err != nil {
		return err
	}
	creds, err := a.newPassword(ctx, c.PasswordStdin, u)
	if err != nil {
		return err
	}
	return a.withStore(ctx, func(s store) error {
		once, err := c.spends(ctx, s)
		if err != nil {
			return err
		}
		err = s.Apply(ctx, storage.Change{
			TenantID: c.Tenant, UserID: u.ID, Now: u.CreatedAt, Spend: once, Add: &u, Credentials: creds,
			Events: []storage.Event{byCLI(storage.Event{TenantID: c.Tenant, Kind: storage.EventUserAdded, UserID: u.ID})},
		})
		if errors.Is(err, storage.ErrExists) {
			return fmt.Errorf("another user already has the address %s, or that user name or one that looks like it", c.Email)
		} else if err != nil {
			return err
		}
		if len(creds) == 0 {
			fmt.Fprintf(a.stderr, "%s has no password yet: vouchsafe user password %s\n", c.Email, c.Email)
		}
		if c.JSON {
			return a.printJSON(viewUser(u))
		}
		fmt.Fprintln(a.stdout, u.ID)
		return nil
	})
}

// check holds the person to the rules of the tenant's sign-up page, before their password is
// asked for.
func (c *userAddCmd) check(ctx context.Context, s store, u *storage.User) error {
	t, err := s.Tenant(ctx, c.Tenant)
	if err != nil {
		return noSuch(err, "tenant", c.Tenant)
	}
	rules := t.Settings.SignUp.ReservedUsernames
	if c.Reserved {
		rules = []string{}
	}
	if err := giveUsername(u, u.Username, rules); err != nil {
		return err
	}
	if err := checkTexts(*u); err != nil {
		return err
	}
	if err := checkPhone(u); err != nil {
		return err
	}
	return freePhone(ctx, s, *u)
}

// spends is what adding the person spends: the first administrator ends the set-up link.
func (c *userAddCmd) spends(ctx context.Context, s store) ([]storage.Spent, error) {
	if !c.Admin || c.Tenant != firstAdmin.TenantID {
		return nil, nil
	}
	spent, err := s.IsSpent(ctx, c.Tenant, firstAdmin.Purpose, firstAdmin.Value)
	if spent || err != nil {
		return nil, err
	}
	return []storage.Spent{firstAdmin}, nil
}

// newPassword is a password's credential: from standard input, from whoever sits at
// the terminal, or none.
func (a *app) newPassword(ctx context.Context, fromStdin bool, u storage.User) ([]storage.Credential, error) {
	if !fromStdin && !a.interactive() {
		return nil, nil
	}
	var password string
	var err error
	if fromStdin {
		password, err = a.readSecret(ctx, "password")
	} else {
		password, err = a.askTwice(ctx, "Password")
	}
	if err != nil {
		return nil, err
	}
	cfg, err := a.config()
	if err != nil {
		return nil, err
	}
	roots, err := rootCAs(cfg.ExtraCAFile)
	if err != nil {
		return nil, err
	}
	policy := passwordPolicy(cfg, roots, logging.New(cfg.LogOptions(), a.stderr))
	err = policy.Check(ctx, password, u.Email, u.Username, u.Profile.Name, u.Profile.GivenName, u.Profile.FamilyName)
	switch {
	case err == nil:
	case !fromStdin, errors.Is(err, passwords.ErrTooShort), errors.Is(err, passwords.ErrTooLong):
		return nil, err
	default:
		// A script was told this password by somebody who runs the server, often for an
		// account that tests use. They are told what people would be.
		fmt.Fprintf(a.stderr, "vouchsafe: warning: %v\n", err)
	}
	hasher, err := newHasher(cfg)
	if err != nil {
		return nil, err
	}
	hash, err := hasher.Hash(ctx, password)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return []storage.Credential{{
		TenantID: u.TenantID, UserID: u.ID, Kind: storage.PasswordCredential,
		Data: hash, CreatedAt: now, UpdatedAt: now,
	}}, nil
}

type userListCmd struct {
	pageFlags
	tenantFlag
	jsonFlag
}

func (c *userListCmd) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, func(s store) error {
		if err := hasTenant(ctx, s, c.Tenant); err != nil {
			return err
		}
		all := some(c.pageFlags, func(after string) ([]storage.User, error) { return s.Users(ctx, c.Tenant, after, listing.PageSize) },
			func(u storage.User) string { return u.ID })
		return printList(a, c.JSON, all, viewUser, []string{"ID", "EMAIL", "USER NAME", "NAME", "STATE"}, func(u userView) []string {
			return []string{u.ID, u.Email, u.Username, u.Profile.Name, u.state()}
		})
	})
}

// userView is a person as commands print them.
type userView struct {
	ID            string          `json:"id"`
	Email         string          `json:"email,omitempty"`
	EmailVerified bool            `json:"email_verified"`
	Username      string          `json:"username,omitempty"`
	Phone         string          `json:"phone_number,omitempty"`
	PhoneVerified bool            `json:"phone_number_verified,omitempty"`
	Profile       storage.Profile `json:"profile"`
	Roles         []string        `json:"roles,omitempty"`
	Disabled      bool            `json:"disabled"`
	CreatedAt     time.Time       `json:"created_at"`
	UpdatedAt     time.Time       `json:"updated_at"`
}

func viewUser(u storage.User) userView {
	return userView{u.ID, u.Email, u.EmailVerified, u.Username, u.Phone, u.PhoneVerified, u.Profile, u.Roles, u.Disabled, u.CreatedAt, u.UpdatedAt}
}

func (u userView) state() string {
	var words []string
	for word, is := range map[string]bool{"disabled": u.Disabled, "unverified": !u.EmailVerified} {
		if is {
			words = append(words, word)
		}
	}
	return strings.Join(append(words, u.Roles...), " ")
}

// who names a person.
type who struct {
	User string `arg:"" help:"Their id, e-mail address or user name."`
	tenantFlag
}

func (w *who) find(ctx context.Context, s store) (storage.User, error) {
	if _, err := uuid.Parse(w.User); err == nil {
		u, err := s.User(ctx, w.Tenant, w.User)
		return u, noSuch(err, "person", w.User)
	}
	if email, err := address.Read(w.User); err == nil {
		u, err := s.UserByEmail(ctx, w.Tenant, email.Key())
		return u, noSuch(err, "person", w.User)
	}
	key, ok := username.Key(w.User)
	if !ok {
		return storage.User{}, noSuch(storage.ErrNotFound, "person", w.User)
	}
	u, err := s.UserByUsername(ctx, w.Tenant, key)
	return u, noSuch(err, "person", w.User)
}

// change finds the user and makes the change that do returns, with an event of this kind.
func (w *who) change(ctx context.Context, a *app, kind string, do func(storage.User) (storage.Change, error)) error {
	return a.withStore(ctx, func(s store) error {
		u, err := w.find(ctx, s)
		if err != nil {
			return err
		}
		ch, err := do(u)
		if err != nil {
			return err
		}
		return applyTo(ctx, s, u, kind, ch)
	})
}

// applyTo makes a change of the user, with an event of this kind.
func applyTo(ctx context.Context, s store, u storage.User, kind string, ch storage.Change) error {
	ch.TenantID, ch.UserID, ch.Now = u.TenantID, u.ID, time.Now()
	ch.Events = []storage.Event{byCLI(storage.Event{TenantID: u.TenantID, Kind: kind, UserID: u.ID})}
	return s.Apply(ctx, ch)
}

type userShowCmd struct{ who }

func (c *userShowCmd) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, func(s store) error {
		u, err := c.find(ctx, s)
		if err != nil {
			return err
		}
		return a.printJSON(viewUser(u))
	})
}

type userPasswordCmd struct {
	who
	PasswordStdin bool `help:"Read it from standard input instead of asking on the terminal."`
}

func (c *userPasswordCmd) Run(ctx context.Context, a *app) error {
	return c.change(ctx, a, storage.EventPasswordSet, func(u storage.User) (storage.Change, error) {
		if !c.PasswordStdin && !a.interactive() {
			return storage.Change{}, errors.New("there is no terminal on which to ask for the password: use --password-stdin")
		}
		creds, err := a.newPassword(ctx, c.PasswordStdin, u)
		return storage.Change{Raise: true, Credentials: creds}, err
	})
}

type userRecoverCmd struct{ who }

// Run takes all that can be asked for as a second factor. Passkeys too: who still has one
// signs in by it, and needs nobody's help.
func (c *userRecoverCmd) Run(ctx context.Context, a *app) error {
	return c.change(ctx, a, storage.EventFactorOff, func(storage.User) (storage.Change, error) {
		return storage.Change{RemoveCredentials: []storage.CredentialKey{
			{Kind: storage.TOTPCredential, ID: storage.AllIDs}, {Kind: storage.RecoveryCredential, ID: storage.AllIDs},
			{Kind: storage.PasskeyCredential, ID: storage.AllIDs}, {Kind: storage.DeviceCredential, ID: storage.AllIDs},
			{Kind: storage.FormerTOTPCredential, ID: storage.AllIDs}, {Kind: storage.FormerRecoveryCredential, ID: storage.AllIDs},
		}}, nil
	})
}

type userDisableCmd struct{ who }

func (c *userDisableCmd) Run(ctx context.Context, a *app) error {
	return c.change(ctx, a, storage.EventUserDisabled, func(u storage.User) (storage.Change, error) {
		u.Disabled, u.SecuredAt, u.UpdatedAt = true, time.Time{}, time.Now() // a mail does not open what an operator closed
		return storage.Change{
			Update: &u,
			// So that nothing of what the user had comes back when the account is enabled again.
			EndSessions: &storage.SessionFilter{},
			Revoke:      []storage.Revocation{{GrantFilter: storage.GrantFilter{UserID: u.ID}, Why: "user disabled"}},
		}, nil
	})
}

type userEnableCmd struct{ who }

func (c *userEnableCmd) Run(ctx context.Context, a *app) error {
	return c.change(ctx, a, storage.EventUserEnabled, func(u storage.User) (storage.Change, error) {
		u.Disabled, u.SecuredAt, u.UpdatedAt = false, time.Time{}, time.Now()
		return storage.Change{Update: &u}, nil
	})
}

type userRemoveCmd struct {
	who
	Yes bool `help:"Confirm the removal of the user with all their data."`
}

func (c *userRemoveCmd) Run(ctx context.Context, a *app) error {
	if !c.Yes {
		return fmt.Errorf("this permanently removes %s with all their data: confirm with --yes (user disable locks them out, and can be undone)", c.User)
	}
	return a.withStore(ctx, func(s store) error {
		u, err := c.find(ctx, s)
		if err != nil {
			return err
		}
		if err := applyTo(ctx, s, u, storage.EventUserRemoved, storage.Change{Remove: true}); err != nil {
			return err
		}
		a.finishRemoval(ctx, s, c.Tenant, storage.RemovalUser, u.ID)
		return nil
	})
}
