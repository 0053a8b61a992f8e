package mail

import (
	"regexp"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

// placeholders are the values of messages, by the names that they have in the texts of tenants.
var placeholders = map[string]string{
	"{tenant}": "Tenant", "{not_me}": "NotMe", "{what}": "What", "{device}": "Device", "{ip}": "IP", "{link}": "Link",
	"{reset}": "Reset", "{code}": "Code", "{provider}": "Provider", "{new_address}": "NewAddress", "{host}": "Host",
	"{reason}": "Reason", "{until}": "Until",
}

// placeholder matches what looks like one.
var placeholder = regexp.MustCompile(`\{[a-z_]*\}`)

// renderOwn returns subject and text of a message by the tenant's own text. A paragraph with a link that the message
// does not have is left out. Values are put in once: what a user wrote is not read for placeholders.
func renderOwn(own storage.MailText, values map[string]any) (subject, body string) {
	fill := func(s string) string {
		return placeholder.ReplaceAllStringFunc(s, func(name string) string {
			if value, ok := values[placeholders[name]].(string); ok {
				return value
			}
			return name
		})
	}
	var kept []string
	for paragraph := range strings.SplitSeq(own.Body, "\n\n") {
		if values["NotMe"] != "" || !strings.Contains(paragraph, "{not_me}") {
			kept = append(kept, paragraph)
		}
	}
	return fill(own.Subject), strings.TrimSpace(fill(strings.Join(kept, "\n\n"))) + "\n"
}
