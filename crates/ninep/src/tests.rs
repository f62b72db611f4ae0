//! A client of few words.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use proptest::prelude::*;
use rustix::io::Errno;

use crate::wire::{Input, Output};
use crate::{Malformed, Options, Owners, Server};

type Answer = Result<Vec<u8>, Errno>;

struct Client {
    server: Server,
    dir: tempfile::TempDir,
}

impl Client {
    /// A directory whose root is fid 0.
    fn new(options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::new(dir.path(), options).unwrap();
        let client = Self { server, dir };
        let version = client.ask(100, |out| {
            out.u32(8192)?;
            out.string(b"9P2000.L")
        });
        assert_eq!(version.unwrap()[6..], *b"9P2000.L");
        client
            .ask(104, |out| {
                out.u32(0)?;
                out.u32(u32::MAX)?;
                out.string(b"")?;
                out.string(b"")?;
                out.u32(0)
            })
            .unwrap();
        client
    }

    fn host(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn ask(&self, kind: u8, body: impl FnOnce(&mut Output) -> crate::wire::Result<()>) -> Answer {
        let (mut request, mut reply) = (vec![0; 8192], vec![0; 8192]);
        let mut out = Output::new(&mut request);
        body(&mut out).unwrap();
        let len = out.seal(kind, 7);
        let len = self.server.handle(&request[..len], &mut reply).unwrap();
        let mut input = Input(&reply[..len]);
        assert_eq!(input.u32().unwrap() as usize, len);
        let answer = input.u8().unwrap();
        assert_eq!(input.u16(), Ok(7));
        if answer == 7 {
            return Err(Errno::from_raw_os_error(input.u32().unwrap() as i32));
        }
        assert_eq!(answer, kind + 1);
        Ok(input.0.to_vec())
    }

    fn walk(&self, fid: u32, new: u32, names: &[&str]) -> Answer {
        self.ask(110, |out| {
            out.u32(fid)?;
            out.u32(new)?;
            out.u16(names.len() as u16)?;
            names.iter().try_for_each(|name| out.string(name.as_bytes()))
        })
    }

    fn open(&self, fid: u32, flags: u32) -> Answer {
        self.ask(12, |out| {
            out.u32(fid)?;
            out.u32(flags)
        })
    }

    fn create(&self, fid: u32, name: &str, flags: u32, mode: u32) -> Answer {
        self.ask(14, |out| {
            out.u32(fid)?;
            out.string(name.as_bytes())?;
            out.u32(flags)?;
            out.u32(mode)?;
            out.u32(0)
        })
    }

    fn write(&self, fid: u32, offset: u64, data: &[u8]) -> Answer {
        self.ask(118, |out| {
            out.u32(fid)?;
            out.u64(offset)?;
            out.u32(data.len() as u32)?;
            out.bytes(data)
        })
    }

    fn read(&self, fid: u32, offset: u64, count: u32) -> Answer {
        let answer = self.ask(116, |out| {
            out.u32(fid)?;
            out.u64(offset)?;
            out.u32(count)
        })?;
        Ok(answer[4..].to_vec())
    }

    fn named(&self, kind: u8, fid: u32, name: &str, numbers: &[u32]) -> Answer {
        self.ask(kind, |out| {
            out.u32(fid)?;
            out.string(name.as_bytes())?;
            numbers.iter().try_for_each(|number| out.u32(*number))
        })
    }

    fn clunk(&self, fid: u32) -> Answer {
        self.ask(120, |out| out.u32(fid))
    }

    /// Mode, owner, group.
    fn stat(&self, fid: u32) -> (u32, u32, u32) {
        let answer = self
            .ask(24, |out| {
                out.u32(fid)?;
                out.u64(u64::MAX)
            })
            .unwrap();
        let mut input = Input(&answer[21..]);
        (input.u32().unwrap(), input.u32().unwrap(), input.u32().unwrap())
    }

    fn set(&self, fid: u32, valid: u32, mode: u32, owner: u32, size: u64) -> Answer {
        self.ask(26, |out| {
            [fid, valid, mode, owner, owner].iter().try_for_each(|number| out.u32(*number))?;
            out.u64(size)?;
            (0..4).try_for_each(|_| out.u64(0))
        })
    }

    /// Names in a folder, in batches of so many bytes.
    fn names(&self, fid: u32, count: u32) -> Vec<String> {
        let (mut names, mut offset) = (Vec::new(), 0);
        loop {
            let answer = self
                .ask(40, |out| {
                    out.u32(fid)?;
                    out.u64(offset)?;
                    out.u32(count)
                })
                .unwrap();
            let mut input = Input(&answer[4..]);
            if input.0.is_empty() {
                return names;
            }
            while !input.0.is_empty() {
                input.bytes(13).unwrap();
                offset = input.u64().unwrap();
                input.u8().unwrap();
                names.push(String::from_utf8(input.string().unwrap().to_vec()).unwrap());
            }
        }
    }
}

const MAPPED: Options = Options { read_only: false, owners: Owners::Mapped };

#[test]
fn files_are_made_written_and_read() {
    let client = Client::new(Options::default());
    client.walk(0, 1, &[]).unwrap();
    client.create(1, "new", 0o302, 0o640).unwrap();
    client.write(1, 3, b"abc").unwrap();
    assert_eq!(client.read(1, 0, 100).unwrap(), b"\0\0\0abc");
    assert_eq!(client.read(1, 6, 100).unwrap(), b"");
    let meta = fs::metadata(client.host("new")).unwrap();
    assert_eq!((meta.len(), meta.permissions().mode() & 0o7777), (6, 0o640));
    client.set(1, 1 << 3, 0, 0, 4).unwrap();
    assert_eq!(fs::read(client.host("new")).unwrap(), b"\0\0\0a");
    client.walk(0, 2, &[]).unwrap();
    assert_eq!(client.create(2, "new", 0o302, 0o640), Err(Errno::EXIST));
    client.create(2, "new", 0o102, 0o640).unwrap();
    assert_eq!(client.read(2, 0, 9).unwrap(), b"\0\0\0a");
    client.clunk(1).unwrap();
    assert_eq!(client.read(1, 0, 9), Err(Errno::BADF));
}

#[test]
fn nothing_leads_out_of_the_directory() {
    let client = Client::new(Options::default());
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "x").unwrap();
    symlink(outside.path(), client.host("out")).unwrap();
    symlink(outside.path().join("secret"), client.host("file")).unwrap();
    fs::create_dir(client.host("sub")).unwrap();
    client.walk(0, 1, &["out"]).unwrap();
    assert_eq!(client.walk(1, 2, &["secret"]), Err(Errno::NOTDIR));
    // One of two names is found, and no fid is made.
    assert_eq!(client.walk(0, 2, &["out", "secret"]).unwrap()[..2], [1, 0]);
    assert_eq!(client.clunk(2), Err(Errno::BADF));
    client.walk(0, 3, &["file"]).unwrap();
    assert_eq!(client.open(3, 0), Err(Errno::LOOP));
    assert_eq!(client.set(3, 1 << 3, 0, 0, 0), Err(Errno::LOOP));
    client.walk(0, 4, &[]).unwrap();
    assert_eq!(client.create(4, "file", 0o102, 0o600), Err(Errno::EXIST));
    assert_eq!(client.walk(0, 5, &[".."]).unwrap()[2..], client.walk(0, 6, &["."]).unwrap()[2..]);
    client.walk(0, 7, &["sub"]).unwrap();
    assert_eq!(client.walk(7, 8, &[".."]), Err(Errno::OPNOTSUPP));
    for name in ["", ".", "..", "a/b", "/etc", "a\0b"] {
        assert!(client.named(72, 0, name, &[0o755, 0]).is_err(), "{name:?}");
        assert!(client.named(76, 0, name, &[0]).is_err(), "{name:?}");
    }
    assert_eq!(client.walk(0, 8, &["../secret"]), Err(Errno::INVAL));
    // The target of a link is left alone by what is done to the link.
    let before = fs::metadata(outside.path()).unwrap().permissions().mode();
    let _ = client.set(1, 1, 0o777, 0, 0);
    assert_eq!(fs::metadata(outside.path()).unwrap().permissions().mode(), before);
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"x");
}

