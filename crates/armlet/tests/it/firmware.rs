//! Debian's firmware, unmodified: U-Boot and EDK2 start from flash memory, keep their variables, and boot what is on a disk
//! or in fw_cfg.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use armlet_testkit::firmware::{self, ESP, Firmware, LINUX};
use armlet_testkit::payloads::{self, Payloads};
use armlet_testkit::session::Session;
use armlet_testkit::{cpio, skip};

/// Generous: CI machines are slow and shared, and tests measure nothing.
const LIMIT: Duration = Duration::from_secs(240);

/// What the guest's init prints at its end.
const ARRIVED: &str = "arrived at init";

fn firmware() -> Option<&'static Firmware> {
    firmware::get().map_err(|why| skip(&why)).ok()
}

fn payloads() -> Option<&'static Payloads> {
    payloads::get().map_err(|why| skip(&why)).ok()
}

fn start(firmware: &str, options: &[&str]) -> Session {
    let mut command = Command::new(env!("CARGO_BIN_EXE_armlet"));
    command.args(["run", "--memory", "512M", "--firmware", firmware]).args(options);
    Session::start(&mut command).unwrap()
}

/// `FILE` or `FILE,vars=FILE`.
fn text(path: &Path, variables: Option<&Path>) -> String {
    let path = path.display();
    variables.map_or(path.to_string(), |variables| format!("{path},vars={}", variables.display()))
}

/// Starts U-Boot and stops at its prompt.
fn u_boot(firmware: &str, options: &[&str]) -> Session {
    let mut session = start(firmware, options);
    session.expect("Hit any key to stop autoboot", LIMIT);
    session.type_line("");
    session.expect("=> ", LIMIT);
    session
}

/// Kernel and a ramdisk whose init says some things and turns the machine off, in files.
struct Guest {
    dir: tempfile::TempDir,
    kernel: PathBuf,
    ramdisk: PathBuf,
}

impl Guest {
    fn new(init: &str) -> Option<Self> {
        let payloads = payloads()?;
        Some(Self::of(&payloads.cloud_kernel, &payloads.busybox, init))
    }

    /// With a 32-bit kernel.
    fn new32(init: &str) -> Option<Self> {
        let payloads = payloads::get32().map_err(|why| skip(&why)).ok()?;
        Some(Self::of(&payloads.armmp_lpae, &payloads.busybox, init))
    }

