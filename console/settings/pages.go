package settings

import "github.com/vouchsafe/vouchsafe/console"

// Part returns the place. Every role may open its first page, which leads to what the role may see.
func (c Config) Part() console.Part {
	p := place{c}
	return console.Part{Place: "settings", Templates: templates, Pages: []console.Page{
		{Method: get, Path: root, Scopes: readMail, Serve: p.index},
		{Method: get, Path: root + "/about", Scopes: readTenant, Serve: p.about},

		{Method: get, Path: root + "/keys", Scopes: readKeys, Serve: p.keys},
		{Method: get, Path: root + "/keys/rotate", Scopes: writeKeys, Fresh: true, Serve: p.askRotate},
		{Method: post, Path: root + "/keys/rotate", Scopes: writeKeys, Fresh: true, Serve: p.rotate},
		{Method: get, Path: root + "/keys/remove", Scopes: writeKeys, Fresh: true, Serve: p.askRemoveKey},
		{Method: post, Path: root + "/keys/remove", Scopes: writeKeys, Fresh: true, Serve: p.removeKey},

		{Method: get, Path: root + "/mail", Scopes: readMail, Serve: p.mail},
		{Method: post, Path: root + "/mail/retry", Scopes: writeMail, Serve: p.retry},
		{Method: get, Path: root + "/mail/drop", Scopes: writeMail, Serve: p.askDrop},
		{Method: post, Path: root + "/mail/drop", Scopes: writeMail, Serve: p.drop},
		{Method: post, Path: root + "/mail/test", Scopes: writeMail, Serve: p.testMail},

		{Method: get, Path: root + "/webhooks", Scopes: readWebhooks, Serve: p.webhooks},
		{Method: get, Path: root + "/webhooks/add", Scopes: writeWebhooks, Fresh: true, Serve: p.addPage},
		{Method: post, Path: root + "/webhooks/add", Scopes: writeWebhooks, Fresh: true, Serve: p.add},
		{Method: get, Path: hook, Scopes: readWebhooks, Serve: p.webhook},
		{Method: get, Path: hook + "/edit", Scopes: writeWebhooks, Serve: p.editPage},
		{Method: post, Path: hook + "/edit", Scopes: writeWebhooks, Serve: p.edit},
		{Method: post, Path: hook + "/test", Scopes: writeWebhooks, Serve: p.testWebhook},
		{Method: post, Path: hook + "/replay", Scopes: writeWebhooks, Serve: p.replay},
		{Method: get, Path: hook + "/rotate", Scopes: writeWebhooks, Fresh: true, Serve: p.askRotateWebhook},
		{Method: post, Path: hook + "/rotate", Scopes: writeWebhooks, Fresh: true, Serve: p.rotateWebhook},
		{Method: get, Path: hook + "/remove", Scopes: writeWebhooks, Fresh: true, Serve: p.askRemoveWebhook},
		{Method: post, Path: hook + "/remove", Scopes: writeWebhooks, Fresh: true, Serve: p.removeWebhook},

		{Method: get, Path: root + "/api-keys", Scopes: readClients, Serve: p.apiKeys},
		{Method: get, Path: root + "/api-keys/add", Scopes: writeClients, Fresh: true, Serve: p.addKeyPage},
		{Method: post, Path: root + "/api-keys/add", Scopes: writeClients, Fresh: true, Serve: p.addKey},
		{Method: get, Path: root + "/api-keys/rotate", Scopes: writeClients, Fresh: true, Serve: p.askKey("rotate", false)},
		{Method: post, Path: root + "/api-keys/rotate", Scopes: writeClients, Fresh: true, Serve: p.rotateKey},
		{Method: get, Path: root + "/api-keys/revoke", Scopes: writeClients, Fresh: true, Serve: p.askKey("revoke", true)},
		{Method: post, Path: root + "/api-keys/revoke", Scopes: writeClients, Fresh: true, Serve: p.revokeKey},

		{Method: get, Path: root + "/administrators", Scopes: readAdmins, Serve: p.administrators},
		{Method: get, Path: root + "/administrators/add", Scopes: writeAdmins, Fresh: true, Serve: p.addAdministratorPage},
		{Method: post, Path: root + "/administrators/add", Scopes: writeAdmins, Fresh: true, Serve: p.addAdministrator},
		{Method: get, Path: root + "/administrators/invite", Scopes: writeAdmins, Fresh: true,
			Serve: p.inviteAdministratorPage},
		{Method: post, Path: root + "/administrators/invite", Scopes: writeAdmins, Fresh: true,
			Serve: p.inviteAdministrator},
		{Method: get, Path: root + "/administrator/{user}", Scopes: writeAdmins, Fresh: true, Serve: p.administrator},
		{Method: post, Path: root + "/administrator/{user}", Scopes: writeAdmins, Fresh: true, Serve: p.setRole},
	}}
}
