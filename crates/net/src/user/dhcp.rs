//! DHCP server (RFC 2131): each card that asks has an address of its own as long as the machine runs.

use std::net::{Ipv4Addr, SocketAddr};

use smoltcp::wire::{
    DHCP_CLIENT_PORT, DHCP_SERVER_PORT, DhcpMessageType, DhcpOption, DhcpPacket, DhcpRepr, EthernetAddress,
};

use super::plan::{GATEWAY, GUEST, NETMASK, RESOLVER};
use super::port::Port;
use super::udp;

/// The most cards; more get no address.
const MOST_LEASES: usize = 64;
/// Option Domain Name Server (RFC 2132, 3.8).
const DNS_SERVERS: u8 = 6;
/// In seconds.
const LEASE: u32 = 24 * 3600;

/// The addresses given away.
#[derive(Default)]
pub struct Leases(Vec<EthernetAddress>);

impl Leases {
    /// The port that requests come to.
    pub const PORT: u16 = DHCP_SERVER_PORT;

    fn address(&mut self, client: EthernetAddress) -> Option<Ipv4Addr> {
        let known = self.0.iter().position(|mac| *mac == client);
        let index = match known {
            Some(index) => index,
            None if self.0.len() < MOST_LEASES => {
                self.0.push(client);
                self.0.len() - 1
            }
            None => return None,
        };
        let [a, b, c, d] = GUEST.octets();
        Some(Ipv4Addr::new(a, b, c, d + index as u8))
    }

    /// Answers a request.
    pub fn answer(&mut self, request: &[u8], port: &mut Port) {
        let Ok(packet) = DhcpPacket::new_checked(request) else { return };
        let Ok(request) = DhcpRepr::parse(&packet) else { return };
        if request.server_identifier.is_some_and(|server| server != GATEWAY) {
            return;
        }
        let Some(address) = self.address(request.client_hardware_address) else { return };
        let wanted = request.requested_ip.unwrap_or(request.client_ip);
        let kind = match request.message_type {
            DhcpMessageType::Discover => DhcpMessageType::Offer,
            DhcpMessageType::Request if wanted == address => DhcpMessageType::Ack,
            DhcpMessageType::Request => DhcpMessageType::Nak,
            // Its address is the client's own affair; it only wants to know the rest.
            DhcpMessageType::Inform => DhcpMessageType::Ack,
            _ => return,
        };
        let inform = request.message_type == DhcpMessageType::Inform;
        reply(&request, kind, if inform { None } else { Some(address) }, port);
    }
}

fn reply(request: &DhcpRepr, kind: DhcpMessageType, address: Option<Ipv4Addr>, port: &mut Port) {
    let given = (kind != DhcpMessageType::Nak).then_some(());
    let resolver = RESOLVER.octets();
    let options = [DhcpOption { kind: DNS_SERVERS, data: &resolver }];
    let reply = DhcpRepr {
        message_type: kind,
        transaction_id: request.transaction_id,
        secs: 0,
        client_hardware_address: request.client_hardware_address,
        client_ip: request.client_ip,
        your_ip: address.filter(|_| given.is_some()).unwrap_or(Ipv4Addr::UNSPECIFIED),
        server_ip: Ipv4Addr::UNSPECIFIED,
        router: given.map(|()| GATEWAY),
        subnet_mask: given.map(|()| NETMASK),
        relay_agent_ip: Ipv4Addr::UNSPECIFIED,
        broadcast: request.broadcast,
        requested_ip: None,
        client_identifier: request.client_identifier,
        server_identifier: Some(GATEWAY),
        parameter_request_list: None,
        dns_servers: None,
        max_size: None,
        lease_duration: address.and(given).map(|()| LEASE),
        renew_duration: None,
        rebind_duration: None,
        additional_options: if given.is_some() { &options } else { &[] },
    };
    let mut bytes = vec![0; reply.buffer_len()];
    if reply.emit(&mut DhcpPacket::new_unchecked(&mut bytes[..])).is_err() {
        return;
    }
    // Who has no address yet hears broadcasts only.
    let has_address = given.is_some() && !request.client_ip.is_unspecified();
    let to = if has_address { request.client_ip } else { Ipv4Addr::BROADCAST };
    let from = SocketAddr::from((GATEWAY, DHCP_SERVER_PORT));
    udp::deliver(from, SocketAddr::from((to, DHCP_CLIENT_PORT)), &bytes, port);
}
