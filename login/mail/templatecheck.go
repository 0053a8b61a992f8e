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

// fields are what a message has beside .Tenant and .NotMe, which is empty where there is no
// change to disown.
var fields = map[string][]string{
	"account-changed": {"What", "Device", "IP", "Link"}, "account-deleted": {}, "account-exists": {"Link", "Reset"},
	"account-secured": {"Code", "Link"}, "confirm-email": {"Code", "Link"}, "confirm-new-email": {"Code", "Link"},
	"confirm-upstream": {"Code", "Link", "Provider"}, "email-changed": {"NewAddress"}, "email-restored": {}, "email-taken": {"Link"},
	"invitation": {"Link"}, "no-password": {"Link"}, "password-changed": {}, "phone-code": {"Code", "Host"},
	"reset-password": {"Code", "Link"}, "sign-in": {"Code", "Link"},
}

// layoutFields are what the layout has.
var layoutFields = []string{"Lang", "Tenant", "Subject", "Paragraphs"}

// samples are what fields hold when a template is tried.
var samples = map[string]string{
	"What": "A passkey was added.", "Device": "Firefox on Linux", "IP": "192.0.2.1", "Link": "https://id.example/link?a=1", "Reset": "https://id.example/reset",
	"Code": "1234 5678", "Provider": "Google", "NewAddress": "new@example.com", "Host": "id.example", "NotMe": "https://id.example/not-me", "Tenant": "Acme",
}

// fault is what is wrong with a file, and in which line.
func fault(file string, line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", file, line, fmt.Errorf(format, args...))
}

// located is an error of a template, which begins with the file and the line.
func located(err error) error {
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "html/"), "template:")
	return errors.New(strings.TrimSpace(text))
}

// readSource is the text of a file as editors of all systems write it, without a byte order mark
// and with line feeds alone between its lines.
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

// checkFields refuses fields that a template does not have, also where no message of today
// comes by.
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

// walk visits the fields of what a template is given. dot says whether that is the dot.
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

func walkBranch(n *parse.BranchNode, dot, inside bool, visit func(n parse.Node, field string)) {
	walk(n.Pipe, dot, visit)
	walk(n.List, inside, visit)
	walk(n.ElseList, dot, visit)
}

// own are the files of an operator's folder, by the message that they are a part of.
type own struct{ text, html string }

// check tries the operator's templates, so that a mail which cannot be made is found at the
// start and not when it should be sent.
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

// try makes the message with all fields, and without the one that may be empty.
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
		msg, err := t.renderWith(m, values)
		if err != nil {
			return located(err)
		}
		if err := checkMessage(m, msg, files); err != nil {
			return err
		}
	}
	return nil
}

// checkMessage says what is wrong with a message of samples.
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
	// The link stands in an attribute, where an ampersand is spelt otherwise; the sample has none.
	if files.html != "" && !strings.HasSuffix(files.html, layout) && !shows(msg.HTML) {
		return fault(files.html, 1, "has neither {{.Code}} nor {{.Link}}: its reader could not go on")
	}
	return nil
}
