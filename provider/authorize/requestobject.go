package authorize

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/provider/oauth"
)

// maxRequestObject bounds what is read of a request object, in bytes of its JSON.
const maxRequestObject = 4 << 10

// answerWish is how a client wants to be answered: by which response mode, with which state.
type answerWish struct {
	State        string `json:"state"`
	ResponseMode string `json:"response_mode"`
}

// answerWishes reads how the client wants to be answered. A request object (OIDC Core 6.1) is refused, but
// the client that sent one waits for the answer in the way that the object says, which counts before what
// stands beside it. Nothing in it is believed: an attacker who could make it up could as well write the
// parameters beside it.
func answerWishes(form url.Values) answerWish {
	var out answerWish
	if states := form["state"]; len(states) == 1 {
		out.State = states[0]
	}
	if modes := form["response_mode"]; len(modes) == 1 {
		out.ResponseMode = modes[0]
	}
	objects := form["request"]
	if len(objects) != 1 {
		return out
	}
	_, rest, _ := strings.Cut(objects[0], ".")
	payload, _, ok := strings.Cut(rest, ".")
	if !ok || len(payload) > base64.RawURLEncoding.EncodedLen(maxRequestObject) {
		return out
	}
	plain, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return out
	}
	inner := out
	if json.Unmarshal(plain, &inner) != nil { // encrypted, or no request object at all
		return out
	}
	if !slices.Contains(oauth.ResponseModes, fosite.ResponseModeType(inner.ResponseMode)) {
		inner.ResponseMode = out.ResponseMode
	}
	return inner
}
