//! What this network says on the link: who is where (ARP, neighbour discovery) and that there is a router (RFC 4861).

use std::net::{IpAddr, Ipv6Addr};

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::time::Duration;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetProtocol, Icmpv6Packet, Icmpv6Repr,
    IpProtocol, NdiscNeighborFlags, NdiscPrefixInfoFlags, NdiscPrefixInformation, NdiscRepr,
    NdiscRouterFlags,
};

use super::plan::{self, GATEWAY_MAC, PREFIX6, RESOLVER6, ROUTER6};
use super::port::Port;
use crate::MTU;

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// How long what is advertised holds.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// How long the router may be used: the most that the field takes.
const ROUTER_LIFETIME: Duration = Duration::from_secs(9000);
/// Recursive DNS Server (RFC 8106, 5.1): type, length in units of eight bytes, bytes in all.
const RDNSS: [u8; 2] = [25, 3];
const RDNSS_LEN: usize = 24;

/// Answers ARP requests for addresses that are here.
pub fn arp(packet: &[u8], port: &mut Port) {
    let Ok(request) = ArpPacket::new_checked(packet).and_then(|packet| ArpRepr::parse(&packet)) else {
        return;
    };
    let ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr,
        source_protocol_addr,
        target_protocol_addr,
        ..
    } = request
    else {
        return;
    };
    port.learn(source_protocol_addr.into(), source_hardware_addr);
    if operation != ArpOperation::Request || !plan::is_ours(target_protocol_addr.into()) {
        return;
    }
    let reply = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Reply,
        source_hardware_addr: GATEWAY_MAC,
        source_protocol_addr: target_protocol_addr,
        target_hardware_addr: source_hardware_addr,
        target_protocol_addr: source_protocol_addr,
    };
    port.send(source_hardware_addr, EthernetProtocol::Arp, reply.buffer_len(), |packet| {
        reply.emit(&mut ArpPacket::new_unchecked(packet));
    });
}

/// Answers neighbour and router solicitations; false if the packet is no such thing.
pub fn neighbour_discovery(
    from: Ipv6Addr,
    to: Ipv6Addr,
    packet: &[u8],
    mac: EthernetAddress,
    port: &mut Port,
) -> bool {
    let mut caps = ChecksumCapabilities::default();
    caps.icmpv6 = smoltcp::phy::Checksum::Tx;
    let Ok(packet) = Icmpv6Packet::new_checked(packet) else { return false };
    let Ok(Icmpv6Repr::Ndisc(message)) = Icmpv6Repr::parse(&from, &to, &packet, &caps) else { return false };
    match message {
        NdiscRepr::NeighborSolicit { target_addr, .. } if plan::is_ours(IpAddr::V6(target_addr)) => {
            port.learn(from.into(), mac);
            advertise_neighbour(target_addr, from, port);
        }
        NdiscRepr::RouterSolicit { .. } => {
            port.learn(from.into(), mac);
            advertise_router(port);
        }
        _ => {}
    }
    true
}

fn advertise_neighbour(target_addr: Ipv6Addr, asker: Ipv6Addr, port: &mut Port) {
    // Who has no address yet only asks whether this one is taken.
    let nobody = asker.is_unspecified();
    let mut flags = NdiscNeighborFlags::ROUTER | NdiscNeighborFlags::OVERRIDE;
    flags.set(NdiscNeighborFlags::SOLICITED, !nobody);
    let advert = NdiscRepr::NeighborAdvert { flags, target_addr, lladdr: Some(GATEWAY_MAC.into()) };
    let to = if nobody { ALL_NODES } else { asker };
    send(target_addr, to, &advert, &[], port);
}

fn advertise_router(port: &mut Port) {
    let prefix = NdiscPrefixInformation {
        prefix_len: 64,
        flags: NdiscPrefixInfoFlags::ON_LINK | NdiscPrefixInfoFlags::ADDRCONF,
        valid_lifetime: LIFETIME,
        preferred_lifetime: LIFETIME,
        prefix: PREFIX6,
    };
    let advert = NdiscRepr::RouterAdvert {
        hop_limit: 64,
        flags: NdiscRouterFlags::empty(),
        router_lifetime: ROUTER_LIFETIME,
        reachable_time: Duration::ZERO,
        retrans_time: Duration::ZERO,
        lladdr: Some(GATEWAY_MAC.into()),
        mtu: Some(MTU as u32),
        prefix_info: Some(prefix),
    };
    let mut resolver = [0; RDNSS_LEN];
    resolver[..2].copy_from_slice(&RDNSS);
    resolver[4..8].copy_from_slice(&(LIFETIME.secs() as u32).to_be_bytes());
    resolver[8..].copy_from_slice(&RESOLVER6.octets());
    send(ROUTER6, ALL_NODES, &advert, &resolver, port);
}

/// Sends a message with one more option.
fn send(from: Ipv6Addr, to: Ipv6Addr, message: &NdiscRepr, option: &[u8], port: &mut Port) {
    let message = Icmpv6Repr::Ndisc(*message);
    let len = message.buffer_len();
    port.send_ip(from.into(), to.into(), IpProtocol::Icmpv6, len + option.len(), |packet| {
        let caps = ChecksumCapabilities::ignored();
        message.emit(&from, &to, &mut Icmpv6Packet::new_unchecked(&mut packet[..len]), &caps);
        packet[len..].copy_from_slice(option);
        Icmpv6Packet::new_unchecked(packet).fill_checksum(&from, &to);
    });
}
