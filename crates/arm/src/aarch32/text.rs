//! Instructions as text, in unified assembler language: for dumps, and to be compared with other disassemblers.

use std::fmt::{self, Display, Formatter};

use super::insn::{Insn, Op, Operand, Sets, Shift};

const CONDITIONS: [&str; 16] =
    ["eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "", ""];
const BARRIERS: [&str; 16] = [
    "#0x0", "oshld", "oshst", "osh", "#0x4", "nshld", "nshst", "nsh", "#0x8", "ishld", "ishst", "ish",
    "#0xc", "ld", "st", "sy",
];

/// A general register.
struct R(u8);

impl Display for R {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self.0 {
            13 => f.write_str("sp"),
            14 => f.write_str("lr"),
            15 => f.write_str("pc"),
            number => write!(f, "r{number}"),
        }
    }
}

impl Display for Shift {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        f.write_str(match self {
            Shift::Lsl => "lsl",
            Shift::Lsr => "lsr",
            Shift::Asr => "asr",
            Shift::Ror => "ror",
            Shift::Rrx => "rrx",
        })
    }
}

/// A list of registers.
struct List(u16);

impl Display for List {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        f.write_str("{")?;
        let mut separator = "";
        for number in (0..16).filter(|n| self.0 >> n & 1 != 0) {
            write!(f, "{separator}{}", R(number))?;
            separator = ", ";
        }
        f.write_str("}")
    }
}

impl Display for Insn {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let Insn { d, n, m, a, imm, .. } = *self;
        let (d, n, m, a) = (R(d), R(n), R(m), R(a));
        use Op::*;
        self.name(f)?;
        match self.op {
            And | Eor | Sub | Rsb | Add | Adc | Sbc | Rsc | Orr | Bic | Orn | Pkhbt | Pkhtb | Sxtab
            | Sxtah | Sxtab16 | Uxtab | Uxtah | Uxtab16 => write!(f, " {d}, {n}, {}", Second(self)),
            Mov | Mvn | Sxtb | Sxth | Sxtb16 | Uxtb | Uxth | Uxtb16 => self.moved(f),
            Tst | Teq | Cmp | Cmn => write!(f, " {n}, {}", Second(self)),
            Ssat | Usat => write!(f, " {d}, #{imm}, {}", Second(self)),
            Ssat16 | Usat16 => write!(f, " {d}, #{imm}, {m}"),
            Adr | Movw | Movt => write!(f, " {d}, #{}", imm as i32),
            Mla | Mls | Usada8 | Smmla | Smmlar | Smmls | Smmlsr | Smlabb | Smlabt | Smlatb | Smlatt
            | Smlawb | Smlawt | Smlad | Smladx | Smlsd | Smlsdx => write!(f, " {d}, {n}, {m}, {a}"),
            Umull | Umlal | Smull | Smlal | Umaal | Smlalbb | Smlalbt | Smlaltb | Smlaltt | Smlald
            | Smlaldx | Smlsld | Smlsldx => write!(f, " {d}, {a}, {n}, {m}"),
            Qadd | Qsub | Qdadd | Qdsub => write!(f, " {d}, {m}, {n}"),
            Rev | Rev16 | Revsh | Rbit | Clz => write!(f, " {d}, {m}"),
            Bfc => write!(f, " {d}, #{}, #{}", self.lsb(), self.width()),
            Bfi | Sbfx | Ubfx => write!(f, " {d}, {n}, #{}, #{}", self.lsb(), self.width()),
            Ldr | Ldrb | Ldrh | Ldrsb | Ldrsh | Str | Strb | Strh | Ldrt | Ldrbt | Ldrht | Ldrsbt
            | Ldrsht | Strt | Strbt | Strht => write!(f, " {d}, {}", Address(self)),
            Ldrd | Strd => write!(f, " {d}, {a}, {}", Address(self)),
            Pld | Pldw | Pli => write!(f, " {}", Address(self)),
            Ldm | Stm | LdmUser | StmUser | LdmExcept => self.multiple(f),
            Ldrex | Ldrexb | Ldrexh | Ldaex | Ldaexb | Ldaexh | Lda | Ldab | Ldah | Stl | Stlb | Stlh => {
                write!(f, " {d}, {}", Plain(self))
            }
            Ldrexd | Ldaexd => write!(f, " {d}, {a}, {}", Plain(self)),
            Strex | Strexb | Strexh | Stlex | Stlexb | Stlexh | Swp | Swpb => {
                write!(f, " {d}, {m}, {}", Plain(self))
            }
            Strexd | Stlexd => write!(f, " {d}, {m}, {a}, {}", Plain(self)),
            B | Bl | Blx => write!(f, " #{}", self.offset()),
            Cbz | Cbnz => write!(f, " {n}, #{}", self.offset()),
            BlxReg | Bx | Bxj => write!(f, " {m}"),
            Tbb => write!(f, " [{n}, {m}]"),
            Tbh => write!(f, " [{n}, {m}, lsl #1]"),
            It if imm >> 4 == 14 => f.write_str(" al"),
            It => write!(f, " {}", CONDITIONS[(imm >> 4 & 15) as usize]),
            Svc | Hvc | Smc | Bkpt | Udf | Hlt | Dbg => write!(f, " #{imm}"),
            Nop if imm != 0 => write!(f, " #{imm}"),
            Dsb if self.is_speculative() => Ok(()),
            Isb if imm & 15 != 15 => write!(f, " #{imm:#x}"),
            Dmb | Dsb | Isb => write!(f, " {}", BARRIERS[(imm & 15) as usize]),
            Mrs => write!(f, " {d}, {}", if self.spsr() { "spsr" } else { "apsr" }),
            Msr => write!(f, " {}, {}", Fields(self), Second(self)),
            MrsBanked => write!(f, " {d}, {}", Banked(self)),
            MsrBanked => write!(f, " {}, {m}", Banked(self)),
            Cps => self.change_state(f),
            Setend => write!(f, " {}", if imm == 0 { "le" } else { "be" }),
            Setpan => write!(f, " #{imm}"),
            Rfe => write!(f, " {n}{}", self.bang()),
            Srs => write!(f, " sp{}, #{imm}", self.bang()),
            Mcr | Mrc => {
                let c = self.coprocessor();
                write!(f, " p{}, #{}, ", c.coproc, c.opc1)?;
                if self.op == Mrc && self.d == 15 { f.write_str("apsr_nzcv") } else { write!(f, "{d}") }?;
                write!(f, ", c{}, c{}, #{}", c.crn, c.crm, c.opc2)
            }
            Mcrr | Mrrc => {
                let c = self.coprocessor();
                write!(f, " p{}, #{}, {d}, {a}, c{}", c.coproc, c.opc1, c.crm)
            }
            Ldc | Stc => {
                let c = self.coprocessor();
                write!(f, " p{}, c{}, {}", c.coproc, c.crm, Address(self))
            }
            Nop | Yield | Wfe | Wfi | Sev | Sevl | Esb | Csdb | Sb | Clrex | Eret => Ok(()),
            // All that is left is `d = n op m`.
            _ => write!(f, " {d}, {n}, {m}"),
        }
    }
}

