package apps

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/declare"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

// ClaimCmd is the family of commands about what apps learn of users.
type ClaimCmd struct {
	Explain claimExplainCmd `cmd:"" help:"Show what an app learns about a user: each claim, where it is given, the rule that gives it, and why others are missing."`
}

// claimExplainCmd shows each claim that an app gets about a user, and why others are missing.
type claimExplainCmd struct {
	User     string `arg:"" help:"Their id, email address or username." complete:"user"`
	ClientID string `arg:"" name:"client-id" help:"The client_id of the app." complete:"client"`
	Scope    string `help:"The scopes that the app asks for, separated by spaces; all of the client's when left out." placeholder:"SCOPES"`
	command.PlaceFlags
	command.JSONFlag
}

// Help says where rules are looked up.
func (*claimExplainCmd) Help() string {
	return "RULE is the file and line of a rule, or the database if the file does not have the rule as it is stored. " +
		"The files are those of the settings.\n\nFor another clients file, or a tenant other than default, name the " +
		"file:\n\n  vouchsafe claim explain USER CLIENT --clients FILE"
}

// Run evaluates the claims as the token endpoint would now, and prints the rule behind each. It changes nothing.
func (c *claimExplainCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		u, err := d.FindUser(ctx, c.User)
		if err != nil {
			return command.NoSuch(err, "user", c.User)
		}
		var scopes []string
		if c.Scope != "" {
			scopes = strings.Fields(c.Scope)
		}
		all, refused, err := d.Explain(ctx, u, c.ClientID, scopes)
		if err != nil {
			return command.NoSuch(err, "client", c.ClientID)
		}
		if err := c.place(ctx, a, d, all); err != nil {
			return err
		}
		if why, ok := refusals[refused]; ok {
			fmt.Fprintf(a.Err, "%s may not use %s: %s.\n", terminal.Printable(c.User), terminal.Printable(c.ClientID), why)
		}
		if c.JSON {
			return a.PrintJSON(all)
		}
		t := a.Table("CLAIM", "VALUE", "IN", "FROM", "RULE")
		for _, e := range all {
			t.Row(e.Claim, cmp.Or(string(e.Value), "-"), given(e), e.From, ruleOf(e))
		}
		return t.Flush()
	})
}

// refusals are the reasons why a user may not use a client, as people read them.
var refusals = map[string]string{
	storage.RefusedUnverified: "the email address isn't verified",
	storage.RefusedDomain:     "the email address is of another domain",
	storage.RefusedGroup:      "the user is in none of its groups",
}

// place says of each rule where the files of the settings declare it.
func (c *claimExplainCmd) place(ctx context.Context, a *command.App, d desk.Desk, all []claims.Explanation) error {
	cfg, err := a.Config()
	if err != nil || cfg.Tenants+cfg.Clients == "" {
		return err
	}
	t, err := d.Tenant(ctx)
	var client desk.Client
	if err == nil {
		client, err = d.Client(ctx, c.ClientID)
	}
	if err != nil {
		if c.Server != "" { // support may ask what an app learns, and may not read its record
			err = nil
		}
		return err
	}
	places := declaredRules(cfg, t.Tenant, client.Client, a.Flags["clients"] != "")
	for i, e := range all {
		switch e.Rule {
		case claims.OfTenant:
			all[i].Place = places.Tenant[e.Claim]
		case claims.OfClient:
			all[i].Place = places.Client[e.Claim]
		}
	}
	return nil
}

// given returns where a claim is given, or why it is not.
func given(e claims.Explanation) string {
	if e.Absent != "" {
		return "not in " + strings.Join(e.In, ", ") + ": " + e.Absent
	}
	return strings.Join(e.In, ", ")
}

// ruleOf returns which record has a rule, and where a file declares it.
func ruleOf(e claims.Explanation) string {
	if e.Rule == claims.BuiltIn {
		return e.Rule
	}
	return e.Rule + ", " + cmp.Or(e.Place, "database")
}

// declaredRules returns where the files of the settings declare the rules of a tenant and its client. A rule
// that a file does not have as it is stored is left out, and so are all rules of a file that cannot be read:
// the rules in force are those of the database. The clients file of the settings is that of the default tenant,
// unless the command names it.
func declaredRules(
	cfg *settings.Config, t storage.Tenant, c storage.Client, named bool,
) (places claims.Declared) {
	if cfg.Tenants != "" {
		all, _ := declare.ReadTenants(cfg.Tenants, cfg.Issuer)
		for _, d := range all {
			if d.ID == t.ID {
				places.Tenant = placesOfSame(d.Settings.Claims, t.Settings.Claims, d.ClaimPlaces)
			}
		}
	}
	if cfg.Clients != "" && (named || t.ID == storage.DefaultTenant) {
		all, _ := declare.ReadClients(cfg.Clients, cfg.AcceptsSamples())
		for _, d := range all {
			if d.ClientID == c.ClientID {
				places.Client = placesOfSame(d.Claims, c.Claims, d.ClaimPlaces)
			}
		}
	}
	return places
}

// placesOfSame returns the places of the declared rules that are stored as they are declared.
func placesOfSame(declared, stored []storage.ClaimRule, places map[string]string) map[string]string {
	same := map[string]string{}
	for _, d := range declared {
		for _, s := range stored {
			if reflect.DeepEqual(asJSON(d), asJSON(s)) {
				same[d.Claim] = places[d.Claim]
			}
		}
	}
	return same
}

// asJSON returns a rule as JSON has it.
func asJSON(r storage.ClaimRule) (v any) {
	raw, err := json.Marshal(r)
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	if err != nil {
		return nil
	}
	return v
}
