//! `--symbols`: names of guest code, from an ELF file or a list as `nm` and Linux's System.map have it.

use std::path::Path;

use crate::failure::Failure;
use crate::files;

/// No function is larger; what lies further behind a symbol is not its code.
const FAR: u64 = 1 << 20;

/// Symbols by address.
#[derive(Default)]
pub struct Symbols(Vec<(u64, String)>);

impl Symbols {
    /// Reads a file of either kind.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = files::read("symbols", path)?;
        let symbols =
            if bytes.starts_with(b"\x7fELF") { elf(&bytes).unwrap_or_default() } else { list(&bytes) };
        if symbols.is_empty() {
            let path = path.display();
            return Err(Failure::input(format_args!(
                "{path} has no symbols; --symbols takes an ELF file that is not stripped, or what nm prints"
            )));
        }
        Ok(Self::new(symbols))
    }

    fn new(mut symbols: Vec<(u64, String)>) -> Self {
        symbols.sort_by_key(|(address, _)| *address);
        symbols.dedup_by_key(|(address, _)| *address);
        Self(symbols)
    }

    /// `name+0x10` for an address in or behind a symbol.
    pub fn name(&self, address: u64) -> Option<String> {
        let at = self.0.partition_point(|(start, _)| *start <= address).checked_sub(1)?;
        let (start, name) = &self.0[at];
        match address - start {
            0 => Some(name.clone()),
            distance if distance < FAR => Some(format!("{name}+{distance:#x}")),
            _ => None,
        }
    }
}

/// Lines of address, type and name; only code.
fn list(bytes: &[u8]) -> Vec<(u64, String)> {
    let text = String::from_utf8_lossy(bytes);
    let symbol = |line: &str| {
        let mut words = line.split_whitespace();
        let (address, kind, name) = (words.next()?, words.next()?, words.next()?);
        let code = matches!(kind, "t" | "T" | "w" | "W");
        // `$x` and `$d` mark where code and data begin.
        let ours = code && !name.starts_with('$');
        ours.then_some((u64::from_str_radix(address, 16).ok()?, name.to_owned()))
    };
    text.lines().filter_map(symbol).collect()
}

/// Functions of the symbol table of an ELF64 file, little-endian (System V ABI, chapter 4).
fn elf(bytes: &[u8]) -> Option<Vec<(u64, String)>> {
    const SHT_SYMTAB: u32 = 2;
    let sections = word(bytes, 0x28)? as usize;
    let (size, count) = (half(bytes, 0x3a)?, half(bytes, 0x3c)?);
    let section = |n: usize| bytes.get(sections.checked_add(n.checked_mul(size)?)?..);
    let content = |header: &[u8]| {
        let (at, len) = (word(header, 0x18)? as usize, word(header, 0x20)? as usize);
        bytes.get(at..at.checked_add(len)?)
    };
    let table = (0..count).filter_map(section).find(|header| int(header, 4) == Some(SHT_SYMTAB))?;
    let names = content(section(int(table, 0x28)? as usize)?)?;
    Some(content(table)?.chunks_exact(24).filter_map(|symbol| function(symbol, names)).collect())
}

fn function(symbol: &[u8], names: &[u8]) -> Option<(u64, String)> {
    const STT_NOTYPE: u8 = 0;
    const STT_FUNC: u8 = 2;
    let (kind, defined) = (symbol.get(4)? & 15, half(symbol, 6)? != 0);
    let name = names.get(int(symbol, 0)? as usize..)?;
    let name = String::from_utf8_lossy(name.split(|&byte| byte == 0).next()?).into_owned();
    let named = !name.is_empty() && !name.starts_with('$');
    let ours = matches!(kind, STT_FUNC | STT_NOTYPE) && defined && named;
    ours.then_some((word(symbol, 8)?, name))
}

fn half(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?).into())
}

fn int(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_code_and_what_follows() {
        let text = "ffff800008000000 T _text\nffff800008000000 t $x\nffff800008000040 t start\n\
                    ffff800008000050 D data\nnonsense\n";
        let symbols = Symbols::new(list(text.as_bytes()));
        assert_eq!(symbols.name(0xffff_8000_0800_0000).as_deref(), Some("_text"));
        assert_eq!(symbols.name(0xffff_8000_0800_0054).as_deref(), Some("start+0x14"));
        assert_eq!(symbols.name(0x1000), None);
        assert_eq!(symbols.name(u64::MAX), None);
    }

    #[test]
    fn broken_elf_files_have_no_symbols() {
        let mut bytes = b"\x7fELF".to_vec();
        assert!(elf(&bytes).is_none());
        bytes.resize(200, 0xff);
        assert!(elf(&bytes).is_none_or(|symbols| symbols.is_empty()));
        // This program's own symbols are as good as a guest's.
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        if own.starts_with(b"\x7fELF") {
            assert!(elf(&own).unwrap().iter().any(|(_, name)| name == "main"));
        }
    }
}
