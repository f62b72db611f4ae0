//! Exits in words.

use std::fmt::Write;

use armlet::ExitEvent;
use armlet_arm::esr::{ec_name, ec_of, iss};
use armlet_arm::smccc::{self, psci, trng, vendor};
use armlet_arm::syndrome;
use armlet_arm::sysreg::{Encoding, SysReg};

use armlet_machine::board::virt::map::VIRTIO_STRIDE;

use crate::boardmap::{ECAM_REGION, REQUEST_PAGE, Region, VIRTIO_REGION};

/// Which device answers where.
#[derive(Default)]
pub struct Devices(Vec<Region>);

impl Devices {
    /// From a memory map.
    pub fn new(map: Vec<Region>) -> Self {
        Self(map)
    }

    /// `PL011+0x18`, `virtio3+0x50` for slot 3, `ECAM 00:01.0+0x4` for a function, or the bare address where no device is known.
    pub fn name(&self, gpa: u64) -> String {
        match self.find(gpa) {
            Some((VIRTIO_REGION, offset)) => {
                let (slot, register) = (offset / VIRTIO_STRIDE, offset % VIRTIO_STRIDE);
                format!("{VIRTIO_REGION}{slot}+{register:#x}")
            }
            Some((ECAM_REGION, offset)) => {
                let (bus, slot, function) = (offset >> 20, offset >> 15 & 31, offset >> 12 & 7);
                format!("{ECAM_REGION} {bus:02x}:{slot:02x}.{function}+{:#x}", offset & 0xfff)
            }
            Some((name, offset)) => format!("{name}+{offset:#x}"),
            None => address(gpa),
        }
    }

    /// True if `gpa` is a register of the UART, and which.
    pub fn uart_register(&self, gpa: u64) -> Option<u64> {
        self.find(gpa).filter(|(name, _)| *name == "PL011").map(|(_, offset)| offset)
    }

    /// The device that an exit reached.
    pub fn of(&self, event: &ExitEvent) -> Option<&'static str> {
        match *event {
            ExitEvent::MmioRead { gpa, .. } | ExitEvent::MmioWrite { gpa, .. } => {
                self.find(gpa).map(|(name, _)| name)
            }
            _ => None,
        }
    }

    /// True if `gpa` is in the page of requests, and where in it.
    pub fn request(&self, gpa: u64) -> Option<u64> {
        self.find(gpa).filter(|(name, _)| *name == REQUEST_PAGE).map(|(_, offset)| offset)
    }

    fn find(&self, gpa: u64) -> Option<(&'static str, u64)> {
        let (name, start, _) = self.0.iter().find(|(_, start, len)| gpa >= *start && gpa - start < *len)?;
        Some((name, gpa - start))
    }
}

/// The kind of an event, for counting.
pub fn kind(event: &ExitEvent) -> &'static str {
    match event {
        ExitEvent::MmioRead { .. } => "mmio read",
        ExitEvent::MmioWrite { .. } => "mmio write",
        ExitEvent::UnmappedAccess { .. } => "unmapped access",
        ExitEvent::Call { .. } => "call",
        ExitEvent::Exception { .. } => "exception",
        ExitEvent::SysRegTrap { .. } => "system register trap",
        ExitEvent::Wfi { .. } => "wfi",
    }
}

/// One line for the log: `pc=0x40001010 mmio write PL011+0x0 4 <- 0x48 'H'`.
pub fn log_line(event: &ExitEvent, devices: &Devices) -> String {
    format!("pc={} {}", address(event.pc()), what(event, devices))
}

/// What happened, without where.
fn what(event: &ExitEvent, devices: &Devices) -> String {
    let kind = kind(event);
    match *event {
        ExitEvent::MmioRead { gpa, size, value, syndrome, .. } => {
            let (name, character, esr) = (devices.name(gpa), character(value), esr(syndrome));
            format!("{kind} {name} {size} -> {value:#x}{character}{esr}")
        }
        ExitEvent::MmioWrite { gpa, size, value, syndrome, .. } => {
            let (name, character, esr) = (devices.name(gpa), character(value), esr(syndrome));
            format!("{kind} {name} {size} <- {value:#x}{character}{esr}")
        }
        ExitEvent::UnmappedAccess { gpa, fetch, write, .. } => {
            format!("{kind} {} at {}", access(fetch, write), address(gpa))
        }
        ExitEvent::Call { conduit, imm, function, result, .. } => {
            format!("{} #{imm} {} -> {result:#x}", conduit_name(conduit), function_name(function))
        }
        ExitEvent::Exception { esr, far, from_el, vector, .. } => {
            let mut line = format!("{kind} {vector} from EL{from_el}");
            if !is_interrupt(vector) {
                let _ = write!(line, " esr={esr:#x} ({}) far={}", ec_name(ec_of(esr)), address(far));
            }
            line
        }
        ExitEvent::SysRegTrap { reg, read, .. } => {
            format!("{kind} {} {}", if read { "mrs" } else { "msr" }, register_name(reg))
        }
        ExitEvent::Wfi { .. } => kind.to_owned(),
    }
}

