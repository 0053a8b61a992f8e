package login

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/login/api"
)

// TestTheReferenceIsServed: the document is OpenAPI 3.1, whole, and names the issuer.
func TestTheReferenceIsServed(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	got := a.send(a.request(http.MethodGet, "/auth/openapi.json", ""))
	var doc struct {
		OpenAPI    string
		Info       struct{ Title, Version string }
		Servers    []struct{ URL string }
		Paths      map[string]map[string]struct{ OperationID, Summary string }
		Components struct{ Schemas map[string]json.RawMessage }
	}
	if err := json.Unmarshal([]byte(got.raw), &doc); err != nil {
		t.Fatal(err)
	}
	if got := got.header.Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("Access-Control-Allow-Origin is %q: what is public is for scripts of every origin", got)
	}
	if doc.OpenAPI != "3.1.1" || doc.Info.Title == "" || doc.Info.Version == "" || len(doc.Servers) != 1 ||
		doc.Servers[0].URL != a.url {
		t.Errorf("got %+v", doc)
	}
	ids := map[string]bool{}
	for _, route := range api.Routes() {
		o := doc.Paths[route.Path][strings.ToLower(route.Method)]
		if o.Summary == "" || o.OperationID == "" || ids[o.OperationID] {
			t.Errorf("%s %s: %+v", route.Method, route.Path, o)
		}
		ids[o.OperationID] = true
	}
	for _, ref := range regexp.MustCompile(`"\$ref":"#/components/schemas/([^"]+)"`).FindAllStringSubmatch(got.raw, -1) {
		if doc.Components.Schemas[ref[1]] == nil {
			t.Errorf("nothing is at %s", ref[1])
		}
	}
	if strings.Contains(got.raw, "null") {
		t.Errorf("the document has a null: %s", got.raw)
	}
}
