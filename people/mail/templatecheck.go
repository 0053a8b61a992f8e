package mail

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template/parse"
	"unicode"
	"unicode/utf8"

	"github.com/vouchsafe/vouchsafe/storage"
)

// fields are the values of each message besides .Tenant and .NotMe. The latter is empty if the
// message reports no change that a user could revoke.
var fields = map[string][]string{
	"account-changed": {"What", "Device", "IP", "Link"}, "account-deleted": {}, "account-exists": {"Link", "Reset"},
	"account-secured": {"Code", "Link"}, "confirm-email": {"Code", "Link"}, "confirm-new-email": {"Code", "Link"},
	"confirm-upstream": {"Code", "Link", "Provider"}, "email-changed": {"NewAddress"}, "email-restored": {},
	"email-taken": {"Link"},
	"invitation":  {"Link"}, "no-password": {"Link"}, "password-changed": {}, "phone-code": {"Code", "Host"},
	"reset-password": {"Code", "Link"}, "sign-in": {"Code", "Link"}, "signed-in-as": {"Reason", "Until", "Link"},
}

// layoutFields are the values of the layout.
var layoutFields = []string{"Lang", "Dir", "Tenant", "Subject", "Paragraphs", "Preheader", "Filler", "Light", "Dark",
	"Logo", "Initial", "Host"}

// samples are the values with which a template is tried.
var samples = map[string]string{
	"What": "A passkey was added.", "Device": "Firefox on Linux", "IP": "192.0.2.1", "Link": "https://id.example/link?a=1",
	"Reset": "https://id.example/reset",
	"Code":  "1234 5678", "Provider": "Google", "NewAddress": "new@example.com", "Host": "id.example",
	"Reason": "Support request 4711", "Until": "2 January 2026, 15:04 UTC",
	"NotMe": "https://id.example/not-me", "Tenant": "Acme",
}

// fault returns an error that names the file and the line.
func fault(file string, line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", file, line, fmt.Errorf(format, args...))
}

// located returns the error of a template with the file and the line in front.
func located(err error) error {
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "html/"), "template:")
	return errors.New(strings.TrimSpace(text))
}

// readSource returns the text of a file without a byte order mark and with line feeds between its
// lines. It returns an error for a file that is not UTF-8 or that is empty.
func readSource(file string, raw []byte) (string, error) {
	if bytes.HasPrefix(raw, []byte{0xff, 0xfe}) || bytes.HasPrefix(raw, []byte{0xfe, 0xff}) {
		return "", fault(file, 1, "is in UTF-16: save it in UTF-8")
	}
	source := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(string(raw), "\ufeff"))
	line := 1
	for i, r := range source {
		_, size := utf8.DecodeRuneInString(source[i:])
		switch {
		case r == '\n':
			line++
		case r == utf8.RuneError && size == 1:
			return "", fault(file, line, "has a letter that is not in UTF-8: save it in UTF-8 (it is perhaps in Latin-1)")
		case unicode.IsControl(r) && r != '\t':
			return "", fault(file, line, "has the control character %U: save it as plain text in UTF-8", r)
		}
	}
	if strings.TrimSpace(source) == "" {
		return "", fault(file, 1, "is empty: write a text, or remove it for the built-in one")
	}
	return source, nil
}

// checkFields returns an error if the template uses a value that the message does not have, even in
// a branch that today's messages do not reach.
func checkFields(tree *parse.Tree, have []string) error {
	var bad error
	walk(tree.Root, true, func(n parse.Node, field string) {
		if bad != nil || slices.Contains(have, field) {
			return
		}
		at, _ := tree.ErrorContext(n)
		bad = fmt.Errorf("%s: there is no .%s here: it has .%s", at, field, strings.Join(have, ", ."))
	})
	return bad
}

