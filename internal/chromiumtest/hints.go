package chromiumtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"
)

// hints fails the test in the end with what the browser's console tells developers about the forms of the pages that
// it has shown. chromium-headless-shell tells nothing: it has no part that fills in forms. Accessible therefore checks
// the same rules; to hear the browser itself, set CHROMIUM to the path of a whole one.
func hints(t testing.TB, ctx context.Context) {
	t.Helper()
	var lock sync.Mutex
	var said []string
	hear := func(format string, args ...any) {
		lock.Lock()
		defer lock.Unlock()
		if hint := fmt.Sprintf(format, args...); !slices.Contains(said, hint) {
			said = append(said, hint)
		}
	}
	if err := chromedp.Listen(ctx, func(ev any) {
		switch e := ev.(type) {
		case *audits.EventIssueAdded:
			d := e.Issue.Details.GenericIssueDetails
			// Chromium takes nickname, which is a word of the HTML Living Standard, for a mistake.
			if d != nil && strings.HasPrefix(string(d.ErrorType), "Form") && d.ErrorType !=
				audits.GenericIssueErrorTypeFormInputHasWrongButWellIntendedAutocompleteValueError {
				hear("%s: %s", d.ErrorType, d.ViolatingNodeAttribute)
			}
		case *log.EventEntryAdded:
			if e.Entry.Source == log.EntrySourceRecommendation {
				hear("%s: %s", e.Entry.URL, e.Entry.Text)
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	for _, enable := range []cdp.Command[cdp.Empty, cdp.Empty]{audits.Enable, log.Enable} {
		if _, err := chromedp.Call(ctx, enable, cdp.Empty{}); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		lock.Lock()
		defer lock.Unlock()
		for _, hint := range said {
			t.Errorf("Chromium says: %s", hint)
		}
	})
}

// formRules is a script that returns what is wrong with the forms of a page, by the rules of Chromium's console and
// the HTML Living Standard (4.10.18.7).
const formRules = `(() => {
	const found = [], say = (what, e) => found.push(what + ": " + e.outerHTML.slice(0, 200))
	const known = new RegExp("^(off|on|name|honorific-prefix|given-name|additional-name|family-name|honorific-suffix|" +
		"nickname|username|new-password|current-password|one-time-code|organization-title|organization|street-address|" +
		"address-line[1-3]|address-level[1-4]|country|country-name|postal-code|language|bday|bday-(day|month|year)|sex|" +
		"url|photo|tel|tel-[a-z-]+|email|impp)( webauthn)?$")
	const ids = new Set()
	for (const e of document.querySelectorAll("[id]")) {
		if (ids.has(e.id)) say("two elements have this id", e)
		ids.add(e.id)
	}
	for (const e of document.querySelectorAll("[aria-labelledby], [aria-describedby], [list]"))
		for (const name of ["aria-labelledby", "aria-describedby", "list"])
			for (const id of (e.getAttribute(name) ?? "").split(" ").filter(Boolean))
				if (!ids.has(id)) say("no element has the id " + id, e)
	for (const l of document.querySelectorAll("label")) if (!l.control) say("the label belongs to no field", l)
	for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
		const fill = e.getAttribute("autocomplete")
		if (!e.id && !e.name) say("the field has no id and no name", e)
		if (!e.form) say("the field belongs to no form", e)
		if (fill !== null && !known.test(fill)) say("no such word for autocomplete", e)
		if (fill === null && !/^(checkbox|radio|submit|button|file|select.*)$/.test(e.type)) say("the field has no autocomplete", e)
		if (e.type === "password" && e.form && ![...e.form.elements].some(f => /^(text|email)$/.test(f.type) && !!(4 &
			f.compareDocumentPosition(e)))) say("no username comes before the password", e)
	}
	return found
})()`
