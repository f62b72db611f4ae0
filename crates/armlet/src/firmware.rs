//! `--firmware`: finding firmware by name or file, and keeping its variables.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use armlet::{DiskConfig, FlashImages, FlashStore, Payload};
use armlet_machine::disk::OpenOptions as DiskOptions;
use armlet_machine::{FLASH_BANK, without_padding};

use crate::args::RunArgs;
use crate::disks::DiskArg;
use crate::failure::{Failure, did_you_mean};
use crate::files::{self, Thing};
use crate::machine_file::split;
use crate::size::human;

/// Firmware that can be asked for by name, and where Debian's packages put it.
struct Known {
    name: &'static str,
    /// For a start in AArch64 state, then in AArch32 state: the package, and its file.
    files: [(&'static str, &'static str); 2],
}

const KNOWN: [Known; 2] = [
    Known {
        name: "u-boot",
        files: [
            ("u-boot-qemu", "/usr/lib/u-boot/qemu_arm64/u-boot.bin"),
            ("u-boot-qemu", "/usr/lib/u-boot/qemu_arm/u-boot.bin"),
        ],
    },
    Known {
        name: "edk2",
        files: [
            ("qemu-efi-aarch64", "/usr/share/AAVMF/AAVMF_CODE.fd"),
            ("qemu-efi-arm", "/usr/share/AAVMF/AAVMF32_CODE.fd"),
        ],
    },
];

/// Firmware as the command line has it: `FILE|NAME[,vars=FILE]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirmwareArg {
    /// A file, or a name in [`KNOWN`].
    what: String,
    /// Where variables are kept.
    variables: Option<PathBuf>,
}

impl FromStr for FirmwareArg {
    type Err = String;

    /// A comma in a file's name is doubled.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = split(text).into_iter();
        let what = parts.next().filter(|what| !what.is_empty());
        let what = what.ok_or("name firmware: a file, u-boot or edk2")?;
        let mut firmware = Self { what, variables: None };
        for part in parts {
            match part.split_once('=') {
                Some(("vars", file)) if !file.is_empty() => firmware.variables = Some(file.into()),
                _ => return Err(format!("there is no firmware option {part:?}; the option is vars=FILE")),
            }
        }
        Ok(firmware)
    }
}

impl FirmwareArg {
    /// Reads the firmware and opens what it keeps. `aarch32` chooses where a name stands for two files.
    pub fn open(&self, aarch32: bool) -> Result<FlashImages, Failure> {
        let path = self.find(aarch32)?;
        let code = image("firmware", &path)?;
        let template = template(&path).map(|path| (image("template of variables", &path).ok(), path));
        let (template, variables_name) = match template {
            Some((Some(bytes), path)) => (bytes, format!("as new, from {}", name(&path))),
            _ => (Vec::new(), "none".to_owned()),
        };
        let name = name(&path);
        let Some(path) = &self.variables else {
            return Ok(FlashImages { name, code, variables_name, variables: template, store: None });
        };
        let (variables, store) = open_store(path, &template)?;
        let variables_name = self::name(path);
        Ok(FlashImages { name, code, variables_name, variables, store: Some(Arc::new(store)) })
    }

    fn find(&self, aarch32: bool) -> Result<PathBuf, Failure> {
        let path = Path::new(&self.what);
        if path.exists() || path.components().count() > 1 {
            return Ok(path.to_owned());
        }
        let Some(known) = KNOWN.iter().find(|known| known.name == self.what) else {
            let hint = did_you_mean(&self.what, KNOWN.iter().map(|known| known.name));
            return Err(Failure::input(format_args!(
                "--firmware: there is no file and no firmware {:?}{hint}; the names are u-boot and edk2",
                self.what
            )));
        };
        let (package, file) = known.files[usize::from(aarch32)];
        if Path::new(file).exists() {
            return Ok(file.into());
        }
        Err(Failure::input(format_args!(
            "--firmware {}: there is no {file}; install the package {package}, or name a file",
            known.name
        )))
    }
}

/// A file for the guest to find in fw_cfg: `FILE,name=NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FwCfgArg {
    path: PathBuf,
    name: String,
}

impl FromStr for FwCfgArg {
    type Err = String;

    /// A comma in a file's name is doubled.
    fn from_str(text: &str) -> Result<Self, String> {
        match split(text).as_slice() {
            [file, option] if !file.is_empty() => match option.strip_prefix("name=") {
                Some(name) if !name.is_empty() => Ok(Self { path: file.into(), name: name.to_owned() }),
                _ => Err(format!("{option:?} is not name=NAME, as in name=opt/org.example/file")),
            },
            _ => Err(format!("{text:?} is not FILE,name=NAME, as in motd,name=opt/org.example/motd")),
        }
    }
}