/// ` esr=0x93810047`, if it is known.
fn esr(syndrome: Option<u64>) -> String {
    syndrome.map(|esr| format!(" esr={esr:#x}")).unwrap_or_default()
}

/// A data abort's syndrome in Arm's words: `WnR=1 SAS=4 SRT=R1`. Without a register if that is not valid.
pub fn fields(esr: u64, aarch32: bool) -> String {
    let mut text = format!("WnR={}", u8::from(esr & iss::WNR != 0));
    if let Some(access) = syndrome::transfer(esr) {
        let register = match (aarch32, access.rt) {
            (true, n) => format!("R{n}"),
            (false, 31) => "XZR".to_owned(),
            (false, n) => format!("X{n}"),
        };
        let _ = write!(text, ", SAS={} bytes, SRT={register}", 1 << access.sas);
    }
    text
}

/// An address with all its digits: eight of them where they do, else sixteen.
pub fn address(at: u64) -> String {
    if at >> 32 == 0 { format!("{at:#010x}") } else { format!("{at:#018x}") }
}

/// ` 'H'` for a printable character in an otherwise empty word.
pub fn character(value: u64) -> String {
    match u8::try_from(value) {
        Ok(byte @ 0x20..=0x7e) => format!(" '{}'", byte as char),
        _ => String::new(),
    }
}

/// True for a vector that has no syndrome to tell.
pub fn is_interrupt(vector: &str) -> bool {
    matches!(vector, "IRQ" | "FIQ" | "SError")
}

/// What an access does.
pub fn access(fetch: bool, write: bool) -> &'static str {
    match (fetch, write) {
        (true, _) => "fetch",
        (false, true) => "store",
        (false, false) => "load",
    }
}

/// `HVC` or `SMC`.
pub fn conduit_name(conduit: smccc::Conduit) -> &'static str {
    match conduit {
        smccc::Conduit::Hvc => "HVC",
        smccc::Conduit::Smc => "SMC",
    }
}

/// The name of a firmware call, or its number.
pub fn function_name(function: u32) -> String {
    let smc32 = function & !psci::SMC64;
    let name = match smc32 {
        smccc::SMCCC_VERSION => "SMCCC_VERSION",
        smccc::SMCCC_ARCH_FEATURES => "SMCCC_ARCH_FEATURES",
        smccc::SMCCC_ARCH_SOC_ID => "SMCCC_ARCH_SOC_ID",
        smccc::SMCCC_ARCH_WORKAROUND_1 => "SMCCC_ARCH_WORKAROUND_1",
        smccc::SMCCC_ARCH_WORKAROUND_2 => "SMCCC_ARCH_WORKAROUND_2",
        smccc::SMCCC_ARCH_WORKAROUND_3 => "SMCCC_ARCH_WORKAROUND_3",
        psci::VERSION => "PSCI_VERSION",
        psci::CPU_SUSPEND => "CPU_SUSPEND",
        psci::CPU_OFF => "CPU_OFF",
        psci::CPU_ON => "CPU_ON",
        psci::AFFINITY_INFO => "AFFINITY_INFO",
        psci::MIGRATE_INFO_TYPE => "MIGRATE_INFO_TYPE",
        psci::SYSTEM_OFF => "SYSTEM_OFF",
        psci::SYSTEM_RESET => "SYSTEM_RESET",
        psci::FEATURES => "PSCI_FEATURES",
        psci::SYSTEM_SUSPEND => "SYSTEM_SUSPEND",
        psci::SYSTEM_RESET2 => "SYSTEM_RESET2",
        trng::VERSION => "TRNG_VERSION",
        trng::FEATURES => "TRNG_FEATURES",
        trng::GET_UUID => "TRNG_GET_UUID",
        trng::RND32 => "TRNG_RND",
        vendor::CALL_UID => "CALL_UID",
        vendor::WRITE_STRING => "WRITE_STRING",
        vendor::EXIT => "EXIT",
        vendor::WRITE_CHAR => "WRITE_CHAR",
        _ => return format!("function {function:#x}"),
    };
    name.to_owned()
}

