package provider

import "net/http"

func (p *Provider) discovery(w http.ResponseWriter, r *http.Request) error { return nil }