#[test]
fn pipes_and_devices_are_not_opened() {
    let client = Client::new(Options::default());
    client.named(18, 0, "pipe", &[0o010_644, 0, 0, 0]).unwrap();
    assert_eq!(client.named(18, 0, "null", &[0o020_666, 1, 3, 0]), Err(Errno::PERM));
    client.walk(0, 1, &["pipe"]).unwrap();
    assert_eq!(client.open(1, 0), Err(Errno::NXIO));
    client.walk(0, 2, &[]).unwrap();
    assert_eq!(client.create(2, "pipe", 0o101, 0o600), Err(Errno::EXIST));
}

#[test]
fn folders_are_listed_in_pieces_of_any_size() {
    let client = Client::new(Options::default());
    let mut all: Vec<String> = (0..300).map(|index| format!("file-{index}")).collect();
    all.iter().for_each(|name| fs::write(client.host(name), "").unwrap());
    all.extend([".".into(), "..".into()]);
    all.sort();
    client.walk(0, 1, &[]).unwrap();
    client.open(1, 0o200_000).unwrap();
    for count in [64, 1000, 8000] {
        let mut names = client.names(1, count);
        names.sort();
        assert_eq!(names, all);
    }
    let tiny = client.ask(40, |out| {
        out.u32(1)?;
        out.u64(0)?;
        out.u32(10)
    });
    assert_eq!(tiny, Err(Errno::INVAL));
}

