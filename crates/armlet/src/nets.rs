//! `--net`: what can be said about a network card, and plugging it in.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use armlet::NetConfig;
use armlet_machine::MAX_QUEUE_PAIRS;
use armlet_machine::net::user::{Forward, UserConfig, UserError, UserNet};
use armlet_machine::net::{Mac, Network};

use crate::failure::{Failure, did_you_mean};

/// The port of DNS.
const DNS: u16 = 53;

/// What a card is plugged into.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Plug {
    User(UserConfig),
    Tap(String),
    /// There is to be no card.
    None,
}

/// A card as the command line has it: `user[,GUEST:HOST...][,dns=ADDR]` or `tap=NAME`, and `[,queues=N][,mac=ADDR]`, or `none`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetArg {
    plug: Plug,
    mac: Option<Mac>,
    /// Pairs of queues.
    pairs: u16,
}

impl FromStr for NetArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let kind = parts.next().unwrap_or_default();
        let plug = match kind.split_once('=') {
            None if kind == "user" => Plug::User(UserConfig::default()),
            None if kind == "none" => Plug::None,
            Some(("tap", name)) if !name.is_empty() => Plug::Tap(name.to_owned()),
            _ if kind == "tap" || kind == "tap=" => return Err("name the tap device: tap=tap0".to_owned()),
            _ => {
                let hint = did_you_mean(kind, ["user", "none"]);
                return Err(format!("there is no network {kind:?}{hint}; it is user, tap=NAME or none"));
            }
        };
        let mut arg = Self { plug, mac: None, pairs: 1 };
        parts.try_for_each(|option| arg.set(option))?;
        Ok(arg)
    }
}

impl NetArg {
    fn set(&mut self, option: &str) -> Result<(), String> {
        if self.plug == Plug::None {
            return Err("none takes no options".to_owned());
        }
        let user = match &mut self.plug {
            Plug::User(user) => Some(user),
            _ => None,
        };
        match (option.split_once('='), user) {
            (Some(("mac", mac)), _) => self.mac = Some(mac.parse().map_err(|error| format!("mac={error}"))?),
            (Some(("queues", count)), _) => self.pairs = pairs(count)?,
            (Some(("dns", server)), Some(user)) => user.resolver = Some(resolver(server)?),
            (Some(("hostfwd" | "guestfwd", _)), Some(_)) => {
                return Err(format!(
                    "{option:?} is for others; write GUEST:HOST, the guest's port first: 22:2222"
                ));
            }
            (None, Some(user)) if option.contains(':') => {
                user.forwards.push(option.parse::<Forward>().map_err(|error| error.to_string())?);
            }
            (_, Some(_)) => {
                return Err(format!(
                    "there is no option {option:?} of user; they are GUEST:HOST, dns=ADDR, queues=N and mac=ADDR"
                ));
            }
            (_, None) => {
                return Err(format!("there is no option {option:?} of tap; they are queues=N and mac=ADDR"));
            }
        }
        Ok(())
    }

    /// Plugs the card in. `index` makes the address where the user chose none.
    fn open(&self, index: u8) -> Result<Option<NetConfig>, Failure> {
        let (network, name): (Arc<dyn Network>, _) = match &self.plug {
            Plug::None => return Ok(None),
            Plug::User(config) => (Arc::new(user(config)?), describe(config)),
            Plug::Tap(name) => (tap(name, self.pairs)?, format!("tap {name}")),
        };
        Ok(Some(NetConfig { name, mac: self.mac.unwrap_or(Mac::of_card(index)), pairs: self.pairs, network }))
    }
}

/// The cards that the user asks for.
pub fn open(args: &[NetArg]) -> Result<Vec<NetConfig>, Failure> {
    let cards = (0..=u8::MAX).zip(args).map(|(index, arg)| arg.open(index));
    cards.filter_map(Result::transpose).collect()
}

