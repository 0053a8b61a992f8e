package declare

import (
	"encoding/json"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/vouchsafe/vouchsafe/storage"
)

// claimEntry is a rule about a claim, with its value as YAML has it.
type claimEntry struct {
	storage.ClaimRule
	Value literal `yaml:"value"`
}

// literal is a value that is the same for all users, in JSON.
type literal json.RawMessage

// readNode implements nodeReader.
func (l *literal) readNode(val *yaml.Node) error {
	var v any
	if val.ShortTag() == "!!timestamp" { // a date stays as it is written
		v = val.Value
	} else if err := val.Load(&v); err != nil || v == nil {
		return errors.New("want a text, a number, true, false, or a list of texts")
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return errors.New("want a text, a number, true, false, or a list of texts")
	}
	*l = raw
	return nil
}

// readRules returns the rules of entries that stand at claims, and where in the file each of them stands, by
// the claim.
func readRules(r *reader, entries []claimEntry) (rules []storage.ClaimRule, places map[string]string) {
	places = map[string]string{}
	for i, e := range entries {
		e.ClaimRule.Value = json.RawMessage(e.Value)
		rules = append(rules, e.ClaimRule)
		places[e.Claim] = placeOf(r.file, r.nodes[fmt.Sprintf("claims.%d", i)]).String()
	}
	return rules, places
}
