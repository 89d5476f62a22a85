package pace

import "net/netip"

// Customer is whom an address is counted to: itself, or of IPv6 the /64 around it, which is the smallest that one customer has. So nobody
// has 2^64 limits of their own.
func Customer(address netip.Addr) netip.Addr {
	address = address.Unmap().WithZone("")
	if !address.Is6() {
		return address
	}
	prefix, _ := address.Prefix(64) // fails for no IPv6 address
	return prefix.Addr()
}
