package doors

// need is what a route demands before it does or tells anything.
type need string

const (
	nothing need = "nothing" // everybody may read it; it does nothing
	// everybody may read the page; what is sent must come from it, in the same browser
	form      need = "a form of ours"
	account   need = "a session"                // and its form, for what is sent
	client    need = "a client"                 // that authenticates
	bearer    need = "an access token"          // of a person
	registrar need = "a tenant that registers"  // clients, or a registration access token
	app       need = "a first-party client"     // that authenticates
	appPerson need = "an app and its person"    // an access token that the app was given, and what only the app keeps
	manager   need = "an administrator's token" // for the management API, whose own matrix has its routes
	// for the console, whose own matrix has its pages
	administrator need = "an administrator's session"
	permission    need = "a session's permission" // the browser is sent to the client with a code, or asked
	trip          need = "the browser that left"  // for a provider, and what that has said there
	developer     need = "this machine"           // in development, at the default tenant only
	proxy         need = "a trusted proxy"        // that asks the gateway, at no host of users; package gateway opens it
	playground    need = "this machine, anywhere" // in development, at every tenant below the default one's host
)

// doors says what each route needs. A route without a row fails the test: add a row for a new
// route, and the matrix does the rest.
var doors = map[string]need{
	"/token":                            client,
	"/introspect":                       client,
	"/revoke":                           client,
	"/par":                              client,
	"/device_authorization":             client,
	"/userinfo":                         bearer,
	"/authorize":                        permission,
	"/logout":                           permission,
	"/register":                         registrar,
	"/jwks":                             nothing,
	"/.well-known/openid-configuration": nothing,
	"/.well-known/oauth-authorization-server": nothing,
	"/.well-known/oauth-protected-resource":   nothing,

	"/.well-known/change-password":      nothing,
	"/favicon.ico":                      nothing,
	"/apple-touch-icon.png":             nothing,
	"/apple-touch-icon-precomposed.png": nothing,

	"/language": form,

	"/login":                        form,
	"/login/passkey":                form,
	"/login/code":                   form,
	"/login/code/confirm":           form,
	"/select":                       form,
	"/second-factor":                form,
	"/second-factor/passkey":        form,
	"/second-factor/setup":          form,
	"/second-factor/setup/passkey":  form,
	"/second-factor/codes":          form,
	"/new-password":                 form,
	"/no-access":                    nothing,
	"/consent":                      form,
	"/device":                       form,
	"/device/done":                  nothing,
	"/device/qr.svg":                nothing,
	"/signup":                       form,
	"/signup/confirm":               form,
	"/forgot":                       form,
	"/reset":                        form,
	"/reset/done":                   form,
	"/not-me":                       form,
	"/signout":                      form,
	"/signed-out":                   nothing,
	"/setup":                        form,
	"/upstream/{upstream}":          form,
	"/upstream/{upstream}/callback": trip,
	"/federated/email":              form,
	"/federated/confirm":            form,
	"/federated/link":               form,
	"/":                             nothing,
	"/password/score":               nothing,

	"/account":                       account,
	"/account/profile":               account,
	"/account/email":                 account,
	"/account/email/confirm":         account,
	"/account/phone":                 account,
	"/account/phone/confirm":         account,
	"/account/password":              account,
	"/account/passkeys":              account,
	"/account/passkeys/options":      account,
	"/account/identities":            account,
	"/account/second-factor":         account,
	"/account/second-factor/app":     account,
	"/account/second-factor/passkey": account,
	"/account/second-factor/codes":   account,
	"/account/sessions":              account,
	"/account/apps":                  account,
	"/account/api-keys":              account,
	"/account/api-keys/new":          account,
	"/account/api-keys/shown":        account,
	"/account/activity":              account,
	"/account/data":                  account,
	"/account/delete":                account,
	"/account/deleted":               nothing,
	"/account/sign-in-as":            account,
	"/sign-in-as/end":                form,

	"/auth/sign-up":              app,
	"/auth/send-code":            app,
	"/auth/passkey-options":      app,
	"/auth/sign-in":              app,
	"/auth/refresh-tokens":       app,
	"/auth/confirm-email":        app,
	"/auth/accept-invitation":    app,
	"/auth/logout":               app,
	"/auth/reset-password":       app,
	"/auth/confirm-reset":        app,
	"/authorize-challenge":       app,
	"/auth/confir-email":         app,
	"/auth/change-phone":         appPerson,
	"/auth/confirm-change-phone": appPerson,
	"/auth/remove-phone":         appPerson,
	"/auth/list-identities":      appPerson,
	"/auth/unlink-identity":      appPerson,
	"/auth/begin-totp":           appPerson,
	"/auth/confirm-totp":         appPerson,
	"/auth/remove-totp":          appPerson,
	"/auth/update-password":      appPerson,
	"/auth/change-email":         appPerson,
	"/auth/confirm-change-email": appPerson,
	"/auth/delete-account":       appPerson,
	"/auth/list-api-keys":        appPerson,
	"/auth/add-api-key":          appPerson,
	"/auth/rotate-api-key":       appPerson,
	"/auth/remove-api-key":       appPerson,
	"/auth/openapi.json":         nothing,
	"/report-leaked-keys":        nothing,
	"/auth/":                     nothing,

	"/api/v1/":             manager,
	"/api/v1/openapi.json": nothing,
	"/.well-known/oauth-protected-resource/api/v1": nothing,

	"/admin":  administrator,
	"/admin/": administrator,

	"/static/brand.{hash:[0-9a-f]+}.css":   nothing,
	"/static/initial.{hash:[0-9a-f]+}.svg": nothing,
	"/static/{name}":                       nothing,

	"/forward-auth/{entry}": proxy,

	"/dev":                playground,
	"/dev/callback":       playground,
	"/dev/dev.js":         playground,
	"/dev/dev.css":        playground,
	"/dev/mail":           developer,
	"/dev/mail.json":      developer,
	"/dev/mail/{id}":      developer,
	"/dev/mail/{id}/html": developer,
	"/dev/google/":        developer,
	"/dev/facebook/":      developer,
}

// told are doors behind which a page says where to sign in, instead of leading there: the browser
// is not the account's own, and its user must know that.
var told = map[string]bool{"/account/email/confirm": true}