fn pairs(text: &str) -> Result<u16, String> {
    let count = text.parse().ok().filter(|count| (1..=MAX_QUEUE_PAIRS).contains(count));
    count.ok_or_else(|| format!("queues={text}: write a number from 1 to {MAX_QUEUE_PAIRS}"))
}

fn resolver(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, DNS)).or_else(|_| text.parse());
    address.map_err(|_| format!("dns={text}: it is no address; write one like 1.1.1.1 or 127.0.0.1:5353"))
}

fn user(config: &UserConfig) -> Result<UserNet, Failure> {
    UserNet::new(config.clone()).map_err(|error| match &error {
        UserError::Listen { forward, .. } => {
            let fix = format!("choose another port than {} after {}:", forward.host.port(), forward.guest);
            Failure::input(format_args!("--net: {error}; {fix}"))
        }
        _ => Failure::broken(format_args!("--net: {error}")),
    })
}

fn describe(config: &UserConfig) -> String {
    let forwards: Vec<_> = config.forwards.iter().map(Forward::to_string).collect();
    let forwards = if forwards.is_empty() { String::new() } else { format!(", {}", forwards.join(", ")) };
    format!("user{forwards}")
}

#[cfg(target_os = "linux")]
fn tap(name: &str, queues: u16) -> Result<Arc<dyn Network>, Failure> {
    use armlet_machine::net::tap::Tap;
    let tap = Tap::open(name, queues).map_err(|error| Failure::input(format_args!("--net: {error}")))?;
    Ok(Arc::new(tap))
}

#[cfg(not(target_os = "linux"))]
fn tap(_: &str, _: u16) -> Result<Arc<dyn Network>, Failure> {
    Err(Failure::input("--net: there are tap devices on Linux only; use --net user"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read() {
        let net: NetArg =
            "user,22:2222,80:0.0.0.0:8080,dns=9.9.9.9,queues=8,mac=52:54:00:00:00:01".parse().unwrap();
        let Plug::User(config) = &net.plug else { panic!("{net:?}") };
        assert_eq!(describe(config), "user, 127.0.0.1:2222 -> guest 22, 0.0.0.0:8080 -> guest 80");
        assert_eq!(config.resolver, Some("9.9.9.9:53".parse().unwrap()));
        assert_eq!((net.pairs, "user".parse::<NetArg>().unwrap().pairs), (8, 1));
        assert_eq!(net.mac.unwrap().to_string(), "52:54:00:00:00:01");
        let net: NetArg = "tap=tap0,queues=2".parse().unwrap();
        assert_eq!((net.plug, net.pairs), (Plug::Tap("tap0".to_owned()), 2));
        assert!(open(&["none".parse().unwrap()]).unwrap().is_empty());
    }

    #[test]
    fn mistakes_are_named() {
        for (text, why) in [
            ("", "it is user, tap=NAME or none"),
            ("usr", "did you mean user?"),
            ("bridge", "there is no network \"bridge\""),
            ("tap", "tap=tap0"),
            ("user,2222", "there is no option \"2222\""),
            ("user,22:x", "write GUEST:HOST"),
            ("user,hostfwd=tcp::2222-:22", "the guest's port first"),
            ("user,dns=here", "dns=here: it is no address"),
            ("user,mac=1", "\"1\" is no address of a card"),
            ("tap=a,22:23", "of tap"),
            ("user,queues=0", "queues=0: write a number from 1 to 8"),
            ("user,queues=9", "queues=9: write a number from 1 to 8"),
            ("user,queues=two", "queues=two: write"),
            ("none,queues=2", "none takes no options"),
            ("none,mac=1", "none takes no options"),
        ] {
            let error = text.parse::<NetArg>().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_port_in_use_is_told() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let arg: NetArg = format!("user,22:{port}").parse().unwrap();
        let error = arg.open(0).err().unwrap().message;
        assert!(error.contains(&format!("can't listen on 127.0.0.1:{port}: ")), "{error}");
        assert!(error.contains(&format!("another port than {port} after 22:")), "{error}");
    }
}
