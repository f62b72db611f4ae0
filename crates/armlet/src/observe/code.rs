//! `--dump-code`: the code that the JIT makes, guest instruction by guest instruction: its disassembly, its
//! uops, and the host's instructions for each.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use armlet_hv_soft::{CodeWatch, Listing, Mark, Mode, Uop};
use iced_x86::{
    Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter, OpKind, SymbolResolver, SymbolResult,
};

use super::symbols::Symbols;

/// Which traces are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All, and the code they share.
    All,
    /// Those with an instruction at this virtual address.
    At(u64),
}

/// Prints code as it is made.
pub struct CodeDump {
    wanted: Vec<Wanted>,
    symbols: Arc<Symbols>,
    /// Shared code of each CPU, for names of jumps into it.
    shared: Mutex<Vec<(u64, &'static str)>>,
    out: Mutex<Box<dyn FnMut(&str) + Send>>,
}

impl CodeDump {
    /// A dump to a file.
    pub fn to_file(wanted: Vec<Wanted>, symbols: Arc<Symbols>, mut file: File) -> Self {
        // A full disk costs the rest of the dump and nothing else.
        Self::new(wanted, symbols, move |text| drop(file.write_all(text.as_bytes())))
    }

    /// A dump to wherever `print` puts it.
    pub fn new(wanted: Vec<Wanted>, symbols: Arc<Symbols>, print: impl FnMut(&str) + Send + 'static) -> Self {
        Self { wanted, symbols, shared: Mutex::default(), out: Mutex::new(Box::new(print)) }
    }

    fn wants(&self, listing: &Listing) -> bool {
        self.wanted.iter().any(|wanted| match wanted {
            Wanted::All => true,
            Wanted::At(pc) => listing.insns.iter().any(|insn| insn.va == *pc),
        })
    }

    fn print(&self, text: &str) {
        (self.out.lock().unwrap_or_else(PoisonError::into_inner))(text);
    }

