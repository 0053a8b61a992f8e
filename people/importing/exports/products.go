package exports

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

var products = map[string]*product{
	"keycloak": &keycloak, "auth0": &auth0, "firebase": &firebase, "supabase": &supabase, "kratos": &kratos,
	"django": &django, "wordpress": &wordpress, "laravel": &laravel, "aspnet": &aspnet, "keratin": &keratin,
	"pocketid": &pocketID,
}

// Products returns the names of the products, sorted.
func Products() []string { return slices.Sorted(maps.Keys(products)) }

// Open reads the further files of an export.
func Open(o Options, further []File) (*Export, error) {
	p := products[o.Product]
	if p == nil {
		return nil, fmt.Errorf("%q is none of %s", o.Product, strings.Join(Products(), ", "))
	}
	if o.Realm != "" && !slices.Contains(p.head, "realm") {
		return nil, fmt.Errorf("exports of %s have no realms", o.Product)
	}
	if o.Sealing == nil {
		o.Sealing = &Sealing{}
	}
	f := &files{Options: o, product: p, more: map[string]*extra{}, devices: map[string]string{}}
	for theirs, ours := range o.Names {
		if !slices.ContainsFunc(o.Upstreams, func(u storage.Upstream) bool { return u.ID == ours }) {
			return nil, fmt.Errorf("the tenant has no upstream %q, which is to be %s", ours, theirs)
		}
	}
	for _, file := range further {
		if p.further == nil {
			return nil, fmt.Errorf("%s: an export of %s is one file", file.Name, o.Product)
		}
		if err := f.readFurther(file); err != nil {
			return nil, fmt.Errorf("%s: %w", file.Name, err)
		}
	}
	return &Export{f}, nil
}