impl FwCfgArg {
    /// The name and what is in the file.
    pub fn read(&self) -> Result<(String, Vec<u8>), Failure> {
        Ok((self.name.clone(), files::read("file for fw_cfg", &self.path)?))
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Variables as they are when new: EDK2's packages have them beside the code.
fn template(code: &Path) -> Option<PathBuf> {
    let file = code.file_name()?.to_str()?;
    let other = code.with_file_name(file.replace("CODE", "VARS"));
    (file.contains("CODE") && other.exists()).then_some(other)
}

/// What goes into a bank.
fn image(what: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = files::read(what, path)?;
    check_size(what, path, bytes.len() as u64)?;
    Ok(without_padding(bytes))
}

fn check_size(what: &str, path: &Path, len: u64) -> Result<(), Failure> {
    if len <= FLASH_BANK {
        return Ok(());
    }
    let (have, most) = (human(len), human(FLASH_BANK));
    Err(Failure::input(format_args!(
        "the {what} {} has {have}, and a bank of flash memory takes {most}; name another file",
        path.display()
    )))
}

/// Opens the file of variables, made from `template` if it isn't there, and locks it.
fn open_store(path: &Path, template: &[u8]) -> Result<(Vec<u8>, FileStore), Failure> {
    let fail = |why: &dyn std::fmt::Display| {
        Failure::input(format_args!("can't keep variables in {}: {why}", path.display()))
    };
    let options = || OpenOptions::new().read(true).write(true).to_owned();
    let (mut file, new) = match options().open(path) {
        Ok(file) => (file, false),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            (options().create_new(true).open(path).map_err(|error| fail(&error))?, true)
        }
        Err(error) => return Err(fail(&error)),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(fail(&"another machine uses it; end that, or name another file"));
        }
        Err(TryLockError::Error(error)) => return Err(fail(&error)),
    }
    if new {
        let made = file.write_all(template).and_then(|()| file.set_len(FLASH_BANK));
        made.map_err(|error| fail(&error))?;
        return Ok((template.to_vec(), FileStore(Mutex::new(file))));
    }
    let metadata = file.metadata().map_err(|error| fail(&error))?;
    if !metadata.is_file() {
        return Err(fail(&"it is no regular file; name one"));
    }
    check_size("file of variables", path, metadata.len())?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| fail(&error))?;
    Ok((without_padding(bytes), FileStore(Mutex::new(file))))
}

/// A locked file with the contents of a bank.
struct FileStore(Mutex<File>);

impl FlashStore for FileStore {
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(data)
    }
}

/// What firmware makes of a thing: it finds a kernel in fw_cfg, and boots a disk by itself.
pub fn payload(
    thing: Thing,
    args: &RunArgs,
    disks: &mut Vec<DiskConfig>,
) -> Result<Option<Payload>, Failure> {
    let load_error = |error: armlet::LoadError| Failure::input_chain(&error);
    match thing {
        Thing::Guest(guest) => Err(Failure::input(format_args!(
            "firmware can't start the embedded guest {}; leave it out",
            guest.name
        ))),
        Thing::Directory(path) => Err(Failure::input(format_args!(
            "firmware can't start the directory {}; leave --firmware out",
            path.display()
        ))),
        Thing::Disk(path) => {
            let options = DiskOptions { overlay: args.overlay, ..DiskOptions::default() };
            disks.push(DiskArg { path, options, serial: None }.open(0)?);
            Ok(None)
        }
        // UEFI starts any EFI program, not only a kernel.
        Thing::File(name, bytes, _) if bytes.starts_with(b"MZ") => {
            Payload::flat(&name, bytes).map(Some).map_err(load_error)
        }
        Thing::File(name, bytes, source) => {
            let payload = Payload::detect(&name, bytes).map_err(load_error)?;
            Ok(Some(payload.from_file(source)))
        }
    }
}

/// True if the user asks for a machine in AArch32 state, by name or by a model that has nothing else.
pub fn wants_aarch32(args: &RunArgs) -> bool {
    let model = args.cpu.as_deref().and_then(armlet_arm::cpu::model);
    args.aarch32 || model.is_some_and(|model| !model.has_aarch64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_told_apart() {
        let parse = |text: &str| text.parse::<FirmwareArg>();
        assert_eq!(parse("a,,b").unwrap().what, "a,b");
        assert_eq!(parse("edk2,vars=v").unwrap().variables, Some("v".into()));
        let file: FwCfgArg = "a,,b,name=opt/x".parse().unwrap();
        assert_eq!((file.path, file.name.as_str()), ("a,b".into(), "opt/x"));
        assert!("opt/x=file".parse::<FwCfgArg>().unwrap_err().contains("FILE,name=NAME"));
        assert!(parse("").unwrap_err().contains("u-boot or edk2"));
        assert!(parse("edk2,code=v").unwrap_err().contains("vars=FILE"));
        let missing = parse("u-bot").unwrap().open(false).unwrap_err().message;
        assert!(missing.contains("did you mean u-boot?"), "{missing}");
    }

    #[test]
    fn variables_are_made_from_a_template_once_and_locked() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("X_CODE.fd"), [0, 0, 0, 0x14]).unwrap();
        std::fs::write(at("X_VARS.fd"), b"new").unwrap();
        let text = format!("{},vars={}", at("X_CODE.fd").display(), at("kept").display());
        let firmware: FirmwareArg = text.parse().unwrap();
        let images = firmware.open(false).unwrap();
        assert_eq!(images.variables, b"new");
        let refused = firmware.open(false).unwrap_err().message;
        assert!(refused.contains("another machine uses it"), "{refused}");
        images.store.as_ref().unwrap().write(1, b"N").unwrap();
        drop(images);
        let images = firmware.open(false).unwrap();
        assert_eq!(images.variables[..3], *b"nNw");
        assert_eq!(std::fs::metadata(at("kept")).unwrap().len(), FLASH_BANK);
    }
}
