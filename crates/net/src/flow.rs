//! Which frames belong together: those between two ends, in both directions.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use smoltcp::wire::{EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, Ipv6Packet};

/// A number that all frames of a TCP connection or an exchange of datagrams share, whichever way they go; other IP packets
/// share one by their addresses. `None` for what is not IP.
pub fn flow(frame: &[u8]) -> Option<u64> {
    let ethernet = EthernetFrame::new_checked(frame).ok()?;
    let packet = ethernet.payload();
    let (from, to, protocol, inner): (IpAddr, IpAddr, _, &[u8]) = match ethernet.ethertype() {
        EthernetProtocol::Ipv4 => {
            let ip = Ipv4Packet::new_checked(packet).ok()?;
            // Only the first fragment says more than addresses.
            let whole = !ip.more_frags() && ip.frag_offset() == 0;
            let inner = if whole { ip.payload() } else { &[] };
            (ip.src_addr().into(), ip.dst_addr().into(), ip.next_header(), inner)
        }
        EthernetProtocol::Ipv6 => {
            let ip = Ipv6Packet::new_checked(packet).ok()?;
            (ip.src_addr().into(), ip.dst_addr().into(), ip.next_header(), ip.payload())
        }
        _ => return None,
    };
    // Both protocols begin with the two ports.
    let ports = match (protocol, inner) {
        (IpProtocol::Tcp | IpProtocol::Udp, [a, b, c, d, ..]) => [[*a, *b], [*c, *d]],
        _ => [[0; 2]; 2],
    };
    Some(end(from, ports[0]).wrapping_add(end(to, ports[1])))
}

fn end(address: IpAddr, port: [u8; 2]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (address, port).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame between two ends of 10.0.2.0/24, each a last byte of the address and a port.
    fn frame(protocol: u8, from: (u8, u8), to: (u8, u8)) -> Vec<u8> {
        let ethernet = [&[2; 12][..], &[8, 0]].concat();
        let ip = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 2, from.0, 10, 0, 2, to.0];
        [&ethernet[..], &ip, &[0, from.1, 0, to.1, 0, 8, 0, 0]].concat()
    }

    #[test]
    fn both_directions_are_one_flow_and_others_are_others() {
        let there = flow(&frame(6, (15, 9), (2, 80)));
        assert!(there.is_some());
        assert_eq!(there, flow(&frame(6, (2, 80), (15, 9))));
        for (protocol, from, to) in [(6, (15, 10), (2, 80)), (6, (15, 9), (3, 80)), (6, (15, 80), (2, 9))] {
            assert_ne!(there, flow(&frame(protocol, from, to)));
        }
        assert_eq!(flow(&frame(1, (15, 9), (2, 80))), flow(&frame(1, (2, 7), (15, 7))), "by addresses alone");
        let mut fragment = frame(17, (15, 9), (2, 80));
        let whole = flow(&fragment);
        fragment[20] = 0x20;
        let first = flow(&fragment);
        (fragment[20], fragment[21], fragment[35]) = (0, 8, 77);
        assert!(first != whole && first == flow(&fragment), "fragments stay together");
    }

    #[test]
    fn what_is_cut_short_or_no_ip_is_no_flow() {
        let whole = frame(6, (15, 9), (2, 80));
        for len in 0..whole.len() {
            assert_eq!(flow(&whole[..len]), None, "{len}");
        }
        let mut arp = whole;
        arp[13] = 6;
        assert_eq!(flow(&arp), None);
    }
}
