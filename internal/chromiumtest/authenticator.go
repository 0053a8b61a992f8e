package chromiumtest

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// Authenticator gives the page a virtual security key that confirms every request. It stores
// passkeys and verifies its user when a page asks for that. change, unless nil, may alter its
// options.
func Authenticator(t testing.TB, ctx context.Context,
	change func(*webauthn.VirtualAuthenticatorOptions),
) webauthn.AuthenticatorID {
	t.Helper()
	options := &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21,
		Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true,
		HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		// without it the key accepts no credential from a test, because cdproto always names the
		// extension
		HasCmtgKey: true,
	}
	if change != nil {
		change(options)
	}
	if _, err := chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	made, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator,
		webauthn.AddVirtualAuthenticatorParams{Options: options})
	if err != nil {
		t.Fatal(err)
	}
	return made.AuthenticatorID
}
