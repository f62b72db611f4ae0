//! From an instruction that isn't floating point or AdvSIMD to its lowering, and under which condition.
//!
//! CONSTRAINED UNPREDICTABLE (Arm ARM F1.2, "IT block"): in an IT block CBZ, CBNZ, CPS, SETEND and IT are UNDEFINED whatever
//! the condition, and so is a branch instruction that isn't the last of it. Other instructions that write PC are executed.

use armlet_arm::aarch32::{Insn, Op as I};

use super::it::ItState;
use super::{ALWAYS, Flow, Lowering};
use crate::uop::{Op, Uop};

impl Lowering<'_> {
    /// Lowers one instruction.
    pub(super) fn core(&mut self, i: &Insn) -> Flow {
        if self.is_refused_in_it(i.op) {
            return self.undefined();
        }
        match i.cond {
            // In an IT block too, it has no condition.
            _ if i.op == I::Bkpt => self.guarded(ALWAYS, |l| l.always(i)),
            ALWAYS.. => self.guarded(ALWAYS, |l| l.always(i)),
            cond if i.op == I::B => self.jump_if(cond, i.offset().into()),
            cond if self.selects(i) => self.selected(cond, i),
            cond => self.guarded(cond, |l| l.always(i)),
        }
    }

    fn is_refused_in_it(&self, op: I) -> bool {
        use I::*;
        let last = ItState(self.itstate).is_last();
        match op {
            Cbz | Cbnz | Cps | Setend | It => self.itstate != 0,
            B | Bl | Blx | BlxReg | Bx | Bxj | Tbb | Tbh => self.itstate != 0 && !last,
            _ => false,
        }
    }

    /// True for instructions whose one effect is the last of their uops: what they compute is selected then.
    fn selects(&self, i: &Insn) -> bool {
        use I::*;
        i.d != 15
            && match i.op {
                And | Eor | Sub | Rsb | Add | Adc | Sbc | Rsc | Orr | Bic | Orn | Mov | Mvn | Mul | Mla => {
                    !self.sets_flags(i)
                }
                Adr | Movw | Movt | Mls | Sxtb | Sxth | Uxtb | Uxth | Sxtab | Sxtah | Uxtab | Uxtah | Rev
                | Rev16 | Revsh | Rbit | Clz | Bfc | Bfi | Sbfx | Ubfx | Pkhbt | Pkhtb => true,
                _ => false,
            }
    }

    /// An instruction under a condition: its result, or else the register as it was.
    fn selected(&mut self, cond: u8, i: &Insn) -> Flow {
        self.always(i);
        let Some(last) = self.uops.pop() else { return Flow::Next };
        let (d, result) = match last.op {
            Op::Mov32 => (last.dst, last.a),
            _ => {
                let result = self.temp();
                self.emit(Uop { dst: result, ..last });
                (last.dst, result)
            }
        };
        self.emit(Uop { dst: d, a: result, b: d, flags: cond, ..Uop::new(Op::Csel32) });
        Flow::Next
    }

    /// Lowers an instruction whose condition holds.
    fn always(&mut self, i: &Insn) -> Flow {
        use I::*;
        match i.op {
            And | Eor | Sub | Rsb | Add | Adc | Sbc | Rsc | Orr | Bic | Orn | Mov | Mvn | Tst | Teq | Cmp
            | Cmn => self.data_processing(i),
            Adr | Movw | Movt | Bfc | Bfi | Sbfx | Ubfx | Rev | Rev16 | Revsh | Rbit | Clz | Pkhbt
            | Pkhtb | Sdiv | Udiv | Crc32b | Crc32h | Crc32w | Crc32cb | Crc32ch | Crc32cw => self.bits(i),
            Sxtb | Sxth | Uxtb | Uxth | Sxtab | Sxtah | Uxtab | Uxtah => self.extension(i),

            Mul | Mla | Mls | Umull | Umlal | Smull | Smlal | Umaal | Smmul | Smmulr | Smmla | Smmlar
            | Smmls | Smmlsr => self.multiply(i),
            Smulbb | Smulbt | Smultb | Smultt | Smlabb | Smlabt | Smlatb | Smlatt | Smulwb | Smulwt
            | Smlawb | Smlawt | Smuad | Smuadx | Smusd | Smusdx | Smlad | Smladx | Smlsd | Smlsdx => {
                self.multiply_halves(i)
            }
            Smlalbb | Smlalbt | Smlaltb | Smlaltt | Smlald | Smlaldx | Smlsld | Smlsldx => {
                self.multiply_halves_long(i)
            }

            Qadd | Qsub | Qdadd | Qdsub => self.saturating(i),
            Ssat | Usat | Ssat16 | Usat16 => self.saturation(i),
            Sel | Usad8 | Usada8 => self.bytes(i),
            Sxtb16 | Uxtb16 | Sxtab16 | Uxtab16 => self.extension_of_pairs(i),

            Ldr | Ldrb | Ldrh | Ldrsb | Ldrsh => self.load(i),
            Str | Strb | Strh => self.store(i),
            Ldrd => self.load_pair(i),
            Strd => self.store_pair(i),
            Ldrt | Ldrbt | Ldrht | Ldrsbt | Ldrsht => self.load_unprivileged(i),
            Strt | Strbt | Strht => self.store_unprivileged(i),
            Ldm | LdmExcept => self.load_multiple(i),
            Stm => self.store_multiple(i),
            LdmUser => self.load_user(i),
            StmUser => self.store_user(i),
            Ldrex | Ldrexb | Ldrexh | Ldrexd | Ldaex | Ldaexb | Ldaexh | Ldaexd => self.load_exclusive(i),
            Strex | Strexb | Strexh | Strexd | Stlex | Stlexb | Stlexh | Stlexd => self.store_exclusive(i),
            Lda | Ldab | Ldah => self.load_acquire(i),
            Stl | Stlb | Stlh => self.store_release(i),
            Swp | Swpb => self.swap(i),
            Pld | Pldw | Pli => Flow::Next,

            B | Bl | Blx | BlxReg | Bx | Bxj | Cbz | Cbnz | Tbb | Tbh => self.branch(i),

            Svc | Hvc | Smc | Bkpt | Udf | Hlt | Nop | Yield | Wfe | Wfi | Sev | Sevl | Esb | Csdb | Dbg
            | Clrex | Dmb | Dsb | Isb | Sb => self.event(i),
            Mrs | Msr | MrsBanked | MsrBanked | Cps | Setend | Setpan | Rfe | Srs | Eret => self.state(i),
            Mcr | Mrc | Mcrr | Mrrc | Ldc | Stc => self.coprocessor(i),
            It => {
                self.it = ItState(i.imm as u8);
                Flow::Next
            }

            op => match super::dsp::lanes(op) {
                Some((op, lanes)) => self.parallel(i, op, lanes),
                None => self.undefined(),
            },
        }
    }
}