impl Insn {
    fn bang(&self) -> &'static str {
        if self.index.wback { "!" } else { "" }
    }

    fn is_push(&self) -> bool {
        let index = self.index;
        self.op == Op::Stm && self.n == 13 && index.wback && index.pre && !index.add
    }

    fn is_pop(&self) -> bool {
        let index = self.index;
        self.op == Op::Ldm && self.n == 13 && index.wback && !index.pre && index.add
    }

    /// SSBB or PSSBB.
    fn is_speculative(&self) -> bool {
        self.op == Op::Dsb && self.imm & !4 == 0
    }

    /// The mnemonic with everything that is written without a blank.
    fn name(&self, f: &mut Formatter) -> fmt::Result {
        let s = if self.sets == Sets::Never || matches!(self.op, Op::Tst | Op::Teq | Op::Cmp | Op::Cmn) {
            ""
        } else {
            "s"
        };
        let condition = CONDITIONS[(self.cond & 15) as usize];
        match (self.op, self.operand) {
            (Op::Mov, Operand::Shifted { kind, amount: 1.. }) => write!(f, "{kind}{s}{condition}"),
            (Op::Mov, Operand::ShiftedByReg { kind, .. }) => write!(f, "{kind}{s}{condition}"),
            (Op::Ldm | Op::LdmUser | Op::LdmExcept | Op::Stm | Op::StmUser | Op::Rfe | Op::Srs, _) => {
                let direction = match (self.index.add, self.index.pre) {
                    _ if self.is_push() => return write!(f, "push{condition}"),
                    _ if self.is_pop() => return write!(f, "pop{condition}"),
                    (true, false) => {
                        if matches!(self.op, Op::Rfe | Op::Srs) {
                            "ia"
                        } else {
                            ""
                        }
                    }
                    (true, true) => "ib",
                    (false, false) => "da",
                    (false, true) => "db",
                };
                write!(f, "{}{direction}{condition}", self.op.mnemonic())
            }
            (Op::Nop, _) if self.imm != 0 => write!(f, "hint{condition}"),
            (Op::It, _) => {
                f.write_str("it")?;
                let (first, mask) = (self.imm >> 4 & 1, self.imm & 15);
                (mask.trailing_zeros() + 1..4)
                    .rev()
                    .try_for_each(|bit| f.write_str(if mask >> bit & 1 == first { "t" } else { "e" }))
            }
            (Op::Dsb, _) if self.is_speculative() => {
                f.write_str(if self.imm == 0 { "ssbb" } else { "pssbb" })
            }
            (Op::Cps, _) => f.write_str(match self.imm >> 18 & 3 {
                2 => "cpsie",
                3 => "cpsid",
                _ => "cps",
            }),
            _ => write!(f, "{}{s}{condition}", self.op.mnemonic()),
        }
    }

    fn moved(&self, f: &mut Formatter) -> fmt::Result {
        let (d, m) = (R(self.d), R(self.m));
        match (self.op, self.operand) {
            (Op::Mov, Operand::Shifted { kind: Shift::Rrx, .. }) => write!(f, " {d}, {m}"),
            (Op::Mov, Operand::Shifted { amount: amount @ 1.., .. }) => write!(f, " {d}, {m}, #{amount}"),
            (Op::Mov, Operand::ShiftedByReg { by, .. }) => write!(f, " {d}, {m}, {}", R(by)),
            _ => write!(f, " {d}, {}", Second(self)),
        }
    }

    fn multiple(&self, f: &mut Formatter) -> fmt::Result {
        if !self.is_push() && !self.is_pop() {
            write!(f, " {}{},", R(self.n), self.bang())?;
        }
        let user = if matches!(self.op, Op::Ldm | Op::Stm) { "" } else { " ^" };
        write!(f, " {}{user}", List(self.list))
    }

    fn change_state(&self, f: &mut Formatter) -> fmt::Result {
        let (masks, mode) = (self.imm >> 6 & 7, self.imm & 31);
        if masks != 0 {
            f.write_str(" ")?;
            for (bit, name) in [(4, "a"), (2, "i"), (1, "f")] {
                if masks & bit != 0 {
                    f.write_str(name)?;
                }
            }
        }
        match self.imm >> 17 & 1 {
            0 => Ok(()),
            _ if masks != 0 => write!(f, ", #{mode}"),
            _ => write!(f, " #{mode}"),
        }
    }
}

