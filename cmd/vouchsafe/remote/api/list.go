package api

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
)

// pageSize is the number of entries of a full page: the most that the server gives.
const pageSize = "200"

// Page is a part of a list.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// Pages returns all entries of a list, page by page. An answer without a next page is the only end: a page may be
// short, or empty, in the middle of the list.
func Pages[T any](ctx context.Context, c *Client, path string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		ask := url.Values{"limit": {pageSize}}
		for name, values := range query {
			ask[name] = values
		}
		for {
			var p Page[T]
			_, err := c.Do(ctx, Call{Method: http.MethodGet, Path: path + "?" + ask.Encode()}, &p)
			if err != nil {
				yield(none, err)
				return
			}
			for _, v := range p.Items {
				if !yield(v, nil) {
					return
				}
			}
			switch p.Next {
			case "":
				return
			case ask.Get("after"):
				yield(none, fmt.Errorf("%s: the list of %s doesn't go on", c.issuer, path))
				return
			}
			ask.Set("after", p.Next)
		}
	}
}

// Whole reads a list that comes in one piece.
func Whole[T, R any](ctx context.Context, c *Client, path string, record func(T) R) ([]R, error) {
	var p Page[T]
	if err := c.Get(ctx, path, &p); err != nil {
		return nil, err
	}
	out := make([]R, len(p.Items))
	for i, v := range p.Items {
		out[i] = record(v)
	}
	return out, nil
}
