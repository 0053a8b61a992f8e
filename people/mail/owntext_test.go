package mail

import (
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestOurTextsAreTextsOfTenants: what a tenant's text begins as can be stored, in each language, and is the same
// message.
func TestOurTextsAreTextsOfTenants(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "de", "es", "fr", "pt", "ru"} {
		for _, name := range Names() {
			m := storage.MailText{Message: name, Language: lang}
			m.Subject, m.Body = standard().OwnText(name, lang)
			for _, f := range CheckText(m) {
				t.Errorf("%s/%s: %s %s", lang, name, f.Field, f.Message)
			}
			at := &issuer.Tenant{Tenant: storage.Tenant{ID: "default", Name: "Acme"}, Issuer: "https://id.example"}
			ours, err := standard().Sample(at, name, lang)
			if err != nil {
				t.Fatal(err)
			}
			at.Settings.Mails = []storage.MailText{m}
			own, err := standard().Sample(at, name, lang)
			if err != nil {
				t.Fatal(err)
			}
			if own.Subject != ours.Subject || strings.TrimSpace(own.Text) != strings.TrimSpace(ours.Text) ||
				(own.HTML == "") != (ours.HTML == "") {
				t.Errorf("%s/%s: got %q\n%s\nwant %q\n%s", lang, name, own.Subject, own.Text, ours.Subject, ours.Text)
			}
		}
	}
}

// TestTextsOfTenantsThatCannotBeUsedAreRefused: unknown placeholders, a missing link or code, secrets in subjects.
func TestTextsOfTenantsThatCannotBeUsedAreRefused(t *testing.T) {
	t.Parallel()
	text := func(message, subject, body string) storage.MailText {
		return storage.MailText{Message: message, Language: "en", Subject: subject, Body: body}
	}
	for _, test := range []struct {
		m           storage.MailText
		field, says string
	}{
		{text("none", "a", "b"), "message", "no message"},
		{storage.MailText{Message: "invitation", Language: "xx", Subject: "a", Body: "{link}"}, "language", "no language"},
		{text("invitation", " ", "{link}"), "subject", "write a subject"},
		{text("invitation", "a\nBcc: x@example.com", "{link}"), "subject",
			"control"},
		{text("invitation", "{link}", "{link}"), "subject", "in the text only"},
		{text("invitation", "a", "hello"), "body", "{link} is missing"},
		{text("invitation", "a", "{link} {code}"), "body", "{code} has no value"},
		{text("invitation", "a", "{link} {password}"), "body", "no value"},
		{text("sign-in", "a", "hello"), "body", "neither {code} nor {link}"},
		{text("password-changed", "a", "hello"), "body", "{not_me} is missing"},
		{text("phone-code", "a", "{code}"), "subject", "no subject"},
		{text("invitation", "a", "{link}\x00"), "body", "control"},
		{text("invitation", "a", "{link}"+strings.Repeat("x", longestBody)),
			"body", "at most"},
	} {
		found := false
		for _, f := range CheckText(test.m) {
			found = found || f.Field == test.field && strings.Contains(f.Message, test.says)
		}
		if !found {
			t.Errorf("%+v: got %v, want %s: %s", test.m, CheckText(test.m), test.field, test.says)
		}
	}
	if faults := CheckText(text("sign-in", "a", "{code}")); faults != nil {
		t.Errorf("a code alone: got %v", faults)
	}
}

// TestValuesInTextsOfTenantsAreText: neither markup nor placeholders that a user chose act, and a paragraph about a
// link that the message does not have is left out.
func TestValuesInTextsOfTenantsAreText(t *testing.T) {
	t.Parallel()
	own := look{Text: &storage.MailText{Subject: "{tenant}: {reason}",
		Body: "<b>{reason}</b>\n\nNot you?\n{not_me}\n\n{link}"}}
	m := storage.Delivery{Template: "signed-in-as", Language: "en", Channel: storage.ChannelMail}
	msg, err := standard().renderWith(m, map[string]any{"Tenant": "Acme", "Reason": "<script>{link}</script>",
		"Link": "https://id.example/a?b=1&c=2", "NotMe": ""}, own)
	if err != nil {
		t.Fatal(err)
	}
	if msg.Subject != "Acme: <script>{link}</script>" || strings.Contains(msg.Text, "Not you?") ||
		!strings.Contains(msg.Text, "<b><script>{link}</script></b>") {
		t.Errorf("got %q\n%s", msg.Subject, msg.Text)
	}
	if strings.Contains(msg.HTML, "<script>") || strings.Contains(msg.HTML, "<b>") ||
		!strings.Contains(msg.HTML, `href="https://id.example/a?b=1&amp;c=2"`) {
		t.Errorf("got %s", msg.HTML)
	}
}
