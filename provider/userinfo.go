package provider

import "net/http"

func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) error { return nil }
