package main

import (
	"fmt"
	"net/netip"
)

// secretText is a setting that is never printed.
type secretText string

const redacted = "(set, not shown)"

// String hides the secret from every fmt verb that would print it, and from slog.
func (s secretText) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString hides it from %#v.
func (s secretText) GoString() string { return s.String() }

// MarshalText hides it from JSON.
func (s secretText) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// prefix is a network, or an address as the network of just that one.
type prefix struct{ netip.Prefix }

// UnmarshalText reads 10.0.0.0/8 or 10.1.2.3.
func (p *prefix) UnmarshalText(text []byte) error {
	if addr, err := netip.ParseAddr(string(text)); err == nil {
		addr = addr.Unmap().WithZone("")
		p.Prefix = netip.PrefixFrom(addr, addr.BitLen())
		return nil
	}
	net, err := netip.ParsePrefix(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a network: write an address, or a network such as 10.0.0.0/8", text)
	}
	p.Prefix = net.Masked()
	return nil
}

func prefixes(ps []prefix) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range ps {
		out = append(out, p.Prefix)
	}
	return out
}
