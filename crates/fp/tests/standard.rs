//! What AArch32 Advanced SIMD computes, with the standard FPSCR value: a sample of 400 000 vectors on which
//! an emulated AArch32 processor and this crate agreed.

use armlet_fp::*;

type Step = fn(&mut FpContext, u32, u32) -> u32;

#[test]
fn steps_round_the_product() {
    let (recps, rsqrts): (Step, Step) = (recip_step_unfused, rsqrt_step_unfused);
    let vectors = [
        // NaNs.
        (recps, 0xffff_ffff, 0xc200_0010, 0x7fc0_0000, 0),
        (recps, 0x1f7f_ffff, 0x7f84_0000, 0x7fc0_0000, IOC),
        (rsqrts, 0x7fff_ffff, 0x1f27_2d6a, 0x7fc0_0000, 0),
        (rsqrts, 0x7f91_15e6, 0x0000_0000, 0x7fc0_0000, IOC),
        // A signalling one beside a flushed denormal.
        (recps, 0xff86_de81, 0x007f_0000, 0x7fc0_0000, IOC | IDC),
        (rsqrts, 0x7f80_0001, 0x807e_0000, 0x7fc0_0000, IOC | IDC),
        // Zero times infinity.
        (recps, 0x8000_0000, 0xff80_0000, 0x4000_0000, 0),
        // Exact results.
        (recps, 0xbf80_0000, 0xbf00_0000, 0x3fc0_0000, 0),
        (rsqrts, 0x4000_0000, 0x4040_0000, 0xbfc0_0000, 0),
        (rsqrts, 0xc380_0000, 0xbd40_0000, 0xc090_0000, 0),
        // A product that rounds to 2, or that the sum swallows.
        (recps, 0x2e7f_ffff, 0x5100_0000, 0x3400_0000, 0),
        (recps, 0x9f47_23cb, 0xbf00_0000, 0x4000_0000, IXC),
        (rsqrts, 0xc07f_ffff, 0x3eff_ffff, 0x4020_0000, IXC),
        (rsqrts, 0x3680_0001, 0xca7f_f000, 0x4117_f801, IXC),
        // An overflow.
        (recps, 0xbf81_0000, 0xff7f_ffff, 0xff80_0000, OFC | IXC),
        (rsqrts, 0x7f7f_ffff, 0x4040_0000, 0xff80_0000, OFC | IXC),
        // A product that is flushed, and operands that are.
        (recps, 0xa040_0000, 0x8140_0000, 0x4000_0000, UFC),
        (rsqrts, 0x0500_1000, 0x2040_0000, 0x3fc0_0000, UFC),
        (recps, 0x007f_ffff, 0xfe7f_ffff, 0x4000_0000, IDC),
        (rsqrts, 0x0000_0001, 0x7e00_0200, 0x3fc0_0000, IDC),
    ];
    for (step, a, b, result, flags) in vectors {
        let mut cx = FpContext::standard(0, 0);
        assert_eq!((step(&mut cx, a, b), cx.flags), (result, flags), "{a:#x} {b:#x}");
    }
}

#[test]
fn standard_value_keeps_only_the_half_controls() {
    let cx = FpContext::standard(u32::MAX, IXC | 1 << 27);
    assert_eq!((cx.rounding, cx.fz, cx.dn), (Rounding::Nearest, true, true));
    assert_eq!((cx.fz16, cx.ahp, cx.flags), (true, true, IXC));
    let cx = FpContext::standard(0, 0);
    assert_eq!((cx.rounding, cx.fz, cx.dn), (Rounding::Nearest, true, true));
    assert_eq!((cx.fz16, cx.ahp, cx.flags), (false, false, 0));
}
