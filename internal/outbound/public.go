package outbound

import "net/netip"

// Public reports whether an address belongs to the public internet. Addresses that are reserved for
// other uses do not (RFC 6890 and its successors in IANA's registries). Neither do addresses that
// contain an IPv4 address, which another router may unwrap (NAT64, 6to4, Teredo).
func Public(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsValid() || ip.Zone() != "" || !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	if ip.Is6() && !allocatedIPv6.Contains(ip) {
		return false
	}
	for _, reserved := range reservedAddresses {
		if reserved.Contains(ip) {
			return false
		}
	}
	return true
}

var (
	allocatedIPv6     = netip.MustParsePrefix("2000::/3")
	reservedAddresses = []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),       // this network
		netip.MustParsePrefix("100.64.0.0/10"),   // carriers' NAT, RFC 6598
		netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
		netip.MustParsePrefix("192.0.2.0/24"),    // documentation
		netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays
		netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
		netip.MustParsePrefix("198.51.100.0/24"), // documentation
		netip.MustParsePrefix("203.0.113.0/24"),  // documentation
		netip.MustParsePrefix("240.0.0.0/4"),     // future use, broadcast
		netip.MustParsePrefix("2001::/23"),       // protocol assignments, Teredo
		netip.MustParsePrefix("2001:db8::/32"),   // documentation
		netip.MustParsePrefix("2002::/16"),       // 6to4
		netip.MustParsePrefix("3fff::/20"),       // documentation
	}
)
