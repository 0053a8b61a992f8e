package provider

import (
	"context"
	"crypto/x509"
)

// Fetcher reads a document that a client's metadata names.
type Fetcher interface {
	Fetch(ctx context.Context, url string) ([]byte, error)
}

// FetchConfig says what a Fetcher may reach.
type FetchConfig struct {
	AllowPrivate bool
	RootCAs      *x509.CertPool
}

// NewFetcher is a Fetcher.
func NewFetcher(FetchConfig) Fetcher { return nil }
