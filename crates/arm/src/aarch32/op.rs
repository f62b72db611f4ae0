//! The core instructions of A32 and T32, and which fields of an `Insn` each has.

/// Declares the enum. Each group says in its documentation, which all its ops get, what the fields hold.
macro_rules! ops {
    ($($doc:literal { $($op:ident $mnemonic:literal),* $(,)? })*) => {
        /// A core instruction: Arm's mnemonic, where one mnemonic does not stand for several things.
        ///
        /// `[n]` is memory at the address that `n`, `operand` and `index` form: with base register 15, which is
        /// `Align(PC, 4)`, in all of them. `operand` stands for its value, computed from `m` if it is a register.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum Op { $($(#[doc = concat!("`", $mnemonic, "`: ", $doc)] $op),*),* }

        impl Op {
            /// All of them.
            pub const ALL: &'static [Op] = &[$($(Op::$op),*),*];

            /// The mnemonic, lower case, without condition and `s`.
            pub const fn mnemonic(self) -> &'static str {
                match self { $($(Op::$op => $mnemonic),*),* }
            }
        }
    };
}

ops! {
    "`d` = `n` op `operand`. `sets`: N, Z, C (logical ops: the carry of the shift or immediate) and V (arithmetic only). \
     `d` 15 is a branch (A32: exchanging, by bit 0; T32: not). `d` 15 with `sets` `Always` is an exception return: \
     PC = result, CPSR = SPSR; in T32 that is only `SUBS PC, LR, #imm`. A32's `n` 15 with a constant is ADR."
    { And "and", Eor "eor", Sub "sub", Rsb "rsb", Add "add", Adc "adc", Sbc "sbc", Rsc "rsc", Orr "orr", Bic "bic",
      Orn "orn" }
    "`d` = `operand`, or its complement. `sets` and `d` 15 as for AND. Shift instructions (LSL R0, R1, R2) are MOV."
    { Mov "mov", Mvn "mvn" }
    "Flags of `n` op `operand`; `sets` is `Always`."
    { Tst "tst", Teq "teq", Cmp "cmp", Cmn "cmn" }
    "`d` = Align(PC, 4) + `offset()`. T32 only; `d` is never 15."
    { Adr "adr" }
    "MOVW: `d` = `imm` (16 bits). MOVT: upper half of `d` = `imm`."
    { Movw "movw", Movt "movt" }

    "`d` = `n` * `m`. `sets`: N and Z."
    { Mul "mul" }
    "`d` = `a` + `n` * `m` (MLS: `a` - `n` * `m`). `sets` of MLA: N and Z."
    { Mla "mla", Mls "mls" }
    "`a`:`d` (RdHi:RdLo) = `n` * `m`; the accumulating ones add `a`:`d`. `sets`: N and Z."
    { Umull "umull", Umlal "umlal", Smull "smull", Smlal "smlal" }
    "`a`:`d` = `n` * `m` + `a` + `d`."
    { Umaal "umaal" }
    "`d` = half of `n` * half of `m`. The first letter (b, t) is the half of `n`, the second that of `m`."
    { Smulbb "smulbb", Smulbt "smulbt", Smultb "smultb", Smultt "smultt" }
    "`d` = half of `n` * half of `m` + `a`; Q on overflow."
    { Smlabb "smlabb", Smlabt "smlabt", Smlatb "smlatb", Smlatt "smlatt" }
    "`a`:`d` += half of `n` * half of `m`."
    { Smlalbb "smlalbb", Smlalbt "smlalbt", Smlaltb "smlaltb", Smlaltt "smlaltt" }
    "`d` = bits `[47:16]` of (`n` * half of `m`)."
    { Smulwb "smulwb", Smulwt "smulwt" }
    "`d` = bits `[47:16]` of (`n` * half of `m`) + `a`; Q on overflow."
    { Smlawb "smlawb", Smlawt "smlawt" }
    "`d` = sum (SMUAD) or difference (SMUSD) of the products of halves of `n` and `m`; X exchanges the halves of `m`. \
     SMUAD: Q on overflow."
    { Smuad "smuad", Smuadx "smuadx", Smusd "smusd", Smusdx "smusdx" }
    "The same + `a`; Q on overflow."
    { Smlad "smlad", Smladx "smladx", Smlsd "smlsd", Smlsdx "smlsdx" }
    "The same added to `a`:`d`."
    { Smlald "smlald", Smlaldx "smlaldx", Smlsld "smlsld", Smlsldx "smlsldx" }
    "`d` = upper word of `n` * `m`; R adds 0x8000_0000 to the product first."
    { Smmul "smmul", Smmulr "smmulr" }
    "`d` = upper word of `a`:0 + or - `n` * `m`; R adds 0x8000_0000 first."
    { Smmla "smmla", Smmlar "smmlar", Smmls "smmls", Smmlsr "smmlsr" }
    "`d` = `n` / `m`, 0 if `m` is 0."
    { Sdiv "sdiv", Udiv "udiv" }
    "`d` = sum of the absolute differences of the bytes of `n` and `m`."
    { Usad8 "usad8" }
    "`d` = `a` + sum of the absolute differences of the bytes of `n` and `m`."
    { Usada8 "usada8" }

    "`d` = saturated `m` + or - `n`; D doubles `n` first, saturating. In Arm's order: `QADD d, m, n`. Q on saturation."
    { Qadd "qadd", Qsub "qsub", Qdadd "qdadd", Qdsub "qdsub" }
    "`d` = `n` op `m` in halves; sets GE."
    { Sadd16 "sadd16", Sasx "sasx", Ssax "ssax", Ssub16 "ssub16",
      Uadd16 "uadd16", Uasx "uasx", Usax "usax", Usub16 "usub16" }
    "`d` = `n` op `m` in bytes; sets GE."
    { Sadd8 "sadd8", Ssub8 "ssub8", Uadd8 "uadd8", Usub8 "usub8" }
    "`d` = `n` op `m` in halves or bytes, saturating (Q, UQ) or halving (SH, UH); no flags."
    { Qadd16 "qadd16", Qasx "qasx", Qsax "qsax", Qsub16 "qsub16", Qadd8 "qadd8", Qsub8 "qsub8",
      Shadd16 "shadd16", Shasx "shasx", Shsax "shsax", Shsub16 "shsub16", Shadd8 "shadd8", Shsub8 "shsub8",
      Uqadd16 "uqadd16", Uqasx "uqasx", Uqsax "uqsax", Uqsub16 "uqsub16", Uqadd8 "uqadd8", Uqsub8 "uqsub8",
      Uhadd16 "uhadd16", Uhasx "uhasx", Uhsax "uhsax", Uhsub16 "uhsub16", Uhadd8 "uhadd8", Uhsub8 "uhsub8" }
    "`d` = bytes of `n` where GE is set, of `m` elsewhere."
    { Sel "sel" }
    "`d` = one half of `n`, the other of `operand` (`m` shifted). BT: lower half of `n`; TB: upper half of `n`."
    { Pkhbt "pkhbt", Pkhtb "pkhtb" }
    "`d` = `operand` (`m` shifted) saturated to `imm` bits: SSAT 1 to 32, USAT 0 to 31. Q on saturation."
    { Ssat "ssat", Usat "usat" }
    "`d` = halves of `m` saturated to `imm` bits: SSAT16 1 to 16, USAT16 0 to 15. Q on saturation."
    { Ssat16 "ssat16", Usat16 "usat16" }
    "`d` = extended part of `operand` (`m` rotated right by 0, 8, 16 or 24 bits)."
    { Sxtb "sxtb", Sxth "sxth", Sxtb16 "sxtb16", Uxtb "uxtb", Uxth "uxth", Uxtb16 "uxtb16" }
    "`d` = `n` + extended part of `operand` (`m` rotated right by 0, 8, 16 or 24 bits)."
    { Sxtab "sxtab", Sxtah "sxtah", Sxtab16 "sxtab16", Uxtab "uxtab", Uxtah "uxtah", Uxtab16 "uxtab16" }
    "`d` = `m` with its bytes or bits in another order, or how many leading zeros it has."
    { Rev "rev", Rev16 "rev16", Revsh "revsh", Rbit "rbit", Clz "clz" }
    "The field of `width()` bits at `lsb()` of `d` becomes zero."
    { Bfc "bfc" }
    "The field of `width()` bits at `lsb()` of `d` becomes the low bits of `n`."
    { Bfi "bfi" }
    "`d` = the field of `width()` bits at `lsb()` of `n`, extended."
    { Sbfx "sbfx", Ubfx "ubfx" }
    "`d` = checksum `n` continued with `m`."
    { Crc32b "crc32b", Crc32h "crc32h", Crc32w "crc32w", Crc32cb "crc32cb", Crc32ch "crc32ch", Crc32cw "crc32cw" }

    "`d` (Rt) = `[n]`. LDR: `d` 15 is an exchanging branch."
    { Ldr "ldr", Ldrb "ldrb", Ldrh "ldrh", Ldrsb "ldrsb", Ldrsh "ldrsh" }
    "`[n]` = `d` (Rt). Here base register 15 is PC (A32 only)."
    { Str "str", Strb "strb", Strh "strh" }
    "`d` and `a` (Rt, Rt2) = the words at `[n]` and 4 further; or the other way. A32: `d` is even and `a` follows it."
    { Ldrd "ldrd", Strd "strd" }
    "LDR and STR with the permissions of EL0. A32: post-indexed; T32: offset. `d` is never 15 in loads, `n` never 15."
    { Ldrt "ldrt", Ldrbt "ldrbt", Ldrht "ldrht", Ldrsbt "ldrsbt", Ldrsht "ldrsht", Strt "strt", Strbt "strbt",
      Strht "strht" }
    "Registers of `list`, lowest first, from words at ascending addresses; POP is `LDM SP!`. \
     The first address: `n` (`add`, not `pre`), `n` + 4 (`add`, `pre`), `n` - 4 * count + 4 (neither), `n` - 4 * count \
     (`pre`). `wback`: `n` += or -= 4 * count. R15 of the list is an exchanging branch. The list is not empty."
    { Ldm "ldm" }
    "The same to memory; PUSH is `STMDB SP!`. R15 of the list (A32) is stored as it reads."
    { Stm "stm" }
    "LDM and STM of User mode's registers: `^`. Never with `wback`; LDM's list has no R15."
    { LdmUser "ldm", StmUser "stm" }
    "LDM with R15, as an exception return: CPSR = SPSR."
    { LdmExcept "ldm" }

    "Load exclusive: `d` (Rt) = memory at `n` + `imm`. LDREXD: `d` and `a`; A32: `d` is even and `a` follows it."
    { Ldrex "ldrex", Ldrexb "ldrexb", Ldrexh "ldrexh", Ldrexd "ldrexd" }
    "Load-acquire exclusive: as LDREX."
    { Ldaex "ldaex", Ldaexb "ldaexb", Ldaexh "ldaexh", Ldaexd "ldaexd" }
    "Store exclusive: memory at `n` + `imm` = `m` (Rt), `d` (Rd) = status. STREXD: `m` and `a` (Rt2); A32: `m` is even and \
     `a` follows it."
    { Strex "strex", Strexb "strexb", Strexh "strexh", Strexd "strexd" }
    "Store-release exclusive: as STREX."
    { Stlex "stlex", Stlexb "stlexb", Stlexh "stlexh", Stlexd "stlexd" }
    "Load-acquire: `d` (Rt) = memory at `n`."
    { Lda "lda", Ldab "ldab", Ldah "ldah" }
    "Store-release: memory at `n` = `d` (Rt)."
    { Stl "stl", Stlb "stlb", Stlh "stlh" }
    "Clear the exclusive monitor."
    { Clrex "clrex" }
    "`d` (Rt) = memory at `n`, which becomes `m` (Rt2). Armv7 only: UNDEFINED if SCTLR.SW is 0."
    { Swp "swp", Swpb "swpb" }
    "A hint about `[n]`, which may be any address."
    { Pld "pld", Pldw "pldw", Pli "pli" }

    "PC += `offset()`. In T32 `cond` may be any."
    { B "b" }
    "R14 = return address (bit 0 set in T32), PC += `offset()`."
    { Bl "bl" }
    "R14 as for BL, PC = Align(PC, 4) + `offset()`, in the other instruction set."
    { Blx "blx" }
    "R14 = return address (bit 0 set in T32), exchanging branch to `m`."
    { BlxReg "blx" }
    "Exchanging branch to `m`. BXJ is the same, there being no Jazelle."
    { Bx "bx", Bxj "bxj" }
    "PC += `offset()` if `n` is zero (CBZ) or not (CBNZ)."
    { Cbz "cbz", Cbnz "cbnz" }
    "PC += 2 * the byte (at `n` + `m`) or halfword (at `n` + 2 * `m`) there. `n` 15: PC, which needs no alignment."
    { Tbb "tbb", Tbh "tbh" }
    "ITSTATE = `imm` (firstcond:mask), from the next instruction on."
    { It "it" }

    "`imm` is the comment field: SVC 24 bits (T32 8), HVC and UDF 16, SMC 4, BKPT 16 (T32 8), HLT 16 (T32 6)."
    { Svc "svc", Hvc "hvc", Smc "smc", Bkpt "bkpt", Udf "udf", Hlt "hlt" }
    "A hint. NOP stands for the unallocated ones too; `imm` is the hint's number. Of DBG it is its option."
    { Nop "nop", Yield "yield", Wfe "wfe", Wfi "wfi", Sev "sev", Sevl "sevl", Esb "esb", Csdb "csdb", Dbg "dbg" }
    "A barrier. `imm` is its option: 15 is SY; DSB 0 is SSBB, DSB 4 PSSBB."
    { Dmb "dmb", Dsb "dsb", Isb "isb" }
    "Speculation barrier."
    { Sb "sb" }

    "`d` = APSR, CPSR or SPSR, see `spsr()`."
    { Mrs "mrs" }
    "APSR, CPSR or SPSR (`spsr()`) = `operand`, a constant or `m`, in the fields of `field_mask()`, which isn't 0."
    { Msr "msr" }
    "`d` = the banked register or SPSR of `banked()`."
    { MrsBanked "mrs" }
    "The banked register or SPSR of `banked()` = `m`."
    { MsrBanked "msr" }
    "`imm` is laid out as A32's word: mode `[4:0]`, F, I, A `[8:6]` (which masks to change), M (17: change the mode), imod \
     `[19:18]` (2: clear the masks, 3: set them, 0: leave them)."
    { Cps "cps" }
    "CPSR.E or CPSR.PAN = `imm`."
    { Setend "setend", Setpan "setpan" }
    "PC and CPSR from two words at `n`; `index` as for LDM of two registers."
    { Rfe "rfe" }
    "R14 and SPSR to two words at R13 of mode `imm`, which gets the writeback; `index` as for STM."
    { Srs "srs" }
    "Exception return to R14, or to ELR_hyp in Hyp mode. T32: the same word is `SUBS PC, LR, #0`."
    { Eret "eret" }
    "`coprocessor()` = `d`."
    { Mcr "mcr" }
    "`d` = `coprocessor()`; `d` 15: N, Z, C, V = bits `[31:28]`."
    { Mrc "mrc" }
    "`coprocessor()` = `a`:`d` (Rt2:Rt)."
    { Mcrr "mcrr" }
    "`a`:`d` (Rt2:Rt) = `coprocessor()`."
    { Mrrc "mrrc" }
    "`[n]` to DBGDTRTXint (LDC) or DBGDTRRXint to `[n]` (STC): `coprocessor()` is p14, c0, c5."
    { Ldc "ldc", Stc "stc" }
}
