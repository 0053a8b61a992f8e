package log

import (
	"cmp"
	"strings"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/storage"
)

// piece is a part of a sentence: words of ours, or a name that others chose, which may lead somewhere.
type piece struct {
	Text, URL string
	Name      bool
}

// named are what the sentence about an event of a kind names, in order: see speaker.find. Kinds that are not here name
// the user or the client that they are about.
var named = map[string][]string{
	storage.EventConsentGiven:     {"user", "app"},
	storage.EventConsentDenied:    {"user", "app"},
	storage.EventConsentWithdrawn: {"user", "app"},
	storage.EventAccessRefused:    {"user", "app"},
	storage.EventUserInvited:      {"email"},
	storage.EventUserUninvited:    {"email"},
	storage.EventGroupJoined:      {"user", "group"},
	storage.EventGroupLeft:        {"user", "group"},
	storage.EventRoleGiven:        {"user", "role"},
	storage.EventRoleTaken:        {"user", "role"},
	storage.EventGroupAdded:       {"group"},
	storage.EventGroupChanged:     {"group"},
	storage.EventGroupRemoved:     {"group"},
	storage.EventRoleAdded:        {"role", "at"},
	storage.EventRoleChanged:      {"role", "at"},
	storage.EventRoleRemoved:      {"role", "at"},
	storage.EventRoleAssigned:     {"role", "to"},
	storage.EventRoleUnassigned:   {"role", "to"},
	storage.EventAPIAdded:         {"api"},
	storage.EventAPIChanged:       {"api"},
	storage.EventAPIRemoved:       {"api"},
	storage.EventUsersImported:    {"added"},
	storage.EventAdministratorSet: {"user", "role"},
	storage.EventActingBegan:      {"administrator", "user"},
	storage.EventActingEnded:      {"administrator", "user"},
	storage.EventAPIKeyAdded:      {"name", "holder"},
	storage.EventAPIKeyRotated:    {"name", "holder"},
	storage.EventAPIKeyRemoved:    {"name", "holder"},
	storage.EventAPIKeyLeaked:     {"name", "holder"},
	storage.EventIdentityLinked:   {"user", "upstream"},
	storage.EventIdentityUnlinked: {"user", "upstream"},
	storage.EventUpstreamFailed:   {"upstream"},
	storage.EventGrantRevoked:     {"app", "user"},
	storage.EventTokenRevoked:     {"app", "user"},
	storage.EventRefreshReused:    {"app", "user"},
	storage.EventRefreshAhead:     {"app", "user"},
	storage.EventCodeReused:       {"app", "user"},
	storage.EventCodeBurnt:        {"app", "user"},
	storage.EventTenantRemoved:    {"tenant"},
	storage.EventKeyRotated:       {"kid"},
	storage.EventKeyRemoved:       {"kid"},
	storage.EventAuditPruned:      {"rows"},
}

// wordOf returns the kind of an event, or a reason, as it stands in ids of texts.
func wordOf(s string) string { return strings.NewReplacer(".", "_", " ", "_").Replace(s) }

// sentenceOf returns the id of the sentence for events of a kind.
func sentenceOf(kind string) string { return "log.kind." + wordOf(kind) }

// sentence returns the id of the sentence about an event, and what it names.
func sentence(e storage.Event) (id string, names []string) {
	if e.Kind == storage.EventAdministratorSet && e.Detail["role"] == "" {
		return "log.kind.administrator_unset", []string{"user"}
	}
	names, ok := named[e.Kind]
	if k := kindOf(e.Kind); !ok && k != nil {
		switch k.Subject {
		case storage.AboutUser:
			names = []string{"user"}
		case storage.AboutClient:
			names = []string{"app"}
		}
	}
	return sentenceOf(e.Kind), names
}

// kindOf returns the description of a kind; nil for one of a newer release.
func kindOf(kind string) *storage.EventKind {
	for i := range storage.EventKinds {
		if storage.EventKinds[i].Kind == kind {
			return &storage.EventKinds[i]
		}
	}
	return nil
}

// place stands for a name in a sentence until it is split there.
const place = "\uFFFC"

// say returns the sentence about the event; a kind of a newer release is its own sentence.
func (s *speaker) say(e storage.Event) (all []piece) {
	id, names := sentence(e)
	marks := make([]any, len(names))
	for i := range marks {
		marks[i] = place
	}
	text, err := s.c.Words.Say(id, marks...)
	if err != nil {
		return []piece{{Text: e.Kind, Name: true}}
	}
	for i, words := range strings.Split(text, place) {
		if i > 0 {
			all = append(all, s.find(names[i-1], e))
		}
		if words != "" {
			all = append(all, piece{Text: words})
		}
	}
	return all
}

// find returns what an event says under a name: a user, a client, or a member of its detail.
func (s *speaker) find(name string, e storage.Event) piece {
	switch name {
	case "user":
		return s.user(e.UserID)
	case "app":
		return s.app(e.ClientID)
	case "holder":
		if e.UserID == "" {
			return s.app(e.ClientID)
		}
		return s.user(e.UserID)
	case "administrator":
		return s.user(cmp.Or(e.Detail["administrator"], e.Actor))
	case "at":
		return piece{Text: cmp.Or(e.Detail["client"], e.Detail["api"], "–"), Name: true}
	case "to":
		return piece{Text: cmp.Or(e.Detail["to_group"], e.Detail["to_client"], "–"), Name: true}
	}
	return piece{Text: cmp.Or(e.Detail[name], "–"), Name: true}
}

// why returns why the event happened and what an administrator can change; "" for what is no refusal.
func why(w texts.Words, e storage.Event) string {
	id := "log.why." + wordOf(e.Kind)
	if reason := e.Detail["reason"]; reason != "" {
		if text, err := w.Say(id + "_" + wordOf(reason)); err == nil {
			return text
		}
	}
	text, err := w.Say(id)
	if err != nil {
		return ""
	}
	return text
}

// speaker says what happened, with the names that users and clients have now. It looks each up once.
type speaker struct {
	c     *console.Call
	p     Config
	users map[string]piece
	apps  map[string]piece
}

func (p Config) speaker(c *console.Call) *speaker {
	return &speaker{c: c, p: p, users: map[string]piece{}, apps: map[string]piece{}}
}

// user returns the name of a user, which leads to what else happened to them.
func (s *speaker) user(id string) piece {
	if id == "" {
		return piece{Text: s.c.T("log.someone")}
	}
	if known, ok := s.users[id]; ok {
		return known
	}
	found := piece{Text: id, URL: s.c.Link(root, "person", id), Name: true}
	if s.c.May("users:read") {
		if u, err := s.p.Accounts.Store.User(s.c.Context(), s.c.Tenant().ID, id); err == nil {
			found.Text = cmp.Or(u.Profile.Name, u.Email, u.Username, u.Phone, id)
		}
	}
	s.users[id] = found
	return found
}

// app returns the name of a client, which leads to what else it did.
func (s *speaker) app(id string) piece {
	if id == "" {
		return piece{Text: s.c.T("log.an_app")}
	}
	if known, ok := s.apps[id]; ok {
		return known
	}
	found := piece{Text: id, URL: s.c.Link(root, "app", id), Name: true}
	if s.c.May("clients:read") {
		if client, err := s.p.Store.Client(s.c.Context(), s.c.Tenant().ID, id); err == nil {
			found.Text = cmp.Or(client.ClientName, id)
		}
	}
	s.apps[id] = found
	return found
}
