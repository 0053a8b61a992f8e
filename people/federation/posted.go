package federation

import (
	"encoding/json"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// hopLife is how long an answer that was posted may take to come back by GET.
const hopLife = time.Minute

// posted is an answer that came as a form. The browser sends none of its cookies with what another
// site's page posts (SameSite=Lax), so that the answer is sealed and sent round once more, by GET:
// neither the code nor anything else of it stands in the address in clear.
type posted struct {
	Upstream string    `json:"u"`
	Until    time.Time `json:"x"`
	Answer   map[string][]string
}

// SealAnswer seals the parameters of an answer that the provider's page posted.
func (s *Service) SealAnswer(a people.Asker, p *upstream.Provider, answer map[string][]string) (string, error) {
	plain, err := json.Marshal(posted{Upstream: p.ID, Until: time.Now().Add(hopLife), Answer: answer})
	if err != nil {
		return "", err
	}
	return s.Secrets.Box(a.Tenant.ID, secret.UpstreamPosted).SealString(plain), nil
}

// OpenAnswer opens what SealAnswer sealed for the provider. Its error is Lost.
func (s *Service) OpenAnswer(a people.Asker, p *upstream.Provider, sealed string) (map[string][]string, error) {
	var answer posted
	plain, err := s.Secrets.Box(a.Tenant.ID, secret.UpstreamPosted).OpenString(sealed)
	if err == nil {
		err = json.Unmarshal(plain, &answer)
	}
	if err != nil || answer.Upstream != p.ID || !storage.Within(answer.Until.Add(-hopLife), time.Now(), hopLife) {
		return nil, Lost("the answer that was posted is not for this callback, or is too old")
	}
	return answer.Answer, nil
}
