package signin

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// undoPage takes back what a form changed.
const undoPage = root + "/undo"

// saved is what a form changed of the settings of a tenant, so that it can be taken back.
type saved struct {
	// Back is the page that says that it was undone, as Call.To returns it.
	Back string
	// Was are the parts that were changed, as they were; null for one that was not set.
	Was map[string]json.RawMessage
	// Now are hashes of these parts as they were saved.
	Now map[string]string
}

// partsOf returns the parts of the settings, by their names in a tenants file. Upstream providers are none of them: who
// may change the others may not change these.
func partsOf(t storage.Tenant) (map[string]json.RawMessage, error) {
	text, err := json.Marshal(t.Settings)
	if err != nil {
		return nil, err
	}
	parts := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &parts); err != nil {
		return nil, err
	}
	delete(parts, "upstreams")
	for name, value := range map[string]string{"name": t.Name, "logo_uri": t.LogoURI} {
		if parts[name], err = json.Marshal(value); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// hashOf returns a short hash of a part.
func hashOf(part json.RawMessage) string {
	sum := sha256.Sum256(part)
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// told ends a change of the settings: the page says that they were saved, and offers to undo what differs from was.
func (p place) told(c *console.Call, was storage.Tenant, back string) error {
	now, err := p.own(c)
	if err != nil {
		return err
	}
	before, err := partsOf(was)
	if err != nil {
		return err
	}
	after, err := partsOf(now)
	if err != nil {
		return err
	}
	s := saved{back, map[string]json.RawMessage{}, map[string]string{}}
	for _, parts := range []map[string]json.RawMessage{before, after} {
		for name := range parts {
			if string(before[name]) != string(after[name]) {
				s.Was[name], s.Now[name] = before[name], hashOf(after[name])
			}
		}
	}
	n := console.Notice{Text: c.T("console.saved")}
	if len(s.Was) > 0 {
		if n.Undo, err = c.UndoBy(undoPage, s); err != nil {
			return err
		}
	}
	return c.Tell(back, n)
}

// undo restores what a form changed, unless another change has overtaken it.
func (p place) undo(c *console.Call) error {
	var s saved
	if err := c.Undo(&s); err != nil {
		return err
	}
	was, err := p.own(c)
	if err != nil {
		return err
	}
	parts, err := partsOf(was)
	if err != nil {
		return err
	}
	for name, before := range s.Was {
		if hashOf(parts[name]) != s.Now[name] {
			return console.Overtaken(s.Back)
		}
		if parts[name] = before; string(before) == "null" {
			delete(parts, name)
		}
	}
	restored, name, logo, err := settingsOf(parts)
	if err != nil {
		return err
	}
	restored.Upstreams = was.Settings.Upstreams
	err = p.save(c, was, func(d *tenants.Declared) { d.Settings, d.Name, d.LogoURI = restored, &name, &logo }, "")
	if err != nil {
		return refuse(c, err, nil)
	}
	return c.Done(s.Back, "console.undone")
}

// settingsOf returns the settings, the name and the logo that the parts make up.
func settingsOf(parts map[string]json.RawMessage) (settings storage.TenantSettings, name, logo string, err error) {
	for part, into := range map[string]*string{"name": &name, "logo_uri": &logo} {
		if err := json.Unmarshal(parts[part], into); err != nil {
			return settings, "", "", err
		}
		delete(parts, part)
	}
	text, err := json.Marshal(parts)
	if err == nil {
		err = json.Unmarshal(text, &settings)
	}
	return settings, name, logo, err
}
