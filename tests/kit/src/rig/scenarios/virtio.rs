//! All virtio devices at once, by one transport or the other.

use super::super::contents::{DEVICES, FULL_KERNEL, SOCKETS, U_BOOT};
use super::{Case, Setting, need, need_parts, need_status};

/// The first process of the guest, in [`DEVICES`].
pub(in super::super) const INIT: &str = include_str!("virtio.sh");

/// The arm64 kernel with every device, on as many CPUs; `transport` is `mmio` or `pci`. At fixed addresses it is U-Boot that
/// starts it.
pub fn devices(setting: &Setting, cpus: u32, transport: &'static str) -> Case {
    let (brings, firmware) = match transport {
        "pci" => (&["\nby=message\r"][..], String::new()),
        _ => (&["Hit any key to stop autoboot", "\nby=wire\r"][..], format!("--firmware {U_BOOT}")),
    };
    let script = format!(
        "trap 'rm -rf share vm.sock*' EXIT
        mkdir share; echo a note of the host >share/note
        dd if=/dev/urandom of=disk bs=64k count=8 2>/dev/null; cp disk before
        dd if=/dev/urandom of=share/fill bs=64k count=4 2>/dev/null
        nc -l -p 8000 -e cat &
        {SOCKETS} $PWD/vm.sock >host && mv host share/sockets &
        armlet run {FULL_KERNEL} --initrd {DEVICES} --memory 256M -q --backend {} --cpus {cpus} --virtio {transport} \
            --append 'console=ttyAMA0 quiet loglevel=1' --disk disk --net user --share share --vsock 3,socket=vm.sock \
            {firmware} >console || exit
        cmp share/copy before && cmp -n 262144 disk share/fill && rm disk before",
        setting.backend
    );
    Case::new(&format!("devices-{transport}-{cpus}"), script, move |outcome| {
        need_status(outcome, 0)?;
        let processors = format!("\nprocessors={cpus}\r");
        let all = [
            "lease=10.0.2.15/24,10.0.2.2\r",
            "1 packets received",
            "\na note of the host\r",
            "\nwrote=0\r",
            "\naround=0\r",
            "\nrandom=64\r",
            "guest: came back the same",
            "host: came back the same",
            &processors,
        ];
        let console = outcome.text("console");
        need_parts("the console", &console, &all)?;
        need_parts("the console", &console, brings)?;
        need(!console.contains("does not load"), || "a module does not load".into())
    })
}
