//! What the engine has counted, as [`Statistic`]s.

use armlet_engine::{Code, Cpu, jit};
use armlet_hv::{Statistic, Unit};

/// Everything about one PE.
pub fn statistics(cpu: &Cpu, code: &Code) -> Vec<Statistic> {
    let count = |name: &'static str, value| Statistic::count(name, value);
    let tlb = cpu.mmu.counters();
    let mut all = vec![count("instructions", cpu.retired)];
    match code.compiler() {
        Some(jit) => add_jit(&mut all, jit),
        None => all.push(count("interpreter.blocks", code.blocks_lowered())),
    }
    all.extend([
        count("tlb.misses.data", tlb.data_misses),
        count("tlb.misses.fetch", tlb.fetch_misses),
        count("tlb.second", tlb.second_hits),
        count("tlb.walks", tlb.walks),
    ]);
    all
}

fn add_jit(all: &mut Vec<Statistic>, jit: &jit::Jit) {
    let stats = jit.stats();
    let of = |name: &'static str, value, unit| Statistic { name: name.into(), value, unit };
    let compiling = stats.compiling.as_nanos() as u64;
    let [poll, lookup, link, uop, interpret, ..] = stats.exits;
    all.extend([
        of("jit.traces", stats.traces, Unit::Count),
        of("jit.instructions", stats.insns, Unit::Count),
        of("jit.uops", stats.uops, Unit::Count),
        of("jit.bytes", stats.bytes, Unit::Bytes),
        of("jit.compiling", compiling, Unit::Nanoseconds),
        of("jit.links", stats.links, Unit::Count),
        of("jit.entries", stats.entries, Unit::Count),
        of("jit.exits.budget", poll, Unit::Count),
        of("jit.exits.lookup", lookup, Unit::Count),
        of("jit.exits.link", link, Unit::Count),
        of("jit.exits.uop", uop, Unit::Count),
        of("jit.exits.interpret", interpret, Unit::Count),
        of("jit.helped", stats.helper_uops, Unit::Count),
        of("jit.evictions", stats.evictions, Unit::Count),
        of("jit.dropped", stats.dropped, Unit::Count),
        of("jit.flushes", stats.flushes, Unit::Count),
        of("jit.verified", stats.verified, Unit::Count),
    ]);
    all.extend(jit.helped().map(|(op, value)| Statistic::count(format!("jit.helped.{op:?}"), value)));
}
