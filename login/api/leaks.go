package api

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/login/ui"
)

// LeaksPath is where scanners for secrets report API keys that they found in public, in the form of GitHub's secret
// scanning partner programme.
const LeaksPath = "/report-leaked-keys"

// maxLeaks is how many keys one report may have.
const maxLeaks = 100

// leak is a key that was found. What else a scanner says of it is ignored.
type leak struct {
	Token string `json:"token"`
	Type  string `json:"type"`
	URL   string `json:"url"`
}

// leakVerdict is what the scanner learns of a key.
type leakVerdict struct {
	Token string `json:"token_raw"`
	Type  string `json:"token_type"`
	Label string `json:"label"` // true_positive for a key that was alive, and is revoked now; or false_positive
}

// leaks serves the endpoint. It needs no authentication and no signature: a reporter has the key itself.
func (s *Server) leaks(w http.ResponseWriter, r *http.Request) {
	verdicts, err := s.removeLeaks(w, r)
	if err == nil {
		err = jsonapi.Write(w, http.StatusOK, verdicts)
	}
	if err != nil {
		s.apiFail(w, r, err)
	}
}

// removeLeaks revokes the keys of a report. A key that it has revoked stays revoked if a later one cannot be.
func (s *Server) removeLeaks(w http.ResponseWriter, r *http.Request) ([]leakVerdict, error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, &jsonapi.Problem{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Detail: "Use POST."}
	}
	body, err := jsonapi.ReadAll(w, r)
	if err != nil {
		return nil, err
	}
	var found []leak
	if json.Unmarshal(body, &found) != nil || len(found) == 0 || len(found) > maxLeaks {
		return nil, &jsonapi.Problem{Status: http.StatusBadRequest, Code: "malformed", Detail: fmt.Sprintf(
			"Send a JSON array of 1 to %d objects with the members token, type and url.", maxLeaks)}
	}
	verdicts := make([]leakVerdict, 0, len(found))
	for _, one := range found {
		alive, err := s.Keys.RemoveLeaked(r.Context(), ui.AppAsker(r), one.Token, one.URL)
		if err != nil {
			return nil, err
		}
		verdict := leakVerdict{one.Token, one.Type, "false_positive"}
		if alive {
			verdict.Label = "true_positive"
		}
		verdicts = append(verdicts, verdict)
	}
	return verdicts, nil
}
