//! What the guest of a `virt` board finds in fw_cfg.

use armlet_devices::fw_cfg::{Items, item};

use crate::config::MachineConfig;
use crate::error::MachineError;

/// The items of every machine, and the files asked for.
pub(crate) fn items(config: &MachineConfig) -> Result<Items, MachineError> {
    let mut items = Items::new(config.cpus);
    for (name, contents) in &config.fw_cfg {
        items.add_file(name, contents.clone())?;
    }
    Ok(items)
}

/// Takes kernel, initial ramdisk and command line out of `config`: firmware looks for them in these items.
pub(crate) fn add_kernel(items: &mut Items, config: &mut MachineConfig) {
    let mut set = |size, number, contents: Vec<u8>| {
        items.set(size, (contents.len() as u32).to_le_bytes().to_vec());
        items.set(number, contents);
    };
    if let Some(kernel) = config.kernel.take() {
        set(item::KERNEL_SIZE, item::KERNEL, kernel.bytes);
    }
    if let Some(initrd) = config.initrd.take() {
        set(item::INITRD_SIZE, item::INITRD, initrd.bytes);
    }
    if let Some(append) = &config.append {
        let text: Vec<u8> = append.bytes().take_while(|byte| *byte != 0).chain([0]).collect();
        set(item::COMMAND_LINE_SIZE, item::COMMAND_LINE, text);
    }
}
