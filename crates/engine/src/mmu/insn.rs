//! The instruction that makes an access to a device, for worlds that listen.

use std::sync::atomic::Ordering;

use armlet_arm::Pstate;

use crate::cpu::Cpu;
use crate::world::{InsnSet, World};
use armlet_arm::aarch32::t32::is_wide;

impl Cpu {
    /// Tells a world that listens which instruction runs.
    pub(super) fn tell_insn(&self, world: &mut dyn World) {
        if world.notes()
            && let Some((set, word)) = self.insn_word()
        {
            world.instruction(set, word);
        }
    }

    /// The instruction that runs, if the soft TLB still knows its page and all of it is there.
    fn insn_word(&self) -> Option<(InsnSet, u32)> {
        let pc = self.insn_pc();
        let entry = self.mmu.set.code(pc);
        if entry.read != pc & !0xfff {
            return None;
        }
        let half = |at: u64| {
            let offset = self.offset(*entry, pc & !0xfff | at);
            (at < 4096).then(|| u32::from(self.ram.load::<u16>(offset, Ordering::Relaxed)))
        };
        let (first, second) = (half(pc & 0xffe)?, half((pc & 0xffe) + 2));
        Some(match (self.pstate.is_aarch32(), self.pstate.contains(Pstate::T)) {
            (false, _) => (InsnSet::A64, first | second? << 16),
            (true, false) => (InsnSet::A32, first | second? << 16),
            (true, true) if is_wide(first as u16) => (InsnSet::T32, first << 16 | second?),
            (true, true) => (InsnSet::T32, first),
        })
    }
}
