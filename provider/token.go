package provider

import "net/http"

func (p *Provider) token(w http.ResponseWriter, r *http.Request) error { return nil }
