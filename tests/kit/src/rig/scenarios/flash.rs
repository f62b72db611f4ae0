//! Flash memory that is memory, then a chip, then memory again.

use super::{Case, Setting, need_parts, need_status};
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
