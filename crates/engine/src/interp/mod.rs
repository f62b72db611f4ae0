//! The interpreter: the portable executor, and the reference for every other.
//!
//! One loop over uops and one `match`; blocks that are linked follow each other inside the loop. What
//! can fault stores the instruction's place in `cpu.delta` first. Whatever is long or rare is a function
//! of its own, so that the loop's registers need not be saved around the short ones.

mod alu;
mod dsp;
mod extension;
mod float;
mod memory;
mod multiple;
mod system;
mod system32;
mod vector;
mod word;

use armlet_arm::a64::fields::CONDITIONS;
use armlet_arm::esr::{Ec, fsc};

use crate::block::Key;
use crate::cache::Cache;
use crate::cpu::{Cpu, Raised};
use crate::run::Stop;
use crate::uop::{Op, Uop};
use crate::world::World;

/// How a block was left. `cpu.pc` is where to go on.
pub enum Exit {
    /// By direct branch `n` within the page: its link may be followed.
    Link(usize),
    /// By a branch that its block's mode outlives: what was found there lately may be entered.
    Branch,
    /// By a look-up.
    Next,
    /// An exception is raised.
    Raised,
    /// The run stops.
    Stop(Stop),
}

/// Runs block `id` and, while no signal is up, those it leads to by links and other branches. Leaves in
/// `id` the block that was left last. Instructions of that one are not yet counted as retired.
pub fn exec(cpu: &mut Cpu, world: &mut dyn World, code: &Cache, id: &mut u32) -> Exit {
    let mut current = *id;
    loop {
        let block = code.block(current);
        cpu.starts = block.starts;
        let exit = exec_block(cpu, world, &block.uops).expect("the last uop of a block leaves it");
        let next = match exit {
            Exit::Link(link) => code.follow(current, link),
            Exit::Branch => cpu.fetched().and_then(|pa| code.find_fast(Key::new(pa, cpu.mode()))),
            _ => None,
        };
        if let Some(next) = next
            && !cpu.signalled()
        {
            cpu.retired += u64::from(block.insns);
            cpu.report_progress();
            current = next;
            continue;
        }
        *id = current;
        return exit;
    }
}

/// Runs one uop of a block at `cpu.pc`. `Some` leaves the block.
#[cfg(jit)]
#[inline(never)]
pub fn exec_uop(cpu: &mut Cpu, world: &mut dyn World, uop: &Uop) -> Option<Exit> {
    exec_block(cpu, world, std::slice::from_ref(uop))
}

