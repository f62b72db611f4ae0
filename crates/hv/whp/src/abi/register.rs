//! Names of registers, `WHV_REGISTER_NAME`.

/// A register's name. Values that are not listed may come back from the hypervisor.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name(pub u32);

/// X0 to X28, FP and LR, the last of which is X30.
pub const fn x(n: u8) -> Name {
    assert!(n <= 30, "31 would be the stack pointer, not XZR");
    Name(0x2_0000 + n as u32)
}

/// Q0 to Q31.
pub const fn q(n: u8) -> Name {
    assert!(n <= 31);
    Name(0x3_0000 + n as u32)
}

/// DBGBCRn_EL1.
pub const fn dbgbcr(n: u8) -> Name {
    Name(0x5_0000 + n as u32)
}

/// DBGWCRn_EL1.
pub const fn dbgwcr(n: u8) -> Name {
    Name(0x5_0010 + n as u32)
}

/// DBGBVRn_EL1.
pub const fn dbgbvr(n: u8) -> Name {
    Name(0x5_0020 + n as u32)
}

/// DBGWVRn_EL1.
pub const fn dbgwvr(n: u8) -> Name {
    Name(0x5_0030 + n as u32)
}

macro_rules! names {
    ($($name:ident = $value:literal;)*) => {
        $(#[doc = concat!("`WHvArm64Register` ", stringify!($name), ".")]
        pub const $name: Name = Name($value);)*
    };
}

names! {
    SP_EL0 = 0x2_0020;
    SP_EL1 = 0x2_0021;
    PC = 0x2_0022;
    PSTATE = 0x2_0023;
    MPIDR_EL1 = 0x4_0001;
    SCTLR_EL1 = 0x4_0002;
    ACTLR_EL1 = 0x4_0003;
    CPACR_EL1 = 0x4_0004;
    TTBR0_EL1 = 0x4_0005;
    TTBR1_EL1 = 0x4_0006;
    TCR_EL1 = 0x4_0007;
    ESR_EL1 = 0x4_0008;
    FAR_EL1 = 0x4_0009;
    PAR_EL1 = 0x4_000a;
    MAIR_EL1 = 0x4_000b;
    VBAR_EL1 = 0x4_000c;
    CONTEXTIDR_EL1 = 0x4_000d;
    TPIDR_EL1 = 0x4_000e;
    TPIDRRO_EL0 = 0x4_0010;
    TPIDR_EL0 = 0x4_0011;
    FPCR = 0x4_0012;
    FPSR = 0x4_0013;
    SPSR_EL1 = 0x4_0014;
    ELR_EL1 = 0x4_0015;
    CSSELR_EL1 = 0x4_0035;
    MIDR_EL1 = 0x4_0051;
    MDSCR_EL1 = 0x5_004d;
    CNTKCTL_EL1 = 0x5_8008;
    CNTV_CTL_EL0 = 0x5_800e;
    CNTV_CVAL_EL0 = 0x5_800f;
    CNTVCT_EL0 = 0x5_8011;
    GICR_BASE_GPA = 0x6_3000;
}

/// What guests find in the identification registers, of all VPs: to be asked for with [`super::ANY_VP`]. The space of
/// `op0 = 3, op1 = 0, CRn = 0`, by `CRm` and `op2`.
pub const IDENTIFICATION: &[(&str, Name)] = &[
    ("MIDR_EL1", Name(0x2_2000)),
    ("REVIDR_EL1", Name(0x2_2006)),
    ("ID_AA64PFR0_EL1", Name(0x2_2020)),
    ("ID_AA64PFR1_EL1", Name(0x2_2021)),
    ("ID_AA64ZFR0_EL1", Name(0x2_2024)),
    ("ID_AA64SMFR0_EL1", Name(0x2_2025)),
    ("ID_AA64DFR0_EL1", Name(0x2_2028)),
    ("ID_AA64DFR1_EL1", Name(0x2_2029)),
    ("ID_AA64ISAR0_EL1", Name(0x2_2030)),
    ("ID_AA64ISAR1_EL1", Name(0x2_2031)),
    ("ID_AA64ISAR2_EL1", Name(0x2_2032)),
    ("ID_AA64MMFR0_EL1", Name(0x2_2038)),
    ("ID_AA64MMFR1_EL1", Name(0x2_2039)),
    ("ID_AA64MMFR2_EL1", Name(0x2_203a)),
];