    fn of(kernel: &Path, busybox: &[u8], init: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ramdisk = dir.path().join("ramdisk");
        let init = format!("{}\n{init}\necho {ARRIVED}; poweroff -f\n", cpio::INIT_PROLOGUE);
        fs::write(&ramdisk, cpio::busybox_ramdisk(busybox, &init, &[])).unwrap();
        Self { dir, kernel: kernel.to_owned(), ramdisk }
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// An ext4 file system with kernel, ramdisk and these files, in a partition of a disk.
    fn ext4_disk(&self, files: &[(&str, &[u8])]) -> PathBuf {
        let (tree, image) = (self.dir.path().join("tree"), self.dir.path().join("ext4"));
        for (name, from) in [("vmlinuz", &self.kernel), ("initrd", &self.ramdisk)] {
            fs::create_dir_all(tree.join("boot")).unwrap();
            fs::copy(from, tree.join("boot").join(name)).unwrap();
        }
        for (name, content) in files {
            let path = tree.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let mke2fs = ["/usr/sbin/mke2fs", "/sbin/mke2fs", "mke2fs"];
        let mke2fs = mke2fs.iter().find(|name| Command::new(name).arg("-V").output().is_ok());
        let mut command = Command::new(mke2fs.expect("e2fsprogs are there"));
        command.args(["-q", "-F", "-t", "ext4", "-d"]).arg(&tree).arg(&image).arg("64M");
        assert!(command.status().unwrap().success());
        self.file("ext4.img", &firmware::gpt(LINUX, &fs::read(&image).unwrap()))
    }
}

/// The end of a session in which the guest turned itself off, having got to its init.
fn arrives(session: Session) -> String {
    let (status, text) = session.finish(LIMIT);
    assert!(status.success() && text.contains(ARRIVED), "{status}: {text}");
    text
}

#[test]
fn u_boot_keeps_its_environment_and_takes_resets() {
    let Some(firmware) = firmware() else { return };
    let dir = tempfile::tempdir().unwrap();
    for (image, cpu) in firmware.u_boot.iter().zip(["max", "cortex-a15"]) {
        let with = text(image, Some(&dir.path().join(cpu)));
        let mut session = u_boot(&with, &["--cpu", cpu]);
        session.type_line("setenv kept for-ever; saveenv");
        session.expect("OK", LIMIT);
        session.expect("=> ", LIMIT);
        session.type_line("poweroff");
        assert!(session.finish(LIMIT).0.success());
        let mut session = u_boot(&with, &["--cpu", cpu]);
        session.type_line("protect off bank 1; erase 1:0; md.b 0 4");
        session.expect("=> ", LIMIT);
        session.type_line("reset");
        session.expect("Hit any key to stop autoboot", LIMIT);
        session.type_line("");
        session.expect("=> ", LIMIT);
        session.type_line("echo it is $kept.");
        session.expect("it is for-ever.", LIMIT);
        session.type_line("poweroff");
        assert!(session.finish(LIMIT).0.success());
    }
}

/// From its menu, from its prompt with the command `boot`, and by a script.
fn u_boot_boots_a_disk(image: &str, cpu: &str, guest: &Guest, boot: &str) {
    let extlinux =
        "default l\nlabel l\n kernel /boot/vmlinuz\n initrd /boot/initrd\n append by=extlinux quiet\n";
    let disk = guest.ext4_disk(&[("extlinux/extlinux.conf", extlinux.as_bytes())]);
    let disk = format!("{},ro", disk.display());
    let options = ["--cpu", cpu, "--disk", &disk];
    let text = arrives(start(image, &[&options[..], &["--cpus", "2"]].concat()));
    assert!(text.contains("Found /extlinux/extlinux.conf") && text.contains("by=extlinux"), "{text}");

    let load = format!(
        "load virtio 0:1 $kernel_addr_r /boot/vmlinuz && load virtio 0:1 $ramdisk_addr_r /boot/initrd && \
         {boot} $kernel_addr_r $ramdisk_addr_r:$filesize $fdtcontroladdr"
    );
    let mut session = u_boot(image, &[&options[..], &["--virtio", "pci"]].concat());
    session.type_line(&format!("virtio scan; setenv bootargs by=prompt quiet; {load}"));
    assert!(arrives(session).contains("by=prompt"));

    let script = firmware::script(&format!("setenv bootargs by=script quiet\n{load}\n"));
    fs::remove_dir_all(guest.dir.path().join("tree/extlinux")).unwrap();
    guest.ext4_disk(&[("boot.scr", &script)]);
    let text = arrives(start(image, &options));
    assert!(text.contains("Executing script") && text.contains("by=script"), "{text}");
}

#[test]
fn u_boot_boots_a_disk_by_itself_by_script_and_from_its_prompt() {
    let Some(firmware) = firmware() else { return };
    let Some(guest) = Guest::new("cat /proc/cmdline; ls /proc/device-tree") else { return };
    u_boot_boots_a_disk(&text(&firmware.u_boot[0], None), "max", &guest, "booti");
}

#[test]
fn u_boot_of_32_bits_boots_a_disk_as_well() {
    let Some(firmware) = firmware() else { return };
    let Some(guest) = Guest::new32("cat /proc/cmdline") else { return };
    u_boot_boots_a_disk(&text(&firmware.u_boot[1], None), "cortex-a15", &guest, "bootz");
}

/// Starts EDK2's shell, which waits for a key before its prompt.
fn shell(firmware: &str, options: &[&str]) -> Session {
    let mut session = start(firmware, options);
    session.expect("startup.nsh", LIMIT);
    session.type_text("\r");
    session.expect("Shell> ", LIMIT);
    session
}

#[test]
fn edk2_keeps_variables_in_both_states() {
    let Some(firmware) = firmware() else { return };
    let dir = tempfile::tempdir().unwrap();
    for (image, cpu) in firmware.edk2.iter().zip(["max", "cortex-a15"]) {
        let with = text(image, Some(&dir.path().join(cpu)));
        let variable = "setvar Kept -guid 12345678-1234-1234-1234-123456789abc";
        let mut session = shell(&with, &["--cpu", cpu]);
        session.type_text(&format!("{variable} -nv -rt -bs =666f722d65766572\r"));
        session.expect("Shell> ", LIMIT);
        // A reset finds it, and so does another machine, which has a disk.
        session.type_text("reset\r");
        session.expect("startup.nsh", LIMIT);
        drop(session);
        let disk = dir.path().join("disk");
        fs::write(&disk, vec![0; 1 << 20]).unwrap();
        // So it calls what has no bus: virtio devices at fixed addresses.
        let mut session = shell(&with, &["--cpu", cpu, "--disk", &disk.display().to_string()]);
        assert!(session.text().contains("VenHw(837DCA9E"), "{}", session.text());
        session.type_text(&format!("{variable}\r"));
        session.expect("66 6F 72 2D 65 76 65 72", LIMIT);
        session.expect("Shell> ", LIMIT);
        session.type_text("reset -s\r");
        assert!(session.finish(LIMIT).0.success());
    }
}

/// Says what the kernel found, and how many CPUs came up.
const FOUND: &str = "
cat /proc/cmdline; date +%Y; ls /sys/firmware /sys/firmware/acpi/tables 2>/dev/null
echo cpus=$(grep -c ^processor /proc/cpuinfo) packages=$(cat /sys/devices/system/cpu/cpu*/topology/physical_package_id)
echo dmi=$(cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_family)
ls /sys/bus/platform/devices /sys/bus/acpi/devices /sys/bus/pci/devices /sys/bus/amba/devices
cat /proc/interrupts
";

/// Starts a kernel from fw_cfg; what it found.
fn found(options: &[&str]) -> Option<String> {
    let (firmware, guest) = (firmware()?, Guest::new(FOUND)?);
    let (kernel, ramdisk) = (guest.kernel.display().to_string(), guest.ramdisk.display().to_string());
    let from = [&kernel, "--initrd", &ramdisk, "--append", "by=fw_cfg console=ttyAMA0 quiet", "--cpus", "2"];
    let text = arrives(start(&text(&firmware.edk2[0], None), &[&from[..], options].concat()));
    // The clock runs.
    let words = ["by=fw_cfg", "efi", "cpus=2 packages=0 0", "dmi=armlet Virtual Machine"];
    let all = words.iter().all(|word| text.contains(word));
    assert!(all && !text.contains("1970"), "{text}");
    Some(text)
}

#[test]
fn edk2_starts_a_kernel_which_finds_its_devices_by_device_tree() {
    let Some(text) = found(&["--acpi", "off"]) else { return };
    let all = ["devicetree", "9020000.fw-cfg", "a003e00.virtio_mmio", "9030000.pl061"];
    assert!(all.iter().all(|word| text.contains(word)) && !text.contains("DSDT"), "{text}");
}

#[test]
fn edk2_starts_a_kernel_which_finds_its_devices_by_acpi() {
    for (gic, virtio, device) in [("3", "mmio", "LNRO0005:"), ("2", "pci", "0000:00:")] {
        let Some(text) = found(&["--gic", gic, "--virtio", virtio]) else { return };
        let tables = ["DSDT", "FACP", "APIC", "GTDT", "PPTT", "SPCR"];
        let devices = ["ARMH0011:00", "ARMH0061:00", "QEMU0002:00", "PNP0C0C:00", "ACPI0007:01", device];
        let all = tables.iter().chain(&devices).all(|word| text.contains(word));
        assert!(all && text.contains("MCFG") == (virtio == "pci"), "GICv{gic}: {text}");
        // The power button's line.
        assert!(text.contains("ACPI:Event"), "GICv{gic}: {text}");
    }
}

#[test]
fn edk2_boots_grub_and_a_kernel_from_a_disk() {
    let Some(firmware) = firmware() else { return };
    let Some(guest) = Guest::new("cat /proc/cmdline; ls /sys/firmware") else { return };
    let menu =
        "set timeout=0\nmenuentry one {\n linux /vmlinuz by=grub console=ttyAMA0 quiet\n initrd /initrd\n}\n";
    let menu = guest.file("grub.cfg", menu.as_bytes());
    let files = [
        ("EFI/BOOT/BOOTAA64.EFI", &*firmware.grub),
        ("EFI/debian/grub.cfg", &*menu),
        ("vmlinuz", &*guest.kernel),
        ("initrd", &*guest.ramdisk),
    ];
    let fat = match firmware::fat(guest.dir.path(), 64, &files) {
        Ok(fat) => fat,
        Err(why) => return skip(&why),
    };
    let disk = guest.file("esp.img", &firmware::gpt(ESP, &fat));
    let disk = format!("{},ro", disk.display());
    let text = arrives(start(&text(&firmware.edk2[0], None), &["--disk", &disk, "--virtio", "pci"]));
    assert!(text.contains("by=grub"), "{text}");
}

#[test]
fn the_installer_asks_for_a_language() {
    let Some(firmware) = firmware() else { return };
    let [kernel, ramdisk] = match firmware::installer() {
        Ok(files) => files.map(|file| file.display().to_string()),
        Err(why) => return skip(&why),
    };
    let append = "console=ttyAMA0 DEBIAN_FRONTEND=text quiet";
    let options = [&kernel, "--initrd", &ramdisk, "--append", append, "--memory", "1G"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_armlet"));
    command.args(["run", "--firmware", &text(&firmware.edk2[0], None)]).args(options);
    let mut session = Session::start(&mut command).unwrap();
    session.expect("Select a language", LIMIT);
}
