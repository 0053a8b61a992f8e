package chromiumtest

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// Authenticator plugs a security key of software into the browser's page, which says yes
// to everything: it holds passkeys, and verifies its owner when that is asked for. change
// may make it another one.
func Authenticator(t testing.TB, ctx context.Context, change func(*webauthn.VirtualAuthenticatorOptions)) webauthn.AuthenticatorID {
	t.Helper()
	options := &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21,
		Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true,
		HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		HasCmtgKey: true, // else it takes no credential from a test: cdproto always names the extension
	}
	if change != nil {
		change(options)
	}
	if _, err := chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	made, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: options})
	if err != nil {
		t.Fatal(err)
	}
	return made.AuthenticatorID
}
