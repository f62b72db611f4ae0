//! Values of options: what each can be, and one clear line for what it can't.

use std::path::PathBuf;

use armlet::{Board, ConsoleKind, Engine, GicKind, VirtioTransport};
use armlet_image::recipe::Variant;

use crate::failure::did_you_mean;
use crate::observe::code::Wanted;
use crate::size::{human, parse_size};

/// Where `--log exits` goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// Between everything else.
    Stderr,
    /// To a file of its own.
    File(PathBuf),
}

pub(super) fn parse_machine(text: &str) -> Result<Board, String> {
    text.parse().map_err(|unknown: armlet_machine::UnknownBoard| unknown.to_string())
}

pub(super) fn parse_cpus(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("a machine needs at least one CPU".to_owned()),
        Ok(cpus) => Ok(cpus),
        Err(_) => Err(format!("{text:?} is not a number of CPUs")),
    }
}

/// Host CPUs by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostCpus(pub Vec<usize>);

/// More than any host has, and few enough to list.
const MOST_HOST_CPUS: usize = 4096;

pub(super) fn parse_variant(text: &str) -> Result<Variant, String> {
    match text {
        "standard" => Ok(Variant::Standard),
        "minimal" => Ok(Variant::Minimal),
        _ => Err(format!("there is no variant {text:?}; the variants are standard and minimal")),
    }
}

pub(super) fn parse_disk_size(text: &str) -> Result<u64, String> {
    let size = parse_size(text)?;
    if !(1 << 30..=16 << 40).contains(&size) {
        return Err(format!("{} can't be: an image takes 1 GiB to 16 TiB", human(size)));
    }
    Ok(size.next_multiple_of(1 << 20))
}

pub(super) fn parse_pin(text: &str) -> Result<HostCpus, String> {
    let wrong = || format!("{text:?} is not a list of host CPUs; write it like 2,3 or 0-3");
    let number = |digits: &str| {
        let number = digits.parse().ok().filter(|_| !digits.starts_with('+'));
        number.filter(|number| *number < MOST_HOST_CPUS).ok_or_else(wrong)
    };
    let mut cpus = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (number(first)?, number(last)?);
        if first > last {
            return Err(wrong());
        }
        cpus.extend(first..=last);
    }
    Ok(HostCpus(cpus))
}

pub(super) fn parse_count(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err("it must be at least 1".to_owned()),
        Ok(count) => Ok(count),
        Err(_) => Err(format!("{text:?} is not a number")),
    }
}

pub(super) fn parse_switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("{text:?} is neither on nor off")),
    }
}

pub(super) fn parse_gic(text: &str) -> Result<GicKind, String> {
    match text {
        "2" => Ok(GicKind::V2),
        "3" => Ok(GicKind::V3),
        _ => Err(format!("{text:?} is not a GIC version armlet has; it has 2 and 3")),
    }
}

pub(super) fn parse_virtio(text: &str) -> Result<VirtioTransport, String> {
    match text {
        "mmio" => Ok(VirtioTransport::Mmio),
        "pci" => Ok(VirtioTransport::Pci),
        _ => Err(format!("virtio devices can't be reached by {text:?}; say mmio or pci")),
    }
}

pub(super) fn parse_console(text: &str) -> Result<ConsoleKind, String> {
    match text {
        "uart" => Ok(ConsoleKind::Uart),
        "virtio" => Ok(ConsoleKind::Virtio),
        _ => Err(format!("{text:?} is no console; say uart or virtio")),
    }
}

pub(super) fn parse_engine(text: &str) -> Result<Engine, String> {
    match text {
        "auto" => Ok(Engine::Auto),
        "jit" => Ok(Engine::Jit),
        "interp" => Ok(Engine::Interpreter),
        _ => {
            let hint = did_you_mean(text, ["auto", "jit", "interp"]);
            Err(format!("there is no engine {text:?}{hint}; the engines are auto, jit and interp"))
        }
    }
}

pub(super) fn parse_dump(text: &str) -> Result<Wanted, String> {
    if text == "all" {
        return Ok(Wanted::All);
    }
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let pc = u64::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'));
    let pc = pc.ok_or_else(|| format!("{text:?} is not an address; write it like 0x40080000, or all"))?;
    // T32 instructions may be at any even address.
    match pc % 2 {
        0 => Ok(Wanted::At(pc)),
        _ => Err(format!("no instruction is at {text}: it is odd")),
    }
}

pub(super) fn parse_code_cache(text: &str) -> Result<usize, String> {
    let (size, range) = (parse_size(text)?, armlet_hv_soft::CODE_CACHE);
    if !range.contains(&size) {
        let (least, most) = (human(*range.start()), human(*range.end()));
        return Err(format!("{} can't be: it takes {least} to {most} for each CPU", human(size)));
    }
    Ok(size as usize)
}

pub(super) fn parse_log(text: &str) -> Result<LogTarget, String> {
    match text.split_once('=') {
        None if text == "exits" => Ok(LogTarget::Stderr),
        Some(("exits", "")) => Err("name the file after exits=".to_owned()),
        Some(("exits", file)) => Ok(LogTarget::File(file.into())),
        _ => Err(format!("{text:?} can't be logged; write exits or exits=FILE")),
    }
}
