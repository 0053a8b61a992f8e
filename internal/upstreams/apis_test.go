package upstreams

import (
	"testing"

	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

func TestEveryPresetWithoutOpenIDHasCalls(t *testing.T) {
	t.Parallel()
	for _, preset := range upstream.Presets() {
		p, err := upstream.New(storage.Upstream{Preset: preset}, "")
		if err != nil {
			t.Fatal(err)
		}
		if api := apis[preset]; p.Kind.OpenID == (api.endpoint != nil && api.identify != nil) {
			t.Errorf("%s: OpenID is %v, and its row of apis has endpoint %v, identify %v", preset, p.Kind.OpenID,
				api.endpoint != nil, api.identify != nil)
		}
	}
}
