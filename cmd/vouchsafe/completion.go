package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/completion"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/here"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/internal/datadir"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// completionCmd prints the script that makes a shell complete command lines. The hidden shell named words is how the
// scripts ask for candidates.
type completionCmd struct {
	Shell string   `arg:"" enum:"bash,zsh,fish,words" help:"bash, zsh or fish."`
	Words []string `arg:"" optional:"" passthrough:"" hidden:""`
}

// Help says how to use the script.
func (*completionCmd) Help() string {
	return `Load it in the running shell:

    bash:  source <(vouchsafe completion bash)
    zsh:   source <(vouchsafe completion zsh)
    fish:  vouchsafe completion fish | source

It completes commands, flags, and the names of users, groups, clients, APIs,
roles, keys, invitations and tenants in the database, and the ids of what a
user has, such as sessions, after the user.`
}

// Run prints the script, or a candidate a line. It offers nothing that a shell could take for more than a word.
func (c *completionCmd) Run(a *command.App) error {
	if c.Shell != "words" {
		_, err := fmt.Fprint(a.Out, completion.Scripts[c.Shell])
		return err
	}
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	current := ""
	if len(words) > 0 {
		words, current = words[:len(words)-1], words[len(words)-1]
	}
	p := completion.PlaceAfter(a.Parser.Model.Node, words)
	found := append(p.Candidates(), namesFor(a, p, current)...)
	for _, w := range found {
		if strings.HasPrefix(w, current) && completion.IsPlainWord(w) {
			fmt.Fprintln(a.Out, w)
		}
	}
	return nil
}

const (
	// completionTime is how long the user waits at most for names of the database.
	completionTime = time.Second
	// completionNames is how many names of a kind are offered.
	completionNames = 100
)

// namesFor returns the names of the database that may stand at the place and begin with the text. It makes no
// database, changes none, and says nothing if it cannot read one: a shell shows what it says amid the line.
func namesFor(a *command.App, p completion.Place, beginning string) []string {
	kind := p.Kind()
	if kind == "" {
		return nil
	}
	if data := p.Given["data"]; data != "" {
		a.Flags["data"] = data
	}
	a.ConfigFile = cmp.Or(p.Given["config"], a.ConfigFile)
	cfg, err := a.Config()
	if err != nil {
		return nil
	}
	if holds, err := datadir.Dir(cfg.Data).Holds(); !cfg.Production() && (err != nil || !holds) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), completionTime)
	defer cancel()
	s, err := sqldb.Open(ctx, installation.DatabaseURL(cfg))
	if err != nil {
		return nil
	}
	defer func() { _ = s.Close() }() // nothing was written
	tenant := cmp.Or(p.Given["tenant"], storage.DefaultTenant)
	if kind == "listed" {
		kind = listed[p.Command]
	}
	var names []string
	switch {
	case kind == "owned-role":
		names, err = storedOwnedRoles(ctx, s, tenant, beginning)
	case kind == "member":
		names, err = storedMembers(ctx, s, tenant, p.Arguments, beginning)
	case kind == "event":
		names, err = storedDeliveries(ctx, s, tenant, p.Arguments)
	case kind == "role":
		names, err = storedRoles(ctx, s, tenant, p.Given, beginning)
	case kind == "api-key":
		names, err = storedAPIKeys(ctx, s, tenant, p.Given)
	case len(p.Arguments) > 0 && kind == "client-secret":
		names, err = (&here.Desk{Store: s, Asker: askerAt(tenant)}).ClientSecrets(ctx, p.Arguments[0])
	case len(p.Arguments) > 0 && slices.Contains(belongings, kind):
		names, err = storedBelongings(ctx, s, kind, tenant, p.Arguments)
	default:
		names, err = storedNames(ctx, s, kind, tenant, beginning)
	}
	if err != nil {
		return nil
	}
	return names
}