    fn names(&self) -> Vec<(u64, &'static str)> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl CodeWatch for CodeDump {
    fn shared(&self, cpu: usize, name: &'static str, address: u64, code: &[u8]) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).push((address, name));
        if self.wanted.contains(&Wanted::All) {
            let mut text = format!("cpu {cpu}: shared code {name}\n");
            let names = self.names();
            Host { names, address }.disassemble(&mut text, 0, code);
            self.print(&text);
        }
    }

    fn compiled(&self, listing: &Listing) {
        if self.wants(listing) {
            let host = Host { names: self.names(), address: listing.address };
            self.print(&render(listing, &self.symbols, host));
        }
    }
}

/// The whole text of a trace.
fn render(listing: &Listing, symbols: &Symbols, host: Host) -> String {
    let mut text = heading(listing, symbols);
    let marks = listing.marks;
    let end = |n: usize| marks.get(n + 1).map_or(listing.code.len(), |mark| mark.at as usize);
    let code = |n: usize| (marks[n].at as usize, &listing.code[marks[n].at as usize..end(n)]);
    let way_in = marks.first().map_or(listing.code.len(), |mark| mark.at as usize);
    host.disassemble(&mut text, 0, &listing.code[..way_in]);
    for insn in &listing.insns {
        guest(&mut text, insn.va, insn.word, symbols);
        for index in insn.uops.clone() {
            let _ = writeln!(text, "    {}", uop(&listing.uops[index]));
            let of = |mark: &Mark| mark.uop == Some(index) && !mark.cold;
            for n in (0..marks.len()).filter(|&n| of(&marks[n])) {
                let (at, bytes) = code(n);
                host.disassemble(&mut text, at, bytes);
            }
        }
    }
    for n in (0..marks.len()).filter(|&n| marks[n].cold && end(n) > marks[n].at as usize) {
        match marks[n].uop {
            Some(index) => {
                let insn = listing.insns.iter().find(|insn| insn.uops.contains(&index));
                let va = insn.map_or(0, |insn| insn.va);
                let _ = writeln!(text, "  seldom: {va:#x} {:?}", listing.uops[index].op);
            }
            None => text.push_str("  stubs\n"),
        }
        let (at, bytes) = code(n);
        host.disassemble(&mut text, at, bytes);
    }
    text
}

fn heading(listing: &Listing, symbols: &Symbols) -> String {
    let va = listing.insns.first().map_or(0, |insn| insn.va);
    let name = symbols.name(va).map(|name| format!(" <{name}>")).unwrap_or_default();
    let el = if listing.mode.has(Mode::EL1) { 1 } else { 0 };
    format!(
        "cpu {}: trace {} at {va:#x}{name}, physical {:#x}, EL{el}, mode {:#x}: {} instructions, {} uops, \
         {} bytes at {:#x}\n",
        listing.cpu,
        listing.number,
        listing.pa,
        listing.mode.0,
        listing.insns.len(),
        listing.uops.len(),
        listing.code.len(),
        listing.address,
    )
}

/// A line with a guest instruction.
fn guest(text: &mut String, va: u64, word: u32, symbols: &Symbols) {
    let name = symbols.name(va).map(|name| format!(" <{name}>")).unwrap_or_default();
    let _ = writeln!(text, "  {va:#x}{name}  {word:08x}  {}", disassemble(va, word));
}

/// The text of an instruction.
pub fn disassemble(va: u64, word: u32) -> String {
    match exarmo_aarch64::decode_word(word) {
        Ok(insn) => insn.at(va).to_string().replace('\t', " "),
        Err(_) => format!(".word {word:#010x}"),
    }
}

/// A uop: what it does, and those of its fields that say something.
fn uop(u: &Uop) -> String {
    let slot = |slot: u8| match slot {
        31 => "zr".to_owned(),
        32 => "sp".to_owned(),
        33 => "none".to_owned(),
        n @ 34.. => format!("t{}", n - 34),
        n => n.to_string(),
    };
    let mut text = format!("{:?}", u.op);
    let blank = Uop::new(u.op);
    for (name, value, default) in
        [("dst", u.dst, blank.dst), ("a", u.a, blank.a), ("b", u.b, blank.b), ("c", u.c, blank.c)]
    {
        if value != default {
            let _ = write!(text, " {name}={}", slot(value));
        }
    }
    if u.flags != 0 {
        let _ = write!(text, " flags={:#x}", u.flags);
    }
    if u.imm != 0 {
        let _ = write!(text, " imm={:#x}", u.imm);
    }
    text
}

/// Disassembles host code.
struct Host {
    names: Vec<(u64, &'static str)>,
    /// Address of the code's first byte.
    address: u64,
}

impl Host {
    fn disassemble(&self, text: &mut String, at: usize, bytes: &[u8]) {
        let names = Box::new(Names { names: self.names.clone(), from: self.address });
        let mut formatter = IntelFormatter::with_options(Some(names), None);
        formatter.options_mut().set_hex_prefix("0x");
        formatter.options_mut().set_hex_suffix("");
        formatter.options_mut().set_uppercase_hex(false);
        formatter.options_mut().set_space_after_operand_separator(true);
        formatter.options_mut().set_branch_leading_zeros(false);
        let mut decoder = Decoder::with_ip(64, bytes, self.address + at as u64, DecoderOptions::NONE);
        let mut insn = Instruction::default();
        while decoder.can_decode() {
            decoder.decode_out(&mut insn);
            let mut line = String::new();
            formatter.format(&insn, &mut line);
            let _ = writeln!(text, "        {:04x}  {line}", insn.ip() - self.address);
        }
    }
}

/// Names branch targets: shared code by name, the trace's own by offset.
struct Names {
    names: Vec<(u64, &'static str)>,
    from: u64,
}

impl SymbolResolver for Names {
    fn symbol(
        &mut self,
        insn: &Instruction,
        _: u32,
        _: Option<u32>,
        address: u64,
        _: u32,
    ) -> Option<SymbolResult<'_>> {
        if insn.op0_kind() != OpKind::NearBranch64 {
            return None;
        }
        let shared = self.names.iter().find(|(at, _)| *at == address).map(|(_, name)| format!("<{name}>"));
        let own = || address.checked_sub(self.from).filter(|&at| at < 1 << 20).map(|at| format!("{at:04x}"));
        Some(SymbolResult::with_string(address, shared.or_else(own)?))
    }
}
