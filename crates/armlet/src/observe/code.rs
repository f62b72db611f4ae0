//! `--dump-code`: the code that the JIT makes, guest instruction by guest instruction: its disassembly, its
//! uops, and the host's instructions for each.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use armlet_arm::FeatureSet;
use armlet_arm::a64;
use armlet_arm::aarch32::{a32, simd, t32};
use armlet_arm::sysreg::Encoding;
use armlet_hv_soft::{CodeWatch, ListedInsn, Listing, Mark, Mode, Uop};
use iced_x86::{
    Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter, OpKind, SymbolResolver, SymbolResult,
};

use yaxpeax_arch::{Decoder as _, U8Reader};
use yaxpeax_arm::armv8::a64::InstDecoder;

use super::describe::register_name;
use super::symbols::Symbols;

/// Which traces are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All, and the code they share.
    All,
    /// Those with an instruction at this virtual address.
    At(u64),
}

/// Takes text to where it is read.
type Print = Box<dyn FnMut(&str) + Send>;

/// Prints code as it is made.
pub struct CodeDump {
    wanted: Vec<Wanted>,
    symbols: Arc<Symbols>,
    /// Shared code of each CPU, for names of jumps into it.
    shared: Mutex<Vec<(u64, &'static str)>>,
    out: Mutex<Print>,
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
        guest(&mut text, insn, listing.mode, symbols);
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
fn guest(text: &mut String, insn: &ListedInsn, mode: Mode, symbols: &Symbols) {
    let (va, word) = (insn.va, insn.word);
    let name = symbols.name(va).map(|name| format!(" <{name}>")).unwrap_or_default();
    let (digits, read) = match (mode.has(Mode::AARCH32), mode.is_t32()) {
        (false, _) => (8, disassemble(va, word)),
        (true, false) => (8, disassemble_a32(word)),
        (true, true) => (usize::from(insn.bytes) * 2, disassemble_t32(word, insn.bytes)),
    };
    let _ = writeln!(text, "  {va:#x}{name}  {word:0digits$x}  {read}");
}

/// The text of an A64 instruction at `va`; of one too new for the decoder the mnemonic alone.
pub fn disassemble(va: u64, word: u32) -> String {
    let decoded = InstDecoder::default().decode(&mut U8Reader::new(&word.to_le_bytes()));
    match decoded {
        // The decoder knows nothing of the one and of the other.
        Ok(insn) => with_addresses(va, &with_registers(word, insn.to_string())),
        Err(_) => a64::decode(word, FeatureSet::ALL)
            .map_or_else(|| format!(".inst {word:#010x}"), |insn| a64::mnemonic(insn).to_owned()),
    }
}

/// Puts addresses in the place of distances from an instruction at `va`: `$+0x8` or `$-0x8`.
fn with_addresses(va: u64, text: &str) -> String {
    let Some((before, distance)) = text.split_once('$') else { return text.to_owned() };
    let end = distance.find(|c: char| !"+-x".contains(c) && !c.is_ascii_hexdigit()).unwrap_or(distance.len());
    let (distance, after) = distance.split_at(end);
    let amount = distance.get(3..).and_then(|digits| u64::from_str_radix(digits, 16).ok());
    // ADRP counts from the start of the page.
    let from = if before.starts_with("adrp") { va & !0xfff } else { va };
    let target = amount.map(|amount| match distance.starts_with('-') {
        true => from.wrapping_sub(amount),
        false => from.wrapping_add(amount),
    });
    target.map_or_else(|| text.to_owned(), |target| format!("{before}{target:#x}{after}"))
}

/// Puts the name of a system register in the place of its encoding.
fn with_registers(word: u32, text: String) -> String {
    let reg = Encoding::from_insn(word);
    text.replace(&format!("{reg:?}"), &register_name(reg).to_lowercase())
}

/// The text of an A32 instruction; of floating point and AdvSIMD the mnemonic alone.
fn disassemble_a32(word: u32) -> String {
    let simd = simd::decode(word, FeatureSet::ALL).map(|insn| simd::mnemonic(insn).to_owned());
    let other = || a32::decode(word, FeatureSet::ALL).map(|insn| insn.to_string());
    simd.or_else(other).unwrap_or_else(|| format!(".inst {word:#010x}"))
}

/// The same of a T32 instruction of so many bytes.
fn disassemble_t32(word: u32, bytes: u8) -> String {
    if bytes == 2 {
        let insn = t32::decode16(word as u16, FeatureSet::ALL);
        return insn.map_or_else(|| format!(".inst.n {word:#06x}"), |insn| insn.to_string());
    }
    let simd = simd::from_t32(word).and_then(|a32| simd::decode(a32, FeatureSet::ALL));
    let other = || t32::decode32(word, FeatureSet::ALL).map(|insn| insn.to_string());
    simd.map(|insn| simd::mnemonic(insn).to_owned())
        .or_else(other)
        .unwrap_or_else(|| format!(".inst.w {word:#010x}"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use armlet_arm::a64::{branch, float, integer, memory, simd, system};

    /// As llvm-mc has them, but for the base of numbers.
    #[test]
    fn guest_instructions_read_as_elsewhere() {
        for (word, text) in [
            (0xd503_201f, "nop"),
            (0xba11_04e8, "rmif x7, #0x22, #0x8"),
            (0x9ada_5f63, "crc32cx w3, w27, x26"),
            (0xf943_c315, "ldr x21, [x24, #0x780]"),
            (0xa904_a143, "stp x3, x8, [x10, #0x48]"),
            (0xb8bf_c12c, "ldapr w12, [x9]"),
            (0x88e8_fe06, "casal w8, w6, [x16]"),
            (0xb8fa_01a3, "ldaddal w26, w3, [x13]"),
            (0x2e86_85a5, "sqrdmlah v5.2s, v13.2s, v6.2s"),
            (0x0e90_9645, "sdot v5.2s, v18.8b, v16.8b"),
            (0x4e28_4ab1, "aese v17.16b, v21.16b"),
            (0x5e0a_42e6, "sha256h q6, q23, v10.4s"),
            (0xce67_8022, "sha512h q2, q1, v7.2d"),
            (0x6e9c_cfaf, "fcmla v15.4s, v29.4s, v28.4s, #0x5a"),
            (0x5400_00a1, "b.ne 0x1014"),
            (0x0000_0000, "udf #0x0"),
            (0xffff_ffff, ".inst 0xffffffff"),
            (0xd538_4101, "mrs x1, sp_el0"),
            (0xd51b_4220, "msr daif, x0"),
            (0xb000_0000, "adrp x0, 0x2000"),
            (0x17ff_ffff, "b 0xffc"),
            (0x2e21_e800, "frint32x"),
        ] {
            assert_eq!(disassemble(0x1000, word), text);
        }
    }

    #[test]
    fn so_do_those_of_aarch32() {
        for (word, text) in [
            (0xe152_0001, "cmp r2, r1"),
            (0xe8bd_8010, "pop {r4, pc}"),
            (0xee30_0a20, "vadd"),
            (0xf220_0f10, "vrsqrts"),
            (0xffff_ffff, ".inst 0xffffffff"),
        ] {
            assert_eq!(disassemble_a32(word), text);
        }
        for (word, bytes, text) in [
            (0x4291, 2, "cmp r1, r2"),
            (0xe8bd_8010, 4, "pop {r4, pc}"),
            (0xee30_0a20, 4, "vadd"),
            (0xde00, 2, "udf #0"),
        ] {
            assert_eq!(disassemble_t32(word, bytes), text);
        }
    }

    #[test]
    fn every_instruction_of_the_guest_has_a_name() {
        let mut rows = Vec::new();
        macro_rules! add {
            ($($table:ident),*) => {$( rows.extend($table::TABLE.rows().iter().map(|r| (r.mask, r.value))); )*};
        }
        add!(integer, branch, system, memory, simd, float);
        for (mask, value) in rows {
            for free in [0_u32, !0, 0x2545_f491, 0x4f6c_dd1d] {
                let word = value | free & !mask;
                if a64::decode(word, FeatureSet::ALL).is_some() {
                    assert!(!disassemble(0, word).starts_with(".inst"), "{word:#x}");
                }
            }
        }
    }

    #[test]
    fn uops_show_what_says_something() {
        let mut add = Uop::new(armlet_hv_soft::Op::AddI64);
        (add.dst, add.a, add.imm) = (3, 32, 16);
        assert_eq!(uop(&add), "AddI64 dst=3 a=sp imm=0x10");
    }
}
