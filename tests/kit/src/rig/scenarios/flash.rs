//! Flash memory that is memory, then a chip, then memory again: a program that shows it, and EDK2.

use super::super::contents::{EDK2, ESP};
use super::{Case, Setting, TALK, need, need_parts, need_status};
use crate::firmware;

/// The kernel has no memory there while the chip answers: a guest that starts from flash says what it found.
pub fn flash(setting: &Setting) -> Case {
    let code: String = firmware::FLASH_PROGRAM
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .map(|byte| format!("\\{byte:03o}"))
        .collect();
    let script = format!(
        "printf '{code}' >code; printf {} >kept\narmlet run -q --backend {} --memory 64M --firmware code,vars=kept",
        firmware::FLASH_VARIABLES,
        setting.backend
    );
    Case::new("flash", script, |outcome| {
        need_status(outcome, 0)?;
        need_parts("standard output", &outcome.stdout(), &[firmware::FLASH_SAYS])
    })
}

/// What GRUB reads.
pub(in super::super) const GRUB_MENU: &str =
    "set timeout=0\nmenuentry one {\n linux /vmlinuz by=grub console=ttyAMA0 quiet\n initrd /initrd\n}\n";

/// What the first process does that it starts, behind what every ramdisk's does first.
pub(in super::super) const UEFI_INIT: &str = "
cat /proc/cmdline; echo tables=$(ls /sys/firmware/acpi/tables); echo cpus=$(grep -c ^processor /proc/cpuinfo)
poweroff -f
";

/// EDK2 to its shell, where a variable outlives a reset; then, with no variables that put the shell first, by GRUB on a
/// disk to a kernel. It takes some 35 seconds on two quiet cores.
pub fn edk2(setting: &Setting) -> Case {
    let run = format!("armlet run -q --backend {} --memory 256M --firmware {EDK2}", setting.backend);
    let variable = "setvar Kept -guid 12345678-1234-1234-1234-123456789abc";
    let script = format!(
        "{TALK}
        trap 'rm -f kept' EXIT
        shell() {{ hear startup.nsh; say '\\r'; hear 'Shell> '; }}
        begin shell {run},vars=kept
        shell; say '{variable} -nv -rt -bs =666f722d65766572\\r'; hear 'Shell> '; say 'reset\\r'
        shell; say '{variable}\\r'; hear 'Shell> '; say 'reset -s\\r'
        end || exit
        begin grub {run} --disk {ESP},ro --cpus 2 --virtio pci
        end"
    );
    Case::new("edk2", script, |outcome| {
        need_status(outcome, 0)?;
        let shell = outcome.text("shell");
        need(shell.matches("startup.nsh").count() == 2, || "the shell should start twice".into())?;
        need_parts("the shell", &shell, &["66 6F 72 2D 65 76 65 72"])?;
        let all = ["by=grub", "cpus=2", "tables=", "APIC", "DSDT", "MCFG"];
        need_parts("the console", &outcome.text("grub"), &all)
    })
}