/// The second operand.
struct Second<'a>(&'a Insn);

impl Display for Second<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let m = R(self.0.m);
        match self.0.operand {
            Operand::None => Ok(()),
            Operand::Imm { value, .. } => write!(f, "#{value}"),
            Operand::Shifted { amount: 0, .. } => write!(f, "{m}"),
            Operand::Shifted { kind: Shift::Rrx, .. } => write!(f, "{m}, rrx"),
            Operand::Shifted { kind, amount } => write!(f, "{m}, {kind} #{amount}"),
            Operand::ShiftedByReg { kind, by } => write!(f, "{m}, {kind} {}", R(by)),
        }
    }
}

/// The address of a load or store.
struct Address<'a>(&'a Insn);

impl Display for Address<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let Insn { n, index, operand, .. } = *self.0;
        let (n, sign) = (R(n), if index.add { "" } else { "-" });
        let offset = match operand {
            Operand::Imm { value: 0, .. } if index.pre && index.add && !index.wback => String::new(),
            Operand::Imm { value, .. } => format!(", #{sign}{value}"),
            _ => format!(", {sign}{}", Second(self.0)),
        };
        match (index.pre, index.wback) {
            (true, wback) => write!(f, "[{n}{offset}]{}", if wback { "!" } else { "" }),
            (false, true) => write!(f, "[{n}]{offset}"),
            // The unindexed form of LDC and STC.
            (false, false) => write!(f, "[{n}]"),
        }
    }
}

/// A base register with a constant.
struct Plain<'a>(&'a Insn);

impl Display for Plain<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self.0.imm {
            0 => write!(f, "[{}]", R(self.0.n)),
            imm => write!(f, "[{}, #{imm}]", R(self.0.n)),
        }
    }
}

/// The status register and fields of MSR.
struct Fields<'a>(&'a Insn);

impl Display for Fields<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let mask = self.0.field_mask();
        match (self.0.spsr(), mask) {
            (false, 8) => return f.write_str("apsr_nzcvq"),
            (false, 4) => return f.write_str("apsr_g"),
            (false, 12) => return f.write_str("apsr_nzcvqg"),
            (spsr, _) => f.write_str(if spsr { "spsr_" } else { "cpsr_" })?,
        }
        "fsxc".chars().enumerate().filter(|(i, _)| mask << i & 8 != 0).try_for_each(|(_, c)| write!(f, "{c}"))
    }
}

/// A banked register.
struct Banked<'a>(&'a Insn);

impl Display for Banked<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let (mode, register) = self.0.banked();
        let mode = match mode {
            0x10 => "usr",
            0x11 => "fiq",
            0x12 => "irq",
            0x13 => "svc",
            0x16 => "mon",
            0x17 => "abt",
            0x1a => "hyp",
            _ => "und",
        };
        match register {
            16 => write!(f, "spsr_{mode}"),
            14 if mode == "hyp" => write!(f, "elr_{mode}"),
            _ => write!(f, "{}_{mode}", R(register)),
        }
    }
}
