//! Cryptographic instructions, by those of the host.

use armlet_x64::{VOp, VOpImm, VSha, VShift, VUn, VUnImm, Xm, Xmm};

use super::*;
use crate::uop::Op;

impl Emitter<'_> {
    pub(super) fn vector_crypto(&mut self, op: VectorOp, u: &Uop) -> bool {
        use VectorOp as O;
        match op {
            O::Aese if self.host.aes => self.aes_round(u, O::Aesmc, [VOp::Aesenclast, VOp::Aesenc]),
            O::Aesd if self.host.aes => self.aes_round(u, O::Aesimc, [VOp::Aesdeclast, VOp::Aesdec]),
            O::Aesmc if self.host.aes => self.mix_columns(u),
            O::Aesimc if self.host.aes => {
                let d = self.vdst(u.dst, V[0]);
                let a = self.vxm(u.a);
                self.asm.vun(VUn::Aesimc, d, a);
                self.finish(u, d)
            }
            O::Sha1c if self.host.sha => self.sha1_rounds(u, 0, 0x5a82_7999),
            O::Sha1p if self.host.sha => self.sha1_rounds(u, 1, 0x6ed9_eba1),
            O::Sha1m if self.host.sha => self.sha1_rounds(u, 2, 0x8f1b_bcdc),
            O::Sha1h => {
                let d = self.vdst(u.dst, V[0]);
                let a = self.vxm(u.a);
                self.rotate_left(2, V[0], a, 30, V[1]);
                self.low_element(2, d, V[0]);
                self.finish(u, d)
            }
            O::Sha1su0 => {
                let d = self.vdst(u.dst, V[0]);
                let (a, b, c) = self.abc(u);
                self.vi(VOpImm::Shufpd, V[0], c, a, 1);
                self.v(VOp::Pxor, V[0], V[0], b);
                self.v(VOp::Pxor, d, V[0], c);
                self.finish(u, d)
            }
            O::Sha1su1 => self.sha1_schedule(u),
            O::Sha256h if self.host.sha => self.sha256_rounds(u, false),
            O::Sha256h2 if self.host.sha => self.sha256_rounds(u, true),
            O::Sha256su0 if self.host.sha => {
                let d = self.vdst(u.dst, V[0]);
                let (a, _, c) = self.abc(u);
                self.get(V[0], c);
                self.get(V[1], a);
                self.asm.vsha(VSha::Sha256msg1, V[0], V[1]);
                self.asm.vmov(d, V[0]);
                self.finish(u, d)
            }
            O::Sha256su1 if self.host.sha => {
                let d = self.vdst(u.dst, V[0]);
                let (a, b, c) = self.abc(u);
                self.vi(VOpImm::Palignr, V[0], b, a, 4);
                self.v(VOp::Paddd, V[0], V[0], c);
                self.get(V[1], b);
                self.asm.vsha(VSha::Sha256msg2, V[0], V[1]);
                self.asm.vmov(d, V[0]);
                self.finish(u, d)
            }
            O::Rax1 => {
                let d = self.vdst(u.dst, V[0]);
                let (a, b, _) = self.abc(u);
                self.rotate_left(3, V[0], b, 1, V[1]);
                self.v(VOp::Pxor, d, V[0], a);
                self.finish(u, d)
            }
            O::Xar => {
                let d = self.vdst(u.dst, V[0]);
                let (a, b, _) = self.abc(u);
                self.v(VOp::Pxor, V[0], a, b);
                match u.imm as u8 & 63 {
                    0 => self.asm.vmov(d, V[0]),
                    by => self.rotate_left(3, d, V[0].into(), 64 - by, V[1]),
                }
                self.finish(u, d)
            }
            _ => false,
        }
    }

    /// AESE and AESD, together with the mixing of columns `mix` if that follows. The host adds its round key last: here
    /// that is zero, as the guest's is added first.
    fn aes_round(&mut self, u: &Uop, mix: VectorOp, [last, round]: [VOp; 2]) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, _, c) = self.abc(u);
        let next = self.trace.uops.get(self.index + 1);
        // For AESD the host's round mixes columns before it adds the key, as well.
        self.fused = next.is_some_and(|v| v.op == Op::Vector(mix) && v.a == u.dst && v.dst == u.dst);
        self.v(VOp::Pxor, V[0], c, a);
        self.set(V[1], 0);
        let op = if self.fused { round } else { last };
        self.asm.vop(op, V[0], V[0], V[1]);
        self.asm.vmov(d, V[0]);
        self.finish(u, d)
    }

    /// AESMC: what a round does beyond its inverse last round.
    fn mix_columns(&mut self, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let a = self.vxm(u.a);
        self.get(V[0], a);
        self.set(V[1], 0);
        self.asm.vop(VOp::Aesdeclast, V[0], V[0], V[1]);
        self.asm.vop(VOp::Aesenc, V[0], V[0], V[1]);
        self.asm.vmov(d, V[0]);
        self.finish(u, d)
    }

    /// Four rounds of SHA-1. The host has its words in reverse order, adds the constant of the round itself, and wants e
    /// added to the first input.
    fn sha1_rounds(&mut self, u: &Uop, function: u8, constant: u64) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, b, c) = self.abc(u);
        let first = self.literal(ones(2).into());
        let constant = self.each(2, constant);
        self.v(VOp::Pand, V[1], a, first);
        self.v(VOp::Paddd, V[1], V[1], b);
        self.asm.vop(VOp::Psubd, V[1], V[1], constant);
        self.asm.vun_imm(VUnImm::Pshufd, V[1], V[1], 0x1b);
        self.asm.vun_imm(VUnImm::Pshufd, V[0], c, 0x1b);
        self.asm.sha1rnds4(V[0], V[1], function);
        self.asm.vun_imm(VUnImm::Pshufd, d, V[0], 0x1b);
        self.finish(u, d)
    }

    fn sha1_schedule(&mut self, u: &Uop) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, _, c) = self.abc(u);
        self.vs(VShift::Psrldq, V[0], a, 4);
        self.v(VOp::Pxor, V[0], V[0], c);
        self.rotate_left(2, V[1], V[0].into(), 1, V[2]);
        // The new first word belongs to the last one's operands.
        self.asm.vshift(VShift::Pslldq, V[0], V[1], 12);
        self.rotate_words(V[0], V[2]);
        self.asm.vop(VOp::Pxor, d, V[0], V[1]);
        self.finish(u, d)
    }

    /// `reg` = its words rotated left by one.
    fn rotate_words(&mut self, reg: Xmm, t: Xmm) {
        self.asm.vshift(VShift::Psrld, t, reg, 31);
        self.asm.vop(VOp::Paddd, reg, reg, reg);
        self.asm.vop(VOp::Por, reg, reg, t);
    }

    /// Four rounds of SHA-256. The host has words a, b, e, f in one register and c, d, g, h in the other, in
    /// reverse order, and does two rounds a time with inputs in XMM0.
    fn sha256_rounds(&mut self, u: &Uop, second: bool) -> bool {
        let d = self.vdst(u.dst, V[0]);
        let (a, b, c) = self.abc(u);
        let (abcd, efgh): (Xm, Xm) = if second { (a, c) } else { (c, a) };
        self.vi(VOpImm::Shufps, V[1], efgh, abcd, 0xbb);
        self.vi(VOpImm::Shufps, V[2], efgh, abcd, 0x11);
        self.get(V[0], b);
        self.asm.vsha(VSha::Sha256rnds2, V[1], V[2]);
        self.asm.vun_imm(VUnImm::Pshufd, V[0], V[0], 0x0e);
        self.asm.vsha(VSha::Sha256rnds2, V[2], V[1]);
        self.asm.vop_imm(VOpImm::Shufps, d, V[2], V[1], if second { 0x11 } else { 0xbb });
        self.finish(u, d)
    }
}