// walk calls visit for each field of the template's values. dot says whether the dot stands for
// those values at n.
func walk(n parse.Node, dot bool, visit func(n parse.Node, field string)) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, each := range n.Nodes {
			walk(each, dot, visit)
		}
	case *parse.ActionNode:
		walk(n.Pipe, dot, visit)
	case *parse.TemplateNode:
		walk(n.Pipe, dot, visit)
	case *parse.IfNode:
		walkBranch(&n.BranchNode, dot, dot, visit)
	case *parse.WithNode:
		walkBranch(&n.BranchNode, dot, false, visit)
	case *parse.RangeNode:
		walkBranch(&n.BranchNode, dot, false, visit)
	case *parse.PipeNode:
		if n == nil {
			return
		}
		for _, cmd := range n.Cmds {
			for _, arg := range cmd.Args {
				walk(arg, dot, visit)
			}
		}
	case *parse.ChainNode:
		walk(n.Node, dot, visit)
	case *parse.FieldNode:
		if dot {
			visit(n, n.Ident[0])
		}
	case *parse.VariableNode:
		if n.Ident[0] == "$" && len(n.Ident) > 1 {
			visit(n, n.Ident[1])
		}
	}
}

// walkBranch walks both branches of an if, with or range. inside says whether the dot stands for
// the template's values in the first.
func walkBranch(n *parse.BranchNode, dot, inside bool, visit func(n parse.Node, field string)) {
	walk(n.Pipe, dot, visit)
	walk(n.List, inside, visit)
	walk(n.ElseList, dot, visit)
}

// own are the files in the operator's folder for one message.
type own struct{ text, html string }

// check renders the operator's templates with samples, so that a template that fails is found at
// the start and not when a mail is sent.
func (t *Templates) check(files map[string]own, layoutFile string) error {
	var errs []error
	if layoutFile != "" {
		errs = append(errs, t.try(fallback+"/sign-in", own{html: layoutFile}))
	}
	for _, key := range slices.Sorted(maps.Keys(files)) {
		errs = append(errs, t.try(key, files[key]))
	}
	return errors.Join(errs...)
}

// try renders the message with all values, and again without the one that may be empty.
func (t *Templates) try(key string, files own) error {
	language, name, _ := strings.Cut(key, "/")
	if t.text[key] == nil {
		return fmt.Errorf("%s is of a language that has no text of this message: write %s.txt, too", files.html, name)
	}
	m := storage.Delivery{Template: name, Language: language, Channel: storage.ChannelMail}
	if slices.Contains(texts, name) {
		m.Channel = storage.ChannelSMS
	}
	values := map[string]any{"Tenant": samples["Tenant"], "NotMe": samples["NotMe"]}
	for _, field := range fields[name] {
		values[field] = samples[field]
	}
	for _, notMe := range []string{samples["NotMe"], ""} {
		values["NotMe"] = notMe
		msg, err := t.renderWith(m, values, look{})
		if err != nil {
			return located(err)
		}
		if err := checkMessage(m, msg, files); err != nil {
			return err
		}
	}
	return nil
}

// checkMessage returns what is wrong with a message that was rendered from samples.
func checkMessage(m storage.Delivery, msg *Message, files own) error {
	shows := func(text string) bool {
		return !coded[m.Template] || strings.Contains(text, samples["Code"]) || strings.Contains(text, samples["Link"])
	}
	if files.text != "" {
		switch {
		case m.Channel == storage.ChannelSMS && strings.HasPrefix(msg.Text, "Subject:"):
			return fault(files.text, 1, "has a subject, which text messages do not have")
		case strings.TrimSpace(msg.Text) == "":
			return fault(files.text, 1, "has nothing below its subject: write a text")
		case !shows(msg.Text):
			return fault(files.text, 1, "has neither {{.Code}} nor {{.Link}}: its reader could not go on")
		}
	}
	// An ampersand in a link would be escaped in an attribute; the sample has none.
	if files.html != "" && !strings.HasSuffix(files.html, layout) && !shows(msg.HTML) {
		return fault(files.html, 1, "has neither {{.Code}} nor {{.Link}}: its reader could not go on")
	}
	return nil
}

// coded are the messages that contain a code.
var coded = map[string]bool{"confirm-email": true, "confirm-new-email": true, "confirm-upstream": true,
	"reset-password": true, "account-secured": true, "sign-in": true, "phone-code": true}