/// Runs the uops of one block, or some of them. `Some` leaves the block.
#[inline(always)]
fn exec_block(cpu: &mut Cpu, world: &mut dyn World, uops: &[Uop]) -> Option<Exit> {
    let mut rest = uops.iter();
    while let Some(u) = rest.next() {
        macro_rules! x {
            ($slot:expr) => {
                cpu.x[($slot & 63) as usize]
            };
        }
        macro_rules! w {
            ($slot:expr) => {
                (cpu.x[($slot & 63) as usize] as u32)
            };
        }
        macro_rules! v {
            ($slot:expr) => {
                cpu.v[($slot & 63) as usize]
            };
        }
        // `dst = value`, of a doubleword or a word.
        macro_rules! d {
            ($value:expr) => {
                x!(u.dst) = $value
            };
        }
        macro_rules! dw {
            ($value:expr) => {
                x!(u.dst) = u64::from($value)
            };
        }
        // `dst = value` and flags, of a pair of both.
        macro_rules! ds {
            ($both:expr) => {
                (x!(u.dst), cpu.nzcv) = $both
            };
        }
        macro_rules! holds {
            () => {
                CONDITIONS[(u.flags & 15) as usize] >> (cpu.nzcv >> 28) & 1 != 0
            };
        }
        macro_rules! at {
            () => {
                x!(u.a).wrapping_add(x!(u.b) << (u.flags & 63)).wrapping_add(u.imm as u64) & cpu.address_mask
            };
        }
        // Address of a pair, whose `b` is data.
        macro_rules! pair_at {
            () => {
                x!(u.a).wrapping_add(u.imm as u64) & cpu.address_mask
            };
        }
        macro_rules! attempt {
            ($result:expr) => {
                match $result {
                    Ok(value) => value,
                    Err(Raised) => return Some(Exit::Raised),
                }
            };
        }
        macro_rules! load {
            ($ty:ty, $to:ident, $convert:expr) => {{
                cpu.delta = u.delta;
                let value = attempt!(cpu.load_mem::<$ty>(world, at!()));
                #[allow(clippy::redundant_closure_call)]
                {
                    $to!(u.dst) = $convert(value)
                }
            }};
        }
        macro_rules! store {
            ($ty:ty, $from:ident) => {{
                cpu.delta = u.delta;
                attempt!(cpu.store_mem(world, at!(), $from!(u.c) as $ty))
            }};
        }
        macro_rules! load_pair {
            ($ty:ty, $to:ident, $convert:expr) => {{
                cpu.delta = u.delta;
                let at = pair_at!();
                let first = attempt!(cpu.load_mem::<$ty>(world, at));
                let second = attempt!(cpu.load_mem::<$ty>(world, at.wrapping_add(size_of::<$ty>() as u64)));
                #[allow(clippy::redundant_closure_call)]
                {
                    $to!(u.dst) = $convert(first);
                    $to!(u.c) = $convert(second);
                }
            }};
        }
        macro_rules! store_pair {
            ($ty:ty, $from:ident) => {{
                const SIZE: usize = size_of::<$ty>();
                cpu.delta = u.delta;
                let at = pair_at!();
                if at & 0xfff > 4096 - 2 * SIZE as u64 {
                    attempt!(cpu.probe_store(world, at, 2 * SIZE));
                }
                attempt!(cpu.store_mem(world, at, $from!(u.c) as $ty));
                attempt!(cpu.store_mem(world, at.wrapping_add(SIZE as u64), $from!(u.b) as $ty));
            }};
        }
        // Distance of the next instruction from the block's start.
        macro_rules! after {
            () => {
                u64::from(u.delta) * 2 + u64::from(u.c)
            };
        }
        macro_rules! jump_if {
            ($condition:expr) => {
                return Some(if $condition { jump(cpu, u.imm, 0) } else { jump(cpu, after!() as i64, 1) })
            };
        }
        match u.op {
            Op::Mov => d!(x!(u.a)),
            Op::Mov32 => dw!(w!(u.a)),
            Op::MovI => d!(u.imm as u64),
            Op::PcRel => d!(cpu.pc.wrapping_add(u.imm as u64)),
            Op::PageRel => d!((cpu.pc & !0xfff).wrapping_add(u.imm as u64)),
            Op::PcRel32 => dw!(cpu.pc.wrapping_add(u.imm as u64) as u32),
            Op::MovK64 => d!(x!(u.a) & !(0xffff << (u.flags & 63)) | u.imm as u64),
            Op::MovK32 => dw!(w!(u.a) & !(0xffff << (u.flags & 31)) | u.imm as u32),

            Op::Add64 => d!(x!(u.a).wrapping_add(x!(u.b))),
            Op::Add32 => dw!(w!(u.a).wrapping_add(w!(u.b))),
            Op::Sub64 => d!(x!(u.a).wrapping_sub(x!(u.b))),
            Op::Sub32 => dw!(w!(u.a).wrapping_sub(w!(u.b))),
            Op::AddI64 => d!(x!(u.a).wrapping_add(u.imm as u64)),
            Op::AddI32 => dw!(w!(u.a).wrapping_add(u.imm as u32)),
            Op::AddS64 => ds!(alu::adds64(x!(u.a), x!(u.b))),
            Op::AddS32 => ds!(alu::adds32(w!(u.a), w!(u.b))),
            Op::SubS64 => ds!(alu::subs64(x!(u.a), x!(u.b))),
            Op::SubS32 => ds!(alu::subs32(w!(u.a), w!(u.b))),
            Op::AddSI64 => ds!(alu::adds64(x!(u.a), u.imm as u64)),
            Op::AddSI32 => ds!(alu::adds32(w!(u.a), u.imm as u32)),
            Op::SubSI64 => ds!(alu::subs64(x!(u.a), u.imm as u64)),
            Op::SubSI32 => ds!(alu::subs32(w!(u.a), u.imm as u32)),
            Op::Adc64 => d!(alu::adcs64(x!(u.a), x!(u.b), alu::carry(cpu.nzcv)).0),
            Op::Adc32 => d!(alu::adcs32(w!(u.a), w!(u.b), alu::carry(cpu.nzcv)).0),
            Op::Sbc64 => d!(alu::adcs64(x!(u.a), !x!(u.b), alu::carry(cpu.nzcv)).0),
            Op::Sbc32 => d!(alu::adcs32(w!(u.a), !w!(u.b), alu::carry(cpu.nzcv)).0),
            Op::AdcS64 => ds!(alu::adcs64(x!(u.a), x!(u.b), alu::carry(cpu.nzcv))),
            Op::AdcS32 => ds!(alu::adcs32(w!(u.a), w!(u.b), alu::carry(cpu.nzcv))),
            Op::SbcS64 => ds!(alu::adcs64(x!(u.a), !x!(u.b), alu::carry(cpu.nzcv))),
            Op::SbcS32 => ds!(alu::adcs32(w!(u.a), !w!(u.b), alu::carry(cpu.nzcv))),

            Op::And64 => d!(x!(u.a) & x!(u.b)),
            Op::And32 => dw!(w!(u.a) & w!(u.b)),
            Op::Orr64 => d!(x!(u.a) | x!(u.b)),
            Op::Orr32 => dw!(w!(u.a) | w!(u.b)),
            Op::Eor64 => d!(x!(u.a) ^ x!(u.b)),
            Op::Eor32 => dw!(w!(u.a) ^ w!(u.b)),
            Op::Bic64 => d!(x!(u.a) & !x!(u.b)),
            Op::Bic32 => dw!(w!(u.a) & !w!(u.b)),
            Op::Orn64 => d!(x!(u.a) | !x!(u.b)),
            Op::Orn32 => dw!(w!(u.a) | !w!(u.b)),
            Op::Eon64 => d!(x!(u.a) ^ !x!(u.b)),
            Op::Eon32 => dw!(w!(u.a) ^ !w!(u.b)),
            Op::AndS64 => ds!(alu::ands64(x!(u.a) & x!(u.b))),
            Op::AndS32 => ds!(alu::ands32(w!(u.a) & w!(u.b))),
            Op::BicS64 => ds!(alu::ands64(x!(u.a) & !x!(u.b))),
            Op::BicS32 => ds!(alu::ands32(w!(u.a) & !w!(u.b))),
            Op::AndI => d!(x!(u.a) & u.imm as u64),
            Op::OrrI64 => d!(x!(u.a) | u.imm as u64),
            Op::OrrI32 => dw!(w!(u.a) | u.imm as u32),
            Op::EorI64 => d!(x!(u.a) ^ u.imm as u64),
            Op::EorI32 => dw!(w!(u.a) ^ u.imm as u32),
            Op::AndSI64 => ds!(alu::ands64(x!(u.a) & u.imm as u64)),
            Op::AndSI32 => ds!(alu::ands32(w!(u.a) & u.imm as u32)),

            // Wrapping shifts take the amount modulo the width, as the instructions do.
            Op::Lsl64 => d!(x!(u.a).wrapping_shl(w!(u.b))),
            Op::Lsl32 => dw!(w!(u.a).wrapping_shl(w!(u.b))),
            Op::Lsr64 => d!(x!(u.a).wrapping_shr(w!(u.b))),
            Op::Lsr32 => dw!(w!(u.a).wrapping_shr(w!(u.b))),
            Op::Asr64 => d!((x!(u.a) as i64).wrapping_shr(w!(u.b)) as u64),
            Op::Asr32 => dw!((w!(u.a) as i32).wrapping_shr(w!(u.b)) as u32),
            Op::Ror64 => d!(x!(u.a).rotate_right(w!(u.b) & 63)),
            Op::Ror32 => dw!(w!(u.a).rotate_right(w!(u.b) & 31)),
            Op::LslI64 => d!(x!(u.a).wrapping_shl(u.imm as u32)),
            Op::LslI32 => dw!(w!(u.a).wrapping_shl(u.imm as u32)),
            Op::LsrI64 => d!(x!(u.a).wrapping_shr(u.imm as u32)),
            Op::LsrI32 => dw!(w!(u.a).wrapping_shr(u.imm as u32)),
            Op::AsrI64 => d!((x!(u.a) as i64).wrapping_shr(u.imm as u32) as u64),
            Op::AsrI32 => dw!((w!(u.a) as i32).wrapping_shr(u.imm as u32) as u32),
            Op::RorI64 => d!(x!(u.a).rotate_right(u.imm as u32 & 63)),
            Op::RorI32 => dw!(w!(u.a).rotate_right(u.imm as u32 & 31)),
            Op::Extr64 => {
                let shift = u.imm as u32;
                d!(x!(u.b).wrapping_shr(shift) | x!(u.a).wrapping_shl(shift.wrapping_neg()))
            }
            Op::Extr32 => {
                let shift = u.imm as u32;
                dw!(w!(u.b).wrapping_shr(shift) | w!(u.a).wrapping_shl(shift.wrapping_neg()))
            }

            Op::Ubf => d!(x!(u.a).rotate_right((u.flags & 63).into()) & u.imm as u64),
            Op::Bfi64 => {
                let field = x!(u.a).rotate_right((u.flags & 63).into());
                d!(x!(u.b) & !(u.imm as u64) | field & u.imm as u64)
            }
            Op::Bfi32 => {
                let field = x!(u.a).rotate_right((u.flags & 63).into());
                dw!((x!(u.b) & !(u.imm as u64) | field & u.imm as u64) as u32)
            }
            Op::Sbf64 => d!((x!(u.a).wrapping_shl(u.c.into()) as i64).wrapping_shr(u.flags.into()) as u64),
            Op::Sbf32 => dw!((w!(u.a).wrapping_shl(u.c.into()) as i32).wrapping_shr(u.flags.into()) as u32),

            Op::Clz64 => dw!(x!(u.a).leading_zeros()),
            Op::Clz32 => dw!(w!(u.a).leading_zeros()),
            Op::Cls64 => d!(alu::cls64(x!(u.a))),
            Op::Cls32 => d!(alu::cls32(w!(u.a))),
            Op::Rbit64 => d!(x!(u.a).reverse_bits()),
            Op::Rbit32 => dw!(w!(u.a).reverse_bits()),
            Op::Rev16In64 => d!(alu::rev16(x!(u.a))),
            Op::Rev16In32 => dw!(alu::rev16(x!(u.a)) as u32),
            Op::Rev32In64 => d!(x!(u.a).swap_bytes().rotate_left(32)),
            Op::Rev64 => d!(x!(u.a).swap_bytes()),
            Op::Rev32 => dw!(w!(u.a).swap_bytes()),

            Op::Madd64 => d!(x!(u.c).wrapping_add(x!(u.a).wrapping_mul(x!(u.b)))),
            Op::Madd32 => dw!(w!(u.c).wrapping_add(w!(u.a).wrapping_mul(w!(u.b)))),
            Op::Msub64 => d!(x!(u.c).wrapping_sub(x!(u.a).wrapping_mul(x!(u.b)))),
            Op::Msub32 => dw!(w!(u.c).wrapping_sub(w!(u.a).wrapping_mul(w!(u.b)))),
            // Products of two words fit a doubleword.
            Op::Smaddl => d!(x!(u.c).wrapping_add(alu::smull(w!(u.a), w!(u.b)))),
            Op::Smsubl => d!(x!(u.c).wrapping_sub(alu::smull(w!(u.a), w!(u.b)))),
            Op::Umaddl => d!(x!(u.c).wrapping_add(u64::from(w!(u.a)) * u64::from(w!(u.b)))),
            Op::Umsubl => d!(x!(u.c).wrapping_sub(u64::from(w!(u.a)) * u64::from(w!(u.b)))),
            Op::Smulh => d!((i128::from(x!(u.a) as i64) * i128::from(x!(u.b) as i64) >> 64) as u64),
            Op::Umulh => d!((u128::from(x!(u.a)) * u128::from(x!(u.b)) >> 64) as u64),
            Op::Udiv64 => d!(alu::udiv(x!(u.a), x!(u.b))),
            Op::Udiv32 => d!(alu::udiv(w!(u.a).into(), w!(u.b).into())),
            Op::Sdiv64 => d!(alu::sdiv64(x!(u.a), x!(u.b))),
            Op::Sdiv32 => dw!(alu::sdiv32(w!(u.a), w!(u.b))),
            Op::Crc32 => dw!(alu::crc32(w!(u.a), x!(u.b), u.flags)),

            Op::Csel64 => d!(if holds!() { x!(u.a) } else { x!(u.b) }),
            Op::Csel32 => dw!(if holds!() { w!(u.a) } else { w!(u.b) }),
            Op::Csinc64 => d!(if holds!() { x!(u.a) } else { x!(u.b).wrapping_add(1) }),
            Op::Csinc32 => dw!(if holds!() { w!(u.a) } else { w!(u.b).wrapping_add(1) }),
            Op::Csinv64 => d!(if holds!() { x!(u.a) } else { !x!(u.b) }),
            Op::Csinv32 => dw!(if holds!() { w!(u.a) } else { !w!(u.b) }),
            Op::Csneg64 => d!(if holds!() { x!(u.a) } else { x!(u.b).wrapping_neg() }),
            Op::Csneg32 => dw!(if holds!() { w!(u.a) } else { w!(u.b).wrapping_neg() }),
            Op::Ccmp64 | Op::Ccmp32 | Op::Ccmn64 | Op::Ccmn32 => {
                let (a, b) = (x!(u.a), x!(u.b) | u.imm as u64);
                cpu.nzcv = if !holds!() {
                    u32::from(u.c) << 28
                } else {
                    match u.op {
                        Op::Ccmp64 => alu::subs64(a, b).1,
                        Op::Ccmp32 => alu::subs32(a as u32, b as u32).1,
                        Op::Ccmn64 => alu::adds64(a, b).1,
                        _ => alu::adds32(a as u32, b as u32).1,
                    }
                }
            }
            Op::Rmif => cpu.nzcv = alu::rmif(cpu.nzcv, x!(u.a).rotate_right((u.flags & 63).into()), u.c),
            Op::Setf8 => cpu.nzcv = alu::setf(cpu.nzcv, x!(u.a), 8),
            Op::Setf16 => cpu.nzcv = alu::setf(cpu.nzcv, x!(u.a), 16),
            Op::Cfinv => cpu.nzcv = alu::cfinv(cpu.nzcv),
            Op::Axflag => cpu.nzcv = alu::axflag(cpu.nzcv),
            Op::Xaflag => cpu.nzcv = alu::xaflag(cpu.nzcv),

            Op::NzS32 => cpu.nzcv = word::with_nz(cpu.nzcv, w!(u.a)),
            Op::SetC => cpu.nzcv = word::with_c(cpu.nzcv, u.imm & 1 != 0),
            Op::CarryBit => cpu.nzcv = word::with_c(cpu.nzcv, w!(u.a) >> (u.flags & 31) & 1 != 0),
            Op::LslSI32 | Op::LsrSI32 | Op::AsrSI32 | Op::RorSI32 => {
                let (value, flags) = word::shift_flags(u.op, w!(u.a), u.imm as u32 & 63, cpu.nzcv);
                dw!(value);
                cpu.nzcv = flags;
            }
            Op::Rrx32 => dw!(word::rrx(w!(u.a), cpu.nzcv).0),
            Op::RrxS32 => {
                let (value, flags) = word::rrx(w!(u.a), cpu.nzcv);
                dw!(value);
                cpu.nzcv = flags;
            }
            Op::LslV32 | Op::LsrV32 | Op::AsrV32 | Op::RorV32 => {
                dw!(word::shift_flags(u.op, w!(u.a), w!(u.b) & 0xff, 0).0)
            }
            Op::LslSV32 | Op::LsrSV32 | Op::AsrSV32 | Op::RorSV32 => {
                let (value, flags) = word::shift_flags(u.op, w!(u.a), w!(u.b) & 0xff, cpu.nzcv);
                dw!(value);
                cpu.nzcv = flags;
            }
            Op::Dsp(op) => dsp::exec(cpu, op, u),

            Op::Load8 => load!(u8, x, u64::from),
            Op::Load16 => load!(u16, x, u64::from),
            Op::Load32 => load!(u32, x, u64::from),
            Op::Load64 => load!(u64, x, u64::from),
            Op::Load8S32 => load!(u8, x, |value| u64::from(value as i8 as u32)),
            Op::Load8S64 => load!(u8, x, |value| value as i8 as u64),
            Op::Load16S32 => load!(u16, x, |value| u64::from(value as i16 as u32)),
            Op::Load16S64 => load!(u16, x, |value| value as i16 as u64),
            Op::Load32S64 => load!(u32, x, |value| value as i32 as u64),
            Op::Store8 => store!(u8, x),
            Op::Store16 => store!(u16, x),
            Op::Store32 => store!(u32, x),
            Op::Store64 => store!(u64, x),
            Op::LoadPair32 => {
                cpu.delta = u.delta;
                let (first, second) = attempt!(cpu.load_words(world, pair_at!()));
                x!(u.dst) = first.into();
                x!(u.c) = second.into();
            }
            Op::LoadPair64 => load_pair!(u64, x, u64::from),
            Op::LoadPair32S64 => load_pair!(u32, x, |value| value as i32 as u64),
            Op::StorePair32 => {
                cpu.delta = u.delta;
                attempt!(cpu.store_words(world, pair_at!(), w!(u.c), w!(u.b)));
            }
            Op::StorePair64 => store_pair!(u64, x),
            Op::VLoad8 => load!(u8, v, u128::from),
            Op::VLoad16 => load!(u16, v, u128::from),
            Op::VLoad32 => load!(u32, v, u128::from),
            Op::VLoad64 => load!(u64, v, u128::from),
            Op::VLoad128 => load!(u128, v, u128::from),
            Op::VStore8 => store!(u8, v),
            Op::VStore16 => store!(u16, v),
            Op::VStore32 => store!(u32, v),
            Op::VStore64 => store!(u64, v),
            Op::VStore128 => store!(u128, v),
            Op::VLoadPair32 => load_pair!(u32, v, u128::from),
            Op::VLoadPair64 => load_pair!(u64, v, u128::from),
            Op::VLoadPair128 => load_pair!(u128, v, u128::from),
            Op::VStorePair32 => store_pair!(u32, v),
            Op::VStorePair64 => store_pair!(u64, v),
            Op::VStorePair128 => store_pair!(u128, v),
            Op::CheckSp => {
                if !x!(u.a).is_multiple_of(16) {
                    cpu.delta = u.delta;
                    cpu.raise(Ec::SpAlignment, 0, None);
                    return Some(Exit::Raised);
                }
            }

            Op::CheckAlign => {
                let at = pair_at!();
                if at & ((1 << (u.flags & 63)) - 1) != 0 {
                    cpu.delta = u.delta;
                    cpu.data_abort(at, fsc::ALIGNMENT, u.c & 1 != 0);
                    return Some(Exit::Raised);
                }
            }
            Op::CheckFp => {
                if cpu.ctl.fp_trap != 0 {
                    cpu.delta = u.delta;
                    float::trap(cpu, u);
                    return Some(Exit::Raised);
                }
            }
            Op::Skip => {
                if !holds!() {
                    rest = rest.as_slice().get(u.imm as usize..).unwrap_or_default().iter();
                }
            }

            Op::Jump => return Some(jump(cpu, u.imm, usize::from(u.flags))),
            Op::Call => {
                cpu.x[30] = cpu.pc.wrapping_add(after!());
                return Some(jump(cpu, u.imm, 0));
            }
            Op::JumpIf => jump_if!(holds!()),
            Op::JumpIfZero64 => jump_if!(x!(u.a) == 0),
            Op::JumpIfZero32 => jump_if!(w!(u.a) == 0),
            Op::JumpIfNotZero64 => jump_if!(x!(u.a) != 0),
            Op::JumpIfNotZero32 => jump_if!(w!(u.a) != 0),
            Op::JumpIfBitClear => jump_if!(x!(u.a) >> (u.flags & 63) & 1 == 0),
            Op::JumpIfBitSet => jump_if!(x!(u.a) >> (u.flags & 63) & 1 != 0),
            Op::Next => {
                cpu.pc = cpu.pc.wrapping_add(u.imm as u64) & cpu.address_mask;
                return Some(Exit::Next);
            }
            Op::JumpReg => {
                let target = x!(u.a);
                return Some(branch(cpu, target));
            }
            Op::JumpExchange => {
                let target = x!(u.a);
                cpu.exchange_to(target);
                return Some(Exit::Branch);
            }
            Op::CallReg => {
                // The target may be what X30 was before.
                let target = x!(u.a);
                cpu.x[30] = cpu.pc.wrapping_add(after!());
                return Some(branch(cpu, target));
            }
            Op::Undefined => {
                cpu.delta = u.delta;
                cpu.undefined_of(u.c);
                return Some(Exit::Raised);
            }
            Op::Memory(op) => {
                cpu.delta = u.delta;
                attempt!(memory::exec(cpu, world, op, u));
            }
            Op::Vector(op) => vector::exec(cpu, op, u),
            Op::Float(op) => {
                cpu.delta = u.delta;
                attempt!(float::exec(cpu, op, u));
            }
            Op::System(op) => {
                cpu.delta = u.delta;
                match system::exec(cpu, world, op, u) {
                    Ok(None) => {}
                    Ok(Some(exit)) => return Some(exit),
                    Err(Raised) => return Some(Exit::Raised),
                }
            }
        }
    }
    None
}

/// An indirect branch. Nothing is to strip if there is no tag: bits `[63:55]` are all alike.
#[inline(always)]
fn branch(cpu: &mut Cpu, target: u64) -> Exit {
    let untagged = (target as i64 >> 55).wrapping_add(1) as u64 <= 1;
    cpu.pc = if untagged { target } else { cpu.branch_address(target) };
    Exit::Branch
}

/// A direct branch by link `n`; only within the page may its link be followed.
#[inline(always)]
fn jump(cpu: &mut Cpu, imm: i64, n: usize) -> Exit {
    let from = cpu.pc;
    cpu.pc = from.wrapping_add(imm as u64) & cpu.address_mask;
    if (from ^ cpu.pc) >> 12 == 0 { Exit::Link(n) } else { Exit::Branch }
}
