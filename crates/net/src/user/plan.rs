//! The addresses of the guest's network, and what they stand for on the host.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use smoltcp::wire::EthernetAddress;

/// Of all that answers in this network.
pub const GATEWAY_MAC: EthernetAddress = EthernetAddress([0x52, 0x55, 0x0a, 0x00, 0x02, 0x02]);
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
pub const RESOLVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 3);
/// The first address that DHCP gives away.
pub const GUEST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
pub const NETMASK: Ipv4Addr = Ipv4Addr::new(255, 255, 255, 0);
pub const BROADCAST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 255);
/// A unique local prefix (RFC 4193); guests make their addresses in it themselves.
pub const PREFIX6: Ipv6Addr = Ipv6Addr::new(0xfd0a, 0, 2, 0, 0, 0, 0, 0);
pub const GATEWAY6: Ipv6Addr = Ipv6Addr::new(0xfd0a, 0, 2, 0, 0, 0, 0, 2);
pub const RESOLVER6: Ipv6Addr = Ipv6Addr::new(0xfd0a, 0, 2, 0, 0, 0, 0, 3);
/// The router's address on the link.
pub const ROUTER6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
const DNS: u16 = 53;

/// True if this network answers for the address on the link itself.
pub fn is_ours(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address == GATEWAY || address == RESOLVER,
        IpAddr::V6(address) => [GATEWAY6, RESOLVER6, ROUTER6].contains(&address),
    }
}

fn is_gateway(address: IpAddr) -> bool {
    address == GATEWAY || address == GATEWAY6 || address == ROUTER6
}

fn is_resolver(address: IpAddr) -> bool {
    address == RESOLVER || address == RESOLVER6
}

/// The socket address of the host that a guest means by `to`: the gateway is the host itself, the resolver is what
/// `resolver` names. `None` for what is nowhere: groups, the guest's own network, the guest's idea of a loopback.
pub fn on_host(to: SocketAddr, resolver: impl FnOnce() -> Option<SocketAddr>) -> Option<SocketAddr> {
    let ip = to.ip();
    if is_gateway(ip) {
        let loopback: IpAddr =
            if ip.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
        return Some(SocketAddr::new(loopback, to.port()));
    }
    if is_resolver(ip) {
        return if to.port() == DNS { resolver() } else { None };
    }
    let elsewhere = match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            !ip.is_multicast() && !ip.is_loopback() && a != 0 && a < 240 && [a, b, c] != [10, 0, 2]
        }
        IpAddr::V6(ip) => {
            let inside = ip.segments()[..4] == PREFIX6.segments()[..4];
            !ip.is_multicast()
                && !ip.is_loopback()
                && !ip.is_unspecified()
                && !ip.is_unicast_link_local()
                && !inside
                && ip.to_ipv4_mapped().is_none()
        }
    };
    elsewhere.then_some(to)
}

/// The host's first DNS server, by its `resolv.conf`.
pub fn host_resolver() -> Option<SocketAddr> {
    parse_resolvers(&std::fs::read_to_string("/etc/resolv.conf").ok()?)
}

fn parse_resolvers(text: &str) -> Option<SocketAddr> {
    let servers = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == "nameserver").then(|| words.next()).flatten()
    });
    servers.filter_map(|word| word.parse::<IpAddr>().ok()).map(|ip| SocketAddr::new(ip, DNS)).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(to: &str) -> Option<String> {
        let resolver = || Some("9.9.9.9:53".parse().unwrap());
        on_host(to.parse().unwrap(), resolver).map(|address| address.to_string())
    }

    #[test]
    fn addresses_stand_for_the_host_its_resolver_or_themselves() {
        for (guest, expected) in [
            ("10.0.2.2:80", "127.0.0.1:80"),
            ("[fd0a:0:2::2]:80", "[::1]:80"),
            ("[fe80::2]:80", "[::1]:80"),
            ("10.0.2.3:53", "9.9.9.9:53"),
            ("[fd0a:0:2::3]:53", "9.9.9.9:53"),
            ("192.0.2.7:22", "192.0.2.7:22"),
            ("[2001:db8::1]:22", "[2001:db8::1]:22"),
        ] {
            assert_eq!(host(guest).as_deref(), Some(expected), "{guest}");
        }
        for nowhere in [
            "10.0.2.3:80",
            "10.0.2.15:80",
            "10.0.2.255:1",
            "127.0.0.1:80",
            "224.0.0.251:5353",
            "255.255.255.255:67",
            "0.0.0.0:1",
            "[::1]:80",
            "[ff02::fb]:5353",
            "[fe80::3]:1",
            "[fd0a:0:2::15]:80",
            "[::]:1",
            "[::ffff:127.0.0.1]:80",
        ] {
            assert_eq!(host(nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn the_first_server_that_is_an_address_counts() {
        let text =
            "# nameserver 1.1.1.1\nsearch lan\nnameserver fe80::1%eth0\nnameserver ::1\nnameserver 8.8.8.8\n";
        assert_eq!(parse_resolvers(text), Some("[::1]:53".parse().unwrap()));
        assert_eq!(parse_resolvers("nameserver\n"), None);
    }
}
