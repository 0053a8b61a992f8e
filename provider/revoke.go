package provider

import "net/http"

func (p *Provider) revoke(w http.ResponseWriter, r *http.Request) error { return nil }