/// Registers that are views of other state, and those of the interrupt controller.
const VIEWS: [(Encoding, &str); 14] = [
    (Encoding::new(3, 3, 4, 2, 0), "NZCV"),
    (Encoding::new(3, 3, 4, 2, 1), "DAIF"),
    (Encoding::new(3, 3, 4, 4, 0), "FPCR"),
    (Encoding::new(3, 3, 4, 4, 1), "FPSR"),
    (Encoding::new(3, 0, 4, 2, 0), "SPSel"),
    (Encoding::new(3, 0, 4, 2, 2), "CurrentEL"),
    (Encoding::new(3, 0, 4, 2, 3), "PAN"),
    (Encoding::new(3, 3, 14, 0, 1), "CNTPCT_EL0"),
    (Encoding::new(3, 3, 14, 0, 2), "CNTVCT_EL0"),
    (Encoding::new(3, 0, 4, 6, 0), "ICC_PMR_EL1"),
    (Encoding::new(3, 0, 12, 11, 1), "ICC_DIR_EL1"),
    (Encoding::new(3, 0, 12, 11, 5), "ICC_SGI1R_EL1"),
    (Encoding::new(3, 0, 12, 12, 0), "ICC_IAR1_EL1"),
    (Encoding::new(3, 0, 12, 12, 1), "ICC_EOIR1_EL1"),
];

/// Arm's name of a register, or its encoding.
pub fn register_name(reg: Encoding) -> String {
    let state = SysReg::ALL.iter().find(|known| known.encoding() == reg).map(|known| known.name());
    let view = || VIEWS.iter().find(|(known, _)| *known == reg).map(|(_, name)| *name);
    state.or_else(view).map_or_else(|| format!("{reg:?}").to_uppercase(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_as_documented() {
        let devices = Devices::default();
        let write = ExitEvent::MmioWrite {
            pc: 0x4000_1010,
            gpa: 0x900_0000,
            size: 4,
            value: 0x48,
            syndrome: Some(0x9381_0047),
        };
        assert_eq!(
            log_line(&write, &devices),
            "pc=0x40001010 mmio write 0x09000000 4 <- 0x48 'H' esr=0x93810047"
        );
        let devices = Devices::new(vec![("PL011", 0x900_0000, 0x1000)]);
        assert_eq!(
            log_line(&write, &devices),
            "pc=0x40001010 mmio write PL011+0x0 4 <- 0x48 'H' esr=0x93810047"
        );
        assert_eq!(fields(0x9381_0047, true), "WnR=1, SAS=4 bytes, SRT=R1");
        assert_eq!(fields(0x93df_8007, false), "WnR=0, SAS=8 bytes, SRT=XZR");
        assert_eq!(fields(0x9200_0047, false), "WnR=1");
        assert_eq!(
            (devices.uart_register(0x900_0018), devices.uart_register(0x901_0000)),
            (Some(0x18), None)
        );

        for (event, line) in [
            (
                ExitEvent::Call {
                    pc: 0x4000_101c,
                    conduit: smccc::Conduit::Hvc,
                    imm: 0,
                    function: vendor::WRITE_STRING,
                    result: 0,
                },
                "pc=0x4000101c HVC #0 WRITE_STRING -> 0x0",
            ),
            (
                ExitEvent::Exception { pc: 1, esr: 0x9600_0010, far: 2, from_el: 1, vector: "synchronous" },
                "pc=0x00000001 exception synchronous from EL1 esr=0x96000010 (data abort) far=0x00000002",
            ),
            (
                ExitEvent::Exception { pc: 1, esr: 0, far: 0, from_el: 0, vector: "IRQ" },
                "pc=0x00000001 exception IRQ from EL0",
            ),
            (
                // An undefined T32 instruction of 16 bits.
                ExitEvent::Exception { pc: 2, esr: 0, far: 0, from_el: 1, vector: "synchronous" },
                "pc=0x00000002 exception synchronous from EL1 esr=0x0 (undefined instruction) far=0x00000000",
            ),
            (
                ExitEvent::SysRegTrap { pc: 4, reg: Encoding::new(3, 4, 2, 1, 0), read: true },
                "pc=0x00000004 system register trap mrs S3_4_C2_C1_0",
            ),
            (
                ExitEvent::UnmappedAccess { pc: 8, gpa: 0x5000_0000, fetch: false, write: true },
                "pc=0x00000008 unmapped access store at 0x50000000",
            ),
        ] {
            assert_eq!(log_line(&event, &devices), line);
        }
        assert_eq!(address(0xffff_8000_0000_0000), "0xffff800000000000");
        assert_eq!(function_name(psci::CPU_ON | psci::SMC64), "CPU_ON");
        assert_eq!(function_name(0x8765_4321), "function 0x87654321");
    }
}
