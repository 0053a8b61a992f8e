package main

import (
	"io"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/admin"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
)

// commandsOf binds each operation of the management API to the command that does the same; or, after a hyphen, to the
// reason why there is none.
var commandsOf = map[string]string{
	"listUsers": "user list", "addUser": "user add", "getUser": "user show", "patchUser": "user edit",
	"putUser":    "- user edit changes what it is told to; a program that replaces a whole record calls the API",
	"removeUser": "user remove", "disableUser": "user disable", "enableUser": "user enable",
	"setPassword": "user password", "expirePassword": "user edit", "keepPassword": "user edit",
	"sendReset": "user send-reset", "liftLimits": "user lift-limits",
	"listRolesOfUser": "user show", "getFactors": "user show",
	"removeFactors": "user recover", "listPasskeys": "user passkeys", "removePasskey": "user remove-passkey",
	"listSessions": "user sessions", "endSession": "user sign-out", "endSessions": "user sign-out",
	"listGrants": "user grants", "revokeGrant": "user revoke-grant", "listApps": "user apps",
	"disconnectApp": "user disconnect", "listIdentities": "user identities", "unlinkIdentity": "user unlink",
	"listMemberships": "user show",
	"signInAs":        "user sign-in-as", "explainClaims": "claim explain",
	"invite": "user invite", "listInvitations": "invitation list", "getInvitation": "invitation list",
	"resendInvitation": "invitation resend", "withdrawInvitation": "invitation withdraw",

	"listAdministrators": "admin list", "setAdministrator": "admin add", "removeAdministrator": "admin remove",

	"listClients": "client list", "addClient": "client add", "getClient": "client show", "patchClient": "client edit",
	"putClient":     "- client edit changes what it is told to; client apply declares what a file has",
	"declareClient": "client apply",
	"removeClient":  "client remove", "listSecrets": "client secrets", "addSecret": "client add-secret",
	"removeSecret": "client remove-secret", "allowClient": "client allow", "denyClient": "client deny",
	"refreshClient": "client refresh", "listLogouts": "client logouts", "replayLogouts": "client replay-logouts",

	"listClientKeys": "api-key list", "addClientKey": "api-key add", "rotateClientKey": "api-key rotate",
	"removeClientKey": "api-key remove", "listUserKeys": "api-key list", "removeUserKey": "api-key remove",

	"listGroups": "group list", "addGroup": "group add", "getGroup": "group edit", "putGroup": "group edit",
	"removeGroup": "group remove", "listMembers": "group members", "addMember": "group join",
	"removeMember": "group leave",

	"listClientRoles": "role list", "putClientRole": "role edit", "removeClientRole": "role remove",
	"getClientRole": "role edit", "getAPIRole": "role edit",
	"listUsersWithClientRole": "role holders", "listGroupsWithClientRole": "role holders",
	"listServicesWithClientRole": "role holders", "listUsersWithAPIRole": "role holders",
	"listGroupsWithAPIRole": "role holders", "listServicesWithAPIRole": "role holders",
	"listAPIRoles": "role list", "putAPIRole": "role add", "removeAPIRole": "role remove",
	"giveClientRoleToUser": "role give", "giveClientRoleToGroup": "role give", "giveClientRoleToService": "role give",
	"giveAPIRoleToUser": "role give", "giveAPIRoleToGroup": "role give", "giveAPIRoleToService": "role give",
	"takeClientRoleFromUser": "role take", "takeClientRoleFromGroup": "role take",
	"takeClientRoleFromService": "role take", "takeAPIRoleFromUser": "role take", "takeAPIRoleFromGroup": "role take",
	"takeAPIRoleFromService": "role take",

	"listKeys": "key list", "rotateKeys": "key rotate", "removeKey": "key remove",
	"listWaiting": "mail waiting", "listDead": "mail dead", "retryMail": "mail retry", "dropMail": "mail drop",
	"listWebhooks": "webhook list", "addWebhook": "webhook add", "getWebhook": "webhook edit",
	"putWebhook": "webhook edit", "removeWebhook": "webhook remove", "rotateWebhook": "webhook rotate",
	"testWebhook": "webhook test", "listWebhookDeliveries": "webhook deliveries", "replayWebhook": "webhook replay",
	"listEvents":  "- programs ask again and again; audit list and audit export are for operators",
	"testMail":    "mail test",
	"searchAudit": "audit list", "getStats": "stats",

	"getTenant": "tenant show", "testUpstream": "upstream test",
	"putTenant": "tenant apply", "patchTenant": "tenant edit",

	"listAPIs": "api list", "getAPI": "api show", "putAPI": "api put", "removeAPI": "api remove",
	"patchAPI":      "- api put replaces the whole API, so that the same command always has the same result",
	"listUpstreams": "upstream list", "getUpstream": "upstream show",
	"putUpstream": "tenant apply", "patchUpstream": "tenant apply", "removeUpstream": "tenant apply",
	"exportAudit": "audit export",
	"listTenants": "tenant list", "getOneTenant": "tenant remove", "putOneTenant": "tenant add",
	"removeTenant": "tenant remove",
}

// Reasons why a command has no --server.
const (
	runsServer  = "it runs or checks the server itself"
	ownMachine  = "it is about files of this machine, and needs no database"
	wholeSecret = "the rows have password hashes and second factors, which no API hands out or takes"
	repairs     = "it repairs the database, whatever state the servers are in"
	compatible  = "it is for apps of another product, for which the API has no operation"
)

// localCommands are the commands that work on this machine only, with the reason.
var localCommands = map[string]string{
	"serve": runsServer, "server": runsServer, "healthcheck": runsServer, "migrate": repairs, "restored": repairs,
	"secret list": repairs, "secret reseal": repairs, "secret forget": repairs, "user check": repairs,
	"audit prune":  repairs,
	"tenant login": compatible,
	"user import":  wholeSecret, "user export": wholeSecret,
	"import keratin": wholeSecret,
	"client secret":  ownMachine, "gateway check": ownMachine, "config": ownMachine, "completion": ownMachine,
	"version": ownMachine, "help": ownMachine,
}

// TestEveryOperationHasACommand compares the table of the API with the commands. The commands of the table can work at
// a server, and so can all others, unless there is a reason.
func TestEveryOperationHasACommand(t *testing.T) {
	t.Parallel()
	a := &command.App{Terminal: terminal.Terminal{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}}
	if code := run(t.Context(), a, []string{"version"}); code != 0 {
		t.Fatalf("got exit %d", code)
	}
	remote := map[string]bool{}
	for _, leaf := range a.Parser.Model.Leaves(true) {
		name := strings.TrimPrefix(leaf.FullPath(), "vouchsafe ")
		for _, f := range leaf.Flags {
			remote[name] = remote[name] || f.Name == "server"
		}
		if why := localCommands[name]; remote[name] == (why != "") {
			t.Errorf("%s: it works at a server: %v; the reason why it works on this machine only is %q", name, remote[name], why)
		}
	}
	bound := map[string]bool{}
	for _, route := range admin.Routes() {
		command, ok := commandsOf[route.ID]
		if !ok {
			t.Errorf("%s %s (%s) has no command: add one, or the reason why there is none", route.Method, route.Path, route.ID)
		}
		if !strings.HasPrefix(command, "- ") && ok && !remote[command] {
			t.Errorf("%s: there is no command %q with --server", route.ID, command)
		}
		bound[route.ID] = true
	}
	for id := range commandsOf {
		if !bound[id] {
			t.Errorf("%s is no operation", id)
		}
	}
}
