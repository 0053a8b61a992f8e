package main

import (
	"net"
	"net/netip"
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/gate"
	"github.com/vouchsafe/vouchsafe/internal/settings"
)

// guard puts before the server what bounds connections, and what learns from load balancers
// whose they are.
func (s *server) guard(listeners []net.Listener) {
	within := func(networks []settings.Network) func(netip.Addr) bool {
		return func(a netip.Addr) bool {
			return slices.ContainsFunc(networks, func(p settings.Network) bool { return p.Contains(a) })
		}
	}
	g := &gate.Gate{
		PerAddress: s.cfg.ConnectionsPerAddress,
		Exempt:     within(slices.Concat(s.cfg.TrustedProxies, s.cfg.UnlimitedAddresses)),
		Refused: func(address string) {
			s.metrics.refused.Inc()
			s.log.Warn("connections are refused: their address has too many", "address", address, "most", s.cfg.ConnectionsPerAddress)
		},
	}
	for i, l := range listeners {
		if s.cfg.ProxyProtocol {
			l = gate.Proxied(l, within(s.cfg.TrustedProxies), func(proxy net.Addr, err error) {
				s.log.Warn("a connection of a trusted proxy is refused", "proxy", proxy.String(), "error", err)
			})
		}
		listeners[i] = g.Listen(l)
	}
}
