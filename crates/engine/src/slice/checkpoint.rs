//! Hashes of the state, to compare runs by.

use armlet_arm::{CpuState, SysReg};
use armlet_base::{Checkpoint, GuestRam};
use xxhash_rust::xxh3::Xxh3;

use crate::cpu::Cpu;

/// Bytes of memory hashed at a time.
const CHUNK: usize = 1 << 18;

impl Cpu {
    /// Makes a checkpoint if it is time for one. True if that is all there is to do here.
    pub(super) fn checkpoint(&mut self) -> bool {
        let retired = self.retired;
        let Some(slice) = &mut self.slice else { return false };
        if retired < slice.next_checkpoint {
            return false;
        }
        let Some(checkpoints) = &slice.checkpoints else { return false };
        slice.next_checkpoint = retired + checkpoints.every;
        let number = (retired - checkpoints.from) / checkpoints.every + u64::from(checkpoints.from != 0);
        let with_memory = checkpoints.memory_every != 0 && number.is_multiple_of(checkpoints.memory_every);
        let sink = checkpoints.sink.clone();
        let mut state = CpuState::default();
        self.save(&mut state);
        sink(&Checkpoint {
            retired,
            time_ns: self.time_ns(),
            pc: self.pc,
            registers: hash_registers(&state),
            memory: with_memory.then(|| hash_memory(&self.ram)),
        });
        let Some(slice) = &mut self.slice else { return false };
        slice.end_at(slice.end);
        slice.end > retired
    }
}

/// XXH3 of all registers as little-endian doublewords.
pub fn hash_registers(state: &CpuState) -> u64 {
    let mut hash = Xxh3::new();
    let special = [state.pc, state.pstate.bits(), state.fpcr.into(), state.fpsr.into()];
    let system = SysReg::ALL.iter().map(|&reg| state.sys[reg]);
    for value in state.x.into_iter().chain(special).chain(system) {
        hash.update(&value.to_le_bytes());
    }
    for value in state.v {
        hash.update(&value.to_le_bytes());
    }
    hash.digest()
}

/// XXH3 of all guest memory, region by region.
fn hash_memory(ram: &GuestRam) -> u64 {
    let mut hash = Xxh3::new();
    let mut chunk = vec![0; CHUNK];
    for region in ram.regions() {
        let mut at = region.gpa;
        let end = region.gpa + region.len;
        while at < end {
            let len = CHUNK.min((end - at) as usize);
            ram.read(at, &mut chunk[..len]).expect("a region is memory");
            hash.update(&chunk[..len]);
            at += len as u64;
        }
    }
    hash.digest()
}
