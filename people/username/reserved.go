package username

import "strings"

// Reserved are the names that no user may take, unless a tenant has a list of its own. They look
// like names of the operator, are mailboxes that RFC 2142 reserves for operators, or have a meaning
// to programs.
var Reserved = []string{
	"admin", "administrator", "root", "sysadmin", "system", "superuser", "sudo", "operator", "owner", "moderator", "staff",
	"team", "official", "verified",
	"support", "help", "helpdesk", "service", "customerservice", "security", "trust", "safety", "legal", "privacy",
	"billing", "payments", "contact", "info",
	"abuse", "noc", "postmaster", "hostmaster", "webmaster", "usenet", "uucp", "ftp", "mail", "mailerdaemon",
	"noreply", "donotreply", "daemon",
	"api", "oauth", "openid", "login", "signin", "signup", "signout", "logout", "register", "account", "accounts",
	"settings", "password", "console", "dashboard",
	"me", "self", "everyone", "all", "anonymous", "guest", "nobody", "none", "null", "undefined", "unknown", "default",
	"user", "users", "bot", "vouchsafe",
}

// isReserved reports whether a name looks like one of the reserved names, with or without dots,
// hyphens and underscores. nil stands for Reserved.
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

// separators are removed before names are compared with reserved ones.
var separators = strings.NewReplacer(".", "", "_", "", "-", "")

// bare returns the skeleton of a name without separators, or "" if it is not a name.
func bare(name string) string {
	key, ok := Key(name)
	if !ok {
		return ""
	}
	return Skeleton(separators.Replace(key))
}
