//! Arm floating-point arithmetic in software, exact to the bit.
//!
//! Every function here is one function of the shared pseudocode of the Arm Architecture Reference Manual,
//! named in its documentation, without `FEAT_AFP` and without trapped exceptions. Values are raw bits:
//! `u16` is half precision, `u32` single and `u64` double. An [`FpContext`] carries the controls of FPCR
//! in and the cumulative exception flags of FPSR out.
//!
//! The slow path is integer arithmetic on any host. Where the host's own arithmetic provably gives the same
//! bits and the same flags, a fast path takes it instead.
#![forbid(unsafe_code)]

mod add;
mod compare;
mod context;
mod convert;
mod estimate;
mod fast;
mod fixed;
mod float;
mod fused;
mod integral;
mod minmax;
mod muldiv;
mod nan;
mod round;
mod step;
mod unpack;

pub use add::{add, sub};
pub use compare::{compare, compare_eq, compare_ge, compare_gt};
pub use context::{DZC, FLAGS, FpContext, IDC, IOC, IXC, OFC, Rounding, UFC};
pub use convert::{convert, convert_rounding};
pub use estimate::{recip_estimate, recpx, rsqrt_estimate, unsigned_recip_estimate, unsigned_rsqrt_estimate};
pub use fixed::{from_fixed, to_fixed, to_int_js};
pub use float::{Float, abs, neg};
pub use fused::{mul_add, mul_add_half};
pub use integral::{round_int, round_int_n};
pub use minmax::{max, max_num, min, min_num};
pub use muldiv::{div, mul, mulx, sqrt};
pub use step::{recip_step, recip_step_unfused, rsqrt_step, rsqrt_step_unfused};
