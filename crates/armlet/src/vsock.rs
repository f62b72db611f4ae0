//! `--vsock`: a context id and a socket.

use std::str::FromStr;

use armlet::VsockConfig;

use crate::failure::did_you_mean;
use crate::machine_file::split;

/// The least number that a guest can have.
const FIRST_CID: u32 = 3;

/// A socket device as the command line has it: `CID,socket=FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VsockArg(pub VsockConfig);

impl FromStr for VsockArg {
    type Err = String;

    /// A comma in the socket's name is doubled.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = split(text).into_iter();
        let number = parts.next().unwrap_or_default();
        // All ones is anybody.
        let cid = number.parse().ok().filter(|cid| (FIRST_CID..u32::MAX).contains(cid));
        let cid = cid.ok_or_else(|| format!("{number:?} is no context id of a guest, which is 3 or more"))?;
        let mut socket = None;
        for option in parts {
            match option.split_once('=') {
                Some(("socket", path)) if !path.is_empty() => socket = Some(path.into()),
                Some(("socket", _)) => return Err("socket= wants a name".into()),
                _ => {
                    let name = option.split('=').next().unwrap_or_default();
                    let hint = did_you_mean(name, ["socket"]);
                    return Err(format!("there is no option {name:?}{hint}; the option is socket=FILE"));
                }
            }
        }
        let socket = socket.ok_or("say where the socket goes: 3,socket=FILE")?;
        Ok(Self(VsockConfig { cid, socket }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_device_has_a_number_and_a_place() {
        let expected = VsockConfig { cid: 7, socket: "/tmp/a,b".into() };
        assert_eq!("7,socket=/tmp/a,,b".parse(), Ok(VsockArg(expected)));
        for wrong in ["", "2,socket=x", "x,socket=y", "3", "3,socket=", "3,path=x", "4294967295,socket=x"] {
            assert!(wrong.parse::<VsockArg>().is_err(), "{wrong}");
        }
    }
}
