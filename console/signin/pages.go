package signin

import "github.com/vouchsafe/vouchsafe/console"

// Part returns the place.
func (c Config) Part() console.Part {
	p := place{c}
	return console.Part{Place: "sign-in", Templates: templates, Pages: []console.Page{
		{Method: get, Path: root, Scopes: read, Serve: p.index},
		{Method: get, Path: root + "/rules", Scopes: write, Fresh: true, Serve: p.rulesPage},
		{Method: post, Path: root + "/rules", Scopes: write, Fresh: true, Serve: p.rules},
		{Method: post, Path: undoPage, Scopes: write, Fresh: true, Serve: p.undo},
		{Method: get, Path: root + "/branding", Scopes: write, Serve: p.brandingPage},
		{Method: post, Path: root + "/branding", Scopes: write, Serve: p.branding},
		{Method: post, Path: root + "/branding/preview", Scopes: write, Serve: p.preview},
		{Method: get, Path: root + "/mails", Scopes: read, Serve: p.mails},
		{Method: get, Path: root + "/mails/html", Scopes: read, Serve: p.mailHTML},
		{Method: get, Path: root + "/mails/edit", Scopes: write, Fresh: true, Serve: p.mailPage},
		{Method: post, Path: root + "/mails/edit", Scopes: write, Fresh: true, Serve: p.saveMail},
		{Method: post, Path: root + "/mails/preview", Scopes: write, Serve: p.previewMail},
		{Method: get, Path: root + "/mails/reset", Scopes: write, Serve: p.askResetMail},
		{Method: post, Path: root + "/mails/reset", Scopes: write, Serve: p.resetMail},
		{Method: post, Path: root + "/mails/test", Scopes: write, Serve: p.testMail},
		{Method: get, Path: root + "/upstreams", Scopes: readUpstreams, Serve: p.upstreams},
		{Method: get, Path: root + "/upstreams/add", Scopes: writeUpstreams, Fresh: true, Serve: p.addPage},
		{Method: post, Path: root + "/upstreams/add", Scopes: writeUpstreams, Fresh: true, Serve: p.add},
		{Method: get, Path: provider, Scopes: readUpstreams, Serve: p.upstream},
		{Method: get, Path: provider + "/edit", Scopes: writeUpstreams, Fresh: true, Serve: p.editPage},
		{Method: post, Path: provider + "/edit", Scopes: writeUpstreams, Fresh: true, Serve: p.edit},
		{Method: post, Path: provider + "/switch", Scopes: writeUpstreams, Fresh: true, Serve: p.turn},
		{Method: post, Path: provider + "/up", Scopes: writeUpstreams, Serve: p.moveUp},
		{Method: post, Path: provider + "/try", Scopes: writeUpstreams, Serve: p.depart},
		{Method: get, Path: provider + "/tried", Scopes: writeUpstreams, Serve: p.tried},
		{Method: post, Path: provider + "/test", Scopes: writeUpstreams, Serve: p.try},
		{Method: get, Path: provider + "/remove", Scopes: writeUpstreams, Fresh: true, Serve: p.askRemove},
		{Method: post, Path: provider + "/remove", Scopes: writeUpstreams, Fresh: true, Serve: p.remove},
	}}
}
