//! Ports of the host that lead into the guest.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

/// A port of the guest that the host listens for: `GUEST:HOST`, `GUEST:ADDRESS:HOST`, with `/udp` behind for UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward {
    /// UDP, not TCP.
    pub udp: bool,
    /// Where the host listens.
    pub host: SocketAddr,
    /// The port of the guest.
    pub guest: u16,
}

/// No forward.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no port forward; write GUEST:HOST like 22:2222, or GUEST:ADDRESS:HOST like 22:0.0.0.0:2222"
)]
pub struct BadForward(String);

impl FromStr for Forward {
    type Err = BadForward;

    fn from_str(text: &str) -> Result<Self, BadForward> {
        let bad = || BadForward(text.to_owned());
        let (ports, udp) = match text.rsplit_once('/') {
            Some((ports, "udp")) => (ports, true),
            Some((ports, "tcp")) => (ports, false),
            Some(_) => return Err(bad()),
            None => (text, false),
        };
        let port = |text: &str| text.parse().ok().filter(|port| *port != 0).ok_or_else(bad);
        let (guest, host) = ports.split_once(':').ok_or_else(bad)?;
        let host = match host.rsplit_once(':') {
            None => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port(host)?),
            Some((address, host)) => {
                let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
                let address: IpAddr = bare.unwrap_or(address).parse().map_err(|_| bad())?;
                SocketAddr::new(address, port(host)?)
            }
        };
        Ok(Self { udp, host, guest: port(guest)? })
    }
}

impl fmt::Display for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.udp { "UDP " } else { "" };
        write!(f, "{kind}{} -> guest {}", self.host, self.guest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwards_are_read() {
        for (text, told) in [
            ("22:2222", "127.0.0.1:2222 -> guest 22"),
            ("80:0.0.0.0:8080/tcp", "0.0.0.0:8080 -> guest 80"),
            ("53:[::1]:5353/udp", "UDP [::1]:5353 -> guest 53"),
        ] {
            assert_eq!(text.parse::<Forward>().unwrap().to_string(), told);
        }
        for bad in
            ["", "22", "22:", ":22", "0:22", "22:0", "22:70000", "22:host:22", "22:22/sctp", "22:1.2.3.4:"]
        {
            assert!(bad.parse::<Forward>().is_err(), "{bad}");
        }
    }
}
