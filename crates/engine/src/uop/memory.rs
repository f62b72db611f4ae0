//! Memory ops beyond plain loads and stores.

/// What a memory uop does. The address is `a`, for ordered and unprivileged accesses `a + imm`. `flags`
/// bits `[1:0]` are log2 of the size of a register or element in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MemoryOp {
    /// LDAR, LDAPR: `dst = [a + imm]`, extended as [`MemoryOp::SIGNED`] and [`MemoryOp::TO64`] in `flags` say.
    LoadAcquire,
    /// STLR: `[a + imm] = c`.
    StoreRelease,
    /// LDTR, like `LoadAcquire`.
    LoadUnprivileged,
    /// STTR.
    StoreUnprivileged,
    /// LDXR, LDAXR: `dst = [a]`.
    LoadExclusive,
    /// LDXP, LDAXP: `dst, c = [a]`.
    LoadExclusivePair,
    /// STXR, STLXR: `[a] = c`; `dst` = 0 if it was stored, else 1.
    StoreExclusive,
    /// STXP, STLXP: `[a] = c, b`; `dst` as above.
    StoreExclusivePair,
    /// If `[a] = b` then `[a] = c`; `dst` = the old value.
    Cas,
    /// The same of pairs of consecutive registers, the first even; register 31 is XZR.
    Casp,
    /// LDADD: `dst = [a]; [a] += c`.
    Add,
    /// LDCLR: and not.
    Clr,
    /// LDEOR.
    Eor,
    /// LDSET: or.
    Set,
    /// LDSMAX.
    Smax,
    /// LDSMIN.
    Smin,
    /// LDUMAX.
    Umax,
    /// LDUMIN.
    Umin,
    /// SWP.
    Swp,
    /// LD1 to LD4 of whole registers: `imm` registers from vector slot `dst` on, modulo 32. `flags` bit 2 is Q,
    /// [`MemoryOp::INTERLEAVED`] says that elements go to the registers in turn.
    LoadStructures,
    /// ST1 to ST4 of whole registers, the first being `c`.
    StoreStructures,
    /// LD1R to LD4R: `imm` registers from `dst` on. `flags` bit 2 is Q.
    LoadReplicate,
    /// LD1 to LD4 of lane `imm >> 8` of `imm & 0xff` registers from `dst` on.
    LoadLane,
    /// ST1 to ST4 of a lane, the first register being `c`.
    StoreLane,
    /// AArch32's LDM: words from `a` upwards to the registers of the list `imm[14:0]`, R0 first; with `imm[15]` one more word
    /// goes to slot `dst`. The address must be that of a word. A fault changes no register.
    LoadMultiple,
    /// STM; with `imm[15]` slot `c` is stored last.
    StoreMultiple,
    /// AArch32's VLDR and VLDM: what [`Extension`](super::Extension) says, S or D by `flags`, from `a` upwards.
    /// The address must be that of a word. A fault changes no register.
    LoadExtension,
    /// VSTR and VSTM.
    StoreExtension,
    /// AArch32's VLD1 to VLD4: structures as [`Elements`](super::Elements) says. A fault changes no register.
    LoadElements,
    /// VST1 to VST4.
    StoreElements,
}

impl MemoryOp {
    /// In `flags`: sign-extend.
    pub const SIGNED: u8 = 1 << 2;
    /// In `flags`: sign-extend to 64 bits, not 32.
    pub const TO64: u8 = 1 << 3;
    /// In `flags`: vector structures are interleaved.
    pub const INTERLEAVED: u8 = 1 << 3;
    /// In `flags` of `LoadMultiple` and `StoreMultiple`: the words in memory are big-endian.
    pub const REVERSED: u8 = 1 << 0;
    /// In `flags` of accesses to extension registers: data in memory are big-endian.
    pub const BIG: u8 = 1 << 4;
}
