//! The A32 and T32 instruction sets as tables: a line per instruction with its bit pattern.
//!
//! Both sets decode to the same [`Insn`], which has its operands taken apart: a shift amount, an immediate or a
//! branch offset means the same whichever encoding it came from. VFP and AdvSIMD words are not here: the caller
//! asks for those first.
//!
//! Of what is CONSTRAINED UNPREDICTABLE the decoder chooses (Arm ARM K1.1):
//! - R15 where an encoding forbids it, and should-be-zero or should-be-one bits of the wrong value, are UNDEFINED;
//! - R13 where only Armv7 forbids it is a register like any other, as in Armv8;
//! - the same register twice, as in `LDR R0, [R0], #4`, `LDRD R0, R1, [R1]` or `UMULL R0, R0, R1, R2`, is decoded.
//!   What it does is up to whoever executes it;
//! - the unallocated hints do nothing.

pub mod a32;
mod fields;
mod insn;
mod op;
mod rows;
pub mod simd;
pub mod t32;
mod text;

pub use insn::{Coprocessor, Index, Insn, Op, Operand, Sets, Shift};
pub use rows::{Form, Rows};