// storedAPIKeys returns the ids of the API keys of the client or user that a flag before the word names.
func storedAPIKeys(
	ctx context.Context, s installation.Store, tenant string, given map[string]string,
) (ids []string, err error) {
	owner := storage.User{}
	if name := given["user"]; name != "" {
		accounts := &administration.Accounts{Store: s}
		if owner, err = accounts.Find(ctx, askerAt(tenant), name); err != nil {
			return nil, err
		}
	}
	all, err := s.APIKeysOf(ctx, tenant, owner.ID, given["client"])
	for _, k := range all {
		ids = append(ids, k.ID)
	}
	return ids, err
}

// storedNames returns names of the kind. All of them need not begin with the text.
func storedNames(
	ctx context.Context, s installation.Store, kind, tenant, beginning string,
) (names []string, err error) {
	switch kind {
	case "user":
		return s.NamesFrom(ctx, tenant, beginning, completionNames)
	case "client":
		all, err := s.Clients(ctx, tenant, before(beginning), completionNames)
		for _, c := range all {
			names = append(names, c.ClientID)
		}
		return names, err
	case "tenant":
		all, err := s.Tenants(ctx, before(beginning), completionNames)
		for _, t := range all {
			names = append(names, t.ID)
		}
		return names, err
	case "group":
		all, err := s.Groups(ctx, tenant, before(beginning), completionNames)
		for _, g := range all {
			names = append(names, g.ID)
		}
		return names, err
	case "webhook":
		all, err := s.Webhooks(ctx, tenant, before(beginning), completionNames)
		for _, w := range all {
			names = append(names, w.ID)
		}
		return names, err
	case "upstream":
		t, err := s.Tenant(ctx, tenant)
		for _, u := range t.Settings.Upstreams {
			names = append(names, u.ID)
		}
		return names, err
	case "api":
		t, err := s.Tenant(ctx, tenant)
		for _, api := range t.Settings.APIs {
			names = append(names, api.Identifier)
		}
		return names, err
	case "invitation":
		all, err := s.CodesFor(ctx, tenant, storage.CodeInvite, before(beginning), completionNames, time.Now())
		for _, c := range all {
			names = append(names, c.Target)
		}
		return names, err
	case "actor":
		all, err := storedNames(ctx, s, "client", tenant, beginning)
		return append(all, people.ActorCommand), err
	case "key":
		all, err := s.Keys(ctx, tenant, time.Time{})
		for _, k := range all {
			names = append(names, k.ID)
		}
		return names, err
	case "mail":
		all, err := s.DeadDeliveries(ctx, tenant, before(beginning), completionNames)
		for _, m := range all {
			names = append(names, m.ID)
		}
		return names, err
	case "secret":
		all, err := s.MasterSecrets(ctx)
		for _, m := range all {
			names = append(names, m.Fingerprint)
		}
		return names, err
	}
	return nil, nil
}

// askerAt is who completes words at a tenant. Reads need no more of it.
func askerAt(tenant string) people.Asker {
	return people.Asker{Tenant: &issuer.Tenant{Tenant: storage.Tenant{ID: tenant}}}
}

// belongings are the kinds of what belongs to a user.
var belongings = []string{"session", "grant", "app", "passkey", "linked", "subject"}

// storedBelongings returns ids of what belongs to the user who is the first argument.
func storedBelongings(ctx context.Context, s installation.Store, kind, tenant string, arguments []string) (
	names []string, err error,
) {
	accounts := &administration.Accounts{Store: s}
	u, err := accounts.Find(ctx, askerAt(tenant), arguments[0])
	if err != nil {
		return nil, err
	}
	switch kind {
	case "session":
		all, err := s.SessionsOf(ctx, tenant, u.ID, time.Now())
		for _, v := range all {
			names = append(names, v.ID)
		}
		return names, err
	case "grant":
		all, err := s.GrantsOf(ctx, tenant, u.ID, time.Now())
		for _, g := range all {
			names = append(names, g.ID)
		}
		return names, err
	case "app":
		all, err := s.ConsentsOf(ctx, tenant, u.ID)
		for _, c := range all {
			names = append(names, c.ClientID)
		}
		return names, err
	case "passkey":
		all, err := s.CredentialsOf(ctx, tenant, u.ID)
		for _, c := range all {
			if c.Kind == storage.PasskeyCredential {
				names = append(names, c.ID)
			}
		}
		return names, err
	case "linked", "subject":
		all, err := s.IdentitiesOf(ctx, tenant, u.ID)
		for _, id := range all {
			if kind == "linked" {
				names = append(names, id.Provider)
			} else if id.Provider == arguments[1] {
				names = append(names, id.Subject)
			}
		}
		return names, err
	}
	return nil, nil
}