#[test]
fn names_move_and_go() {
    let client = Client::new(Options::default());
    client.named(72, 0, "a", &[0o2755, 0]).unwrap();
    fs::write(client.host("a/x"), "1").unwrap();
    client.walk(0, 1, &["a", "x"]).unwrap();
    client.walk(0, 2, &["a"]).unwrap();
    let link = |file, name: &str| {
        client.ask(70, |out| {
            out.u32(0)?;
            out.u32(file)?;
            out.string(name.as_bytes())
        })
    };
    link(1, "y").unwrap();
    assert_eq!(fs::metadata(client.host("y")).unwrap().nlink(), 2);
    client
        .ask(74, |out| {
            out.u32(2)?;
            out.string(b"x")?;
            out.u32(0)?;
            out.string(b"z")
        })
        .unwrap();
    assert!(client.host("z").exists() && !client.host("a/x").exists());
    assert_eq!(client.named(76, 0, "a", &[0]), Err(Errno::ISDIR));
    client.named(76, 0, "a", &[0x200]).unwrap();
    // A link to a link is one to the link itself.
    client
        .ask(16, |out| {
            out.u32(0)?;
            out.string(b"link")?;
            out.string(b"/nowhere/at/all")?;
            out.u32(0)
        })
        .unwrap();
    client.walk(0, 3, &["link"]).unwrap();
    link(3, "again").unwrap();
    assert_eq!(fs::read_link(client.host("again")).unwrap(), Path::new("/nowhere/at/all"));
    let target = client.ask(22, |out| out.u32(3)).unwrap();
    assert_eq!(target[2..], *b"/nowhere/at/all");
}

#[test]
fn a_read_only_share_stays_as_it_is() {
    let client = Client::new(Options { read_only: true, owners: Owners::Host });
    fs::write(client.host("file"), "x").unwrap();
    client.walk(0, 1, &["file"]).unwrap();
    client.walk(0, 2, &["file"]).unwrap();
    client.walk(0, 3, &[]).unwrap();
    client.open(1, 0).unwrap();
    assert_eq!(client.read(1, 0, 9).unwrap(), b"x");
    for refused in [
        client.open(2, 2),
        client.open(2, 0o1000),
        client.create(3, "new", 0o102, 0o600),
        client.write(1, 0, b"y").map_err(|_| Errno::ROFS),
        client.set(2, 1, 0o600, 0, 0),
        client.named(72, 0, "dir", &[0o755, 0]),
        client.named(76, 0, "file", &[0]),
        client.named(18, 0, "pipe", &[0o010_644, 0, 0, 0]),
    ] {
        assert_eq!(refused, Err(Errno::ROFS));
    }
    assert_eq!(fs::read_dir(client.dir.path()).unwrap().count(), 1);
}

#[test]
fn mapped_owners_are_the_clients_own() {
    let client = Client::new(MAPPED);
    fs::write(client.host("file"), "x").unwrap();
    fs::set_permissions(client.host("file"), fs::Permissions::from_mode(0o755)).unwrap();
    client.walk(0, 1, &["file"]).unwrap();
    assert_eq!(client.stat(1), (0o100_755, 0, 0));
    client.set(1, 0b111, 0o4551, 33, 0).unwrap();
    assert_eq!(client.stat(1), (0o104_551, 33, 33));
    assert_eq!(fs::metadata(client.host("file")).unwrap().permissions().mode(), 0o100_751);
    client.named(18, 0, "null", &[0o020_666, 1, 3, 5]).unwrap();
    client.walk(0, 2, &["null"]).unwrap();
    assert_eq!(client.stat(2), (0o020_666, 0, 5));
    let host = fs::metadata(client.host("null")).unwrap();
    assert!(host.is_file() && host.permissions().mode() & 0o777 == 0o600);
    // The host's link is what it is, whoever is to own it.
    symlink("/etc/passwd", client.host("link")).unwrap();
    client.walk(0, 3, &["link"]).unwrap();
    client.set(3, 0b110, 0, 33, 0).unwrap();
    assert_eq!(client.stat(3).0, 0o120_777);
}

