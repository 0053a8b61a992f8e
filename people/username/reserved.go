package username

import "strings"

// Reserved are the names that nobody may take where a tenant does not say which: those that
// people take for the operator's, those of mailboxes that RFC 2142 gives to operators, and
// those that programs mean something by.
var Reserved = []string{
	"admin", "administrator", "root", "sysadmin", "system", "superuser", "sudo", "operator", "owner", "moderator", "staff", "team", "official", "verified",
	"support", "help", "helpdesk", "service", "customerservice", "security", "trust", "safety", "legal", "privacy", "billing", "payments", "contact", "info",
	"abuse", "noc", "postmaster", "hostmaster", "webmaster", "usenet", "uucp", "ftp", "mail", "mailerdaemon", "noreply", "donotreply", "daemon",
	"api", "oauth", "openid", "login", "signin", "signup", "signout", "logout", "register", "account", "accounts", "settings", "password", "console", "dashboard",
	"me", "self", "everyone", "all", "anonymous", "guest", "nobody", "none", "null", "undefined", "unknown", "default", "user", "users", "bot", "vouchsafe",
}

// isReserved says whether a name is easily taken for one of the reserved ones, wherever dots,
// hyphens and underscores stand.
func isReserved(name string, reserved []string) bool {
	if reserved == nil {
		reserved = Reserved
	}
	like := bare(name)
	for _, r := range reserved {
		if like == bare(r) {
			return true
		}
	}
	return false
}

// separators stand in names and do not make one another.
var separators = strings.NewReplacer(".", "", "_", "", "-", "")

func bare(name string) string {
	key, ok := Key(name)
	if !ok {
		return ""
	}
	return Skeleton(separators.Replace(key))
}
