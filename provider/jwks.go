package provider

import "net/http"

func (p *Provider) jwks(w http.ResponseWriter, r *http.Request) error { return nil }