#[test]
fn what_the_host_owns_makes_no_programs_of_others() {
    let client = Client::new(Options::default());
    fs::write(client.host("file"), "x").unwrap();
    client.walk(0, 1, &["file"]).unwrap();
    assert_eq!(client.set(1, 1, 0o4755, 0, 0), Err(Errno::PERM));
    client.walk(0, 2, &[]).unwrap();
    assert_eq!(client.create(2, "new", 0o302, 0o2755), Err(Errno::PERM));
    client.set(0, 1, 0o2755, 0, 0).unwrap();
}

#[test]
fn attributes_are_kept_apart_from_the_hosts() {
    let client = Client::new(MAPPED);
    fs::write(client.host("file"), "x").unwrap();
    let set = |fid, name: &str, value: &[u8], flags| {
        client.walk(0, fid, &["file"]).unwrap();
        let created = client.ask(32, |out| {
            out.u32(fid)?;
            out.string(name.as_bytes())?;
            out.u64(value.len() as u64)?;
            out.u32(flags)
        });
        created.and_then(|_| client.write(fid, 0, value)).and(client.clunk(fid))
    };
    let get = |name: &str| {
        client.walk(0, 8, &["file"]).unwrap();
        let walked = client.ask(30, |out| {
            out.u32(8)?;
            out.u32(9)?;
            out.string(name.as_bytes())
        });
        let value = walked.and_then(|_| client.read(9, 0, 1000));
        let _ = (client.clunk(8), client.clunk(9));
        value
    };
    set(1, "user.a", b"one", 0).unwrap();
    set(1, "security.capability", b"\x01\0", 0).unwrap();
    assert_eq!(get("user.a").unwrap(), b"one");
    assert_eq!(get("security.capability").unwrap(), b"\x01\0");
    let list = get("").unwrap();
    let mut list: Vec<_> = list.split(|byte| *byte == 0).collect();
    list.sort();
    assert_eq!(list, [&b""[..], b"security.capability", b"user.a"]);
    assert_eq!(set(2, "user.armlet.owner", &[0; 16], 0), Err(Errno::OPNOTSUPP));
    client.clunk(2).unwrap_err();
    set(1, "user.a", b"", 2).unwrap();
    assert_eq!(get("user.a"), Err(Errno::NODATA));
    assert_eq!(get("system.posix_acl_access"), Err(Errno::OPNOTSUPP));
}

#[test]
fn messages_that_are_none_are_told() {
    let client = Client::new(Options::default());
    let mut reply = [0; 64];
    assert_eq!(client.server.handle(&[1, 2, 3], &mut reply), Err(Malformed));
    assert_eq!(client.server.handle(&[9; 7], &mut reply[..8]), Err(Malformed));
    // A size that goes beyond the request.
    assert_eq!(client.server.handle(&[200, 0, 0, 0, 116, 1, 0], &mut reply), Ok(11));
    assert_eq!(reply[4..7], [7, 1, 0]);
}

proptest! {
    /// Any bytes have an answer.
    #[test]
    fn any_request_has_an_answer(requests: Vec<(u8, Vec<u8>)>, room in 11_usize..300) {
        let client = Client::new(MAPPED);
        fs::write(client.host("a"), "x").unwrap();
        for (kind, body) in requests {
            // Some small numbers, so that fids are hit.
            let body: Vec<u8> = body.iter().map(|byte| if *byte < 128 { byte % 4 } else { *byte }).collect();
            let len = (body.len() + 7) as u32;
            let message = [&len.to_le_bytes()[..], &[kind / 2 * 2], &[1, 0], &body].concat();
            let mut reply = vec![0; room];
            let len = client.server.handle(&message, &mut reply).unwrap();
            prop_assert!((7..=room).contains(&len));
        }
    }
}
