package oauth

import (
	"testing"

	"github.com/ory/fosite"
)

// TestDescriptionsSayOnlyWhatIsWrong: fosite's values hint at causes that a request need not have.
func TestDescriptionsSayOnlyWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, e := range []*fosite.RFC6749Error{
		fosite.ErrInvalidRequest, fosite.ErrUnauthorizedClient, fosite.ErrAccessDenied, fosite.ErrInvalidClient,
	} {
		if got := Description(e.WithDescription("code is missing.")); got != "code is missing." {
			t.Errorf("%s: got %q", e.ErrorField, got)
		}
	}
	if got := Description(fosite.ErrInvalidGrant.WithDescription("No.").WithHint("Ask again.")); got != "No. Ask again." {
		t.Errorf("got %q", got)
	}
}
