package settings

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Secret is the value of a setting that is never printed.
type Secret string

// Redacted is printed in the place of a Secret that is set.
const Redacted = "(set, not shown)"

// String hides the secret from every fmt verb that would print it, and from slog.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return Redacted
}

// GoString hides it from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides it from JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Network is a network of IP addresses; a single address is a network of one.
type Network struct{ netip.Prefix }

// UnmarshalText reads 10.0.0.0/8 or 10.1.2.3.
func (p *Network) UnmarshalText(text []byte) error {
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

// Prefixes returns the networks as the standard library has them.
func Prefixes(ps []Network) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range ps {
		out = append(out, p.Prefix)
	}
	return out
}

// short is 720h rather than 720h0m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// wrong notes a fault of the setting with the name.
type wrong func(name, format string, args ...any)
