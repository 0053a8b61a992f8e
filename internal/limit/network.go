package limit

import "net/netip"

// nat64 are the addresses by which hosts of IPv4 are seen behind a translator (RFC 6052
// section 2.1): the last four bytes are the host's.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// ipv6Networks are the networks that one customer may have as a whole: providers assign a /64, a
// /56 or a /48 (RFC 6177). A wider network may have more users in it, and therefore has more
// attempts.
var ipv6Networks = []struct {
	bits  int
	times int64
	name  string
}{{48, 4, "-48"}, {56, 2, "-56"}, {64, 1, ""}}

// Networks returns what attempts from an address are counted by: the address alone or, for IPv6, its /48, its
// /56 and its /64.
func Networks(ip string, rule Rule, onSuccess Effect) []By {
	addr, ok := ipv6(ip)
	if !ok {
		return []By{{Rule: rule, Subject: Network(ip), OnSuccess: onSuccess}}
	}
	var by []By
	for _, n := range ipv6Networks {
		net, err := addr.Prefix(n.bits)
		if err != nil {
			continue // no prefix is longer than an address
		}
		by = append(by, By{Rule: rule.Times(n.times, n.name), Subject: net.String(), OnSuccess: onSuccess})
	}
	return by
}

// Network returns the network that an address is counted for if there is one counter only: the
// address itself or, for IPv6, its /48. What is no address is returned as it is.
func Network(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	if v6, ok := ipv6(ip); ok {
		if net, err := v6.Prefix(48); err == nil {
			return net.String()
		}
	}
	return plain(addr).String()
}

// ipv6 returns the address, when it is one of IPv6 and stands for none of IPv4.
func ipv6(ip string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return addr, false
	}
	addr = plain(addr)
	return addr, addr.Is6()
}

// plain returns the address without its zone, and that of IPv4 for one that stands for it.
func plain(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if nat64.Contains(addr) {
		b := addr.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return addr
}