// storedRoles returns the names of roles of the client or the API that the flags name.
func storedRoles(ctx context.Context, s installation.Store, tenant string, flags map[string]string, beginning string) (
	names []string, err error,
) {
	var all []storage.Role
	switch {
	case flags["api"] != "":
		all, err = s.RolesOfAPI(ctx, tenant, flags["api"], before(beginning), completionNames)
	case flags["client"] != "":
		all, err = s.RolesOfClient(ctx, tenant, flags["client"], before(beginning), completionNames)
	}
	for _, r := range all {
		names = append(names, r.Name)
	}
	return names, err
}

// listed are the kinds of what --after names, by the command that lists it.
var listed = map[string]string{
	"client list": "client", "group list": "group", "group members": "member", "invitation list": "invitation",
	"mail dead": "mail", "role list": "role", "tenant list": "tenant", "user list": "member", "webhook list": "webhook",
}

// storedMembers returns the ids of the users in the group that is the first argument, or of all users without one.
func storedMembers(ctx context.Context, s installation.Store, tenant string, arguments []string, beginning string) (
	ids []string, err error,
) {
	var all []storage.User
	if len(arguments) > 0 {
		all, err = s.Members(ctx, tenant, arguments[0], before(beginning), completionNames)
	} else {
		all, err = s.Users(ctx, tenant, before(beginning), completionNames)
	}
	for _, u := range all {
		ids = append(ids, u.ID)
	}
	return ids, err
}

// storedDeliveries returns the ids of the newest events that the webhook, which is the first argument, was to be sent.
func storedDeliveries(
	ctx context.Context, s installation.Store, tenant string, arguments []string,
) (ids []string, err error) {
	if len(arguments) == 0 {
		return nil, nil
	}
	all, err := s.WebhookDeliveries(ctx, tenant, arguments[0], 0, completionNames)
	for _, d := range all {
		ids = append(ids, d.EventID)
	}
	return ids, err
}

// storedOwnedRoles returns roles as OWNER#ROLE. It asks for the roles of an owner whose name is complete, and else for
// those of the first owners whose names begin with the text.
func storedOwnedRoles(ctx context.Context, s installation.Store, tenant, beginning string) (names []string, err error) {
	owner, role, whole := strings.Cut(beginning, "#")
	flags := map[string][]string{}
	for flag, kind := range map[string]string{"client": "client", "api": "api"} {
		if flags[flag], err = storedNames(ctx, s, kind, tenant, owner); err != nil {
			return nil, err
		}
	}
	for flag, owners := range flags {
		for _, o := range owners {
			if !strings.HasPrefix(o, owner) || whole && o != owner || len(names) >= completionNames {
				continue
			}
			roles, err := storedRoles(ctx, s, tenant, map[string]string{flag: o}, role)
			if err != nil {
				return nil, err
			}
			for _, r := range roles {
				names = append(names, o+"#"+r)
			}
		}
	}
	return names, nil
}

// before returns a text that comes before all texts that begin with this one, and after nearly all others.
func before(beginning string) string {
	if beginning == "" {
		return ""
	}
	last := len(beginning) - 1
	return beginning[:last] + string(rune(beginning[last]-1)) + "~"
}
