//! `--stats`: what the vCPUs have counted, as a table.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use armlet::VcpuStatistics;

/// CPUs that have a column of their own; the total counts all.
const COLUMNS: usize = 8;
/// Columns of names and of numbers.
const NAME: usize = 34;
const NUMBER: usize = 14;
/// Counts of single kinds (`jit.helped.*`) that are shown, the most frequent ones.
const TOP: usize = 10;
/// What the names of counts of single kinds begin with.
const KINDS: &str = "jit.helped.";

/// Names of the times that are not a vCPU's own count.
const CPU_TIME: &str = "time.cpu";
const WALL: &str = "time.wall";

/// How a row comes from the counts.
enum Row {
    /// A count as it is.
    Count(&'static str, &'static str),
    /// The quotient of two counts, times a factor.
    Ratio(&'static str, &'static str, &'static str, f64),
    /// A line of its own, if any row before the next one has something to say.
    Title(&'static str),
}

use Row::{Count, Ratio, Title};

const ROWS: &[Row] = &[
    Title("guest"),
    Count("instructions", "instructions"),
    Ratio("seconds of CPU time", CPU_TIME, "one", 1e-9),
    Ratio("seconds in all", WALL, "one", 1e-9),
    Ratio("MIPS over CPU time", "instructions", CPU_TIME, 1e3),
    Ratio("MIPS over all the time", "instructions", WALL, 1e3),
    Title("interpreter"),
    Count("blocks lowered", "interpreter.blocks"),
    Title("JIT: compiled"),
    Count("traces", "jit.traces"),
    Count("guest instructions", "jit.instructions"),
    Count("uops", "jit.uops"),
    Count("host bytes", "jit.bytes"),
    Ratio("host bytes / instruction", "jit.bytes", "jit.instructions", 1.0),
    Ratio("milliseconds", "jit.compiling", "one", 1e-6),
    Ratio("microseconds / instruction", "jit.compiling", "jit.instructions", 1e-3),
    Count("oldest dropped for lack of room", "jit.evictions"),
    Count("all put in doubt by the guest", "jit.flushes"),
    Count("traces found unchanged then", "jit.verified"),
    Count("traces dropped by the guest", "jit.dropped"),
    Title("JIT: run"),
    Count("links made", "jit.links"),
    Count("entries", "jit.entries"),
    Ratio("instructions / entry", "instructions", "jit.entries", 1.0),
    Count("exits: budget used up", "jit.exits.budget"),
    Count("exits: target not remembered", "jit.exits.lookup"),
    Count("exits: branch not linked", "jit.exits.link"),
    Count("exits: a uop left", "jit.exits.uop"),
    Count("exits: FPCR wants interpreter", "jit.exits.interpret"),
    Count("uops run by the interpreter", "jit.helped"),
    Ratio("  of 1000 instructions", "jit.helped", "instructions", 1e3),
    Title("soft TLB"),
    Count("first level missed, data", "tlb.misses.data"),
    Count("first level missed, fetch", "tlb.misses.fetch"),
    Ratio("  data, of 1000 instructions", "tlb.misses.data", "instructions", 1e3),
    Count("known to the second level", "tlb.second"),
    Count("walks", "tlb.walks"),
];

/// Counts by name.
type Counts<'a> = BTreeMap<&'a str, u64>;

/// The table; `wall` is how long the machine ran.
pub fn table(accounts: &[VcpuStatistics], wall: Duration) -> String {
    let wall = wall.as_nanos() as u64;
    let cpus: Vec<Counts> = accounts.iter().map(|account| counts(account, wall)).collect();
    let mut total = Counts::new();
    for (name, value) in cpus.iter().flatten() {
        *total.entry(name).or_default() += value;
    }
    total.insert(WALL, wall);
    total.insert("one", 1);
    let mut columns = vec![&total];
    if cpus.len() > 1 {
        columns.extend(cpus.iter().take(COLUMNS));
    }
    let mut text = heading(columns.len() - 1, cpus.len());
    rows(&mut text, &columns);
    kinds(&mut text, &total);
    text
}

fn counts(account: &VcpuStatistics, wall: u64) -> Counts<'_> {
    let mut counts: Counts = account.counts.iter().map(|count| (&*count.name, count.value)).collect();
    if let Some(time) = account.cpu_time {
        counts.insert(CPU_TIME, time.as_nanos() as u64);
    }
    counts.extend([(WALL, wall), ("one", 1)]);
    counts
}

fn heading(shown: usize, cpus: usize) -> String {
    let mut text = format!("{:<NAME$}{:>NUMBER$}", "statistics", if shown == 0 { "" } else { "total" });
    (0..shown).for_each(|cpu| text.push_str(&format!("{:>NUMBER$}", format!("cpu {cpu}"))));
    if shown != 0 && shown < cpus {
        let _ = write!(text, "   ({} more are in the total)", cpus - shown);
    }
    let mut text = text.trim_end().to_owned();
    text.push('\n');
    text
}

fn rows(text: &mut String, columns: &[&Counts]) {
    let mut title = None;
    let mut line = |name: &str, title: &mut Option<&str>, cells: Vec<Option<String>>| {
        if cells.iter().all(Option::is_none) {
            return;
        }
        if let Some(title) = title.take() {
            let _ = writeln!(text, " {title}");
        }
        let _ = write!(text, "  {name:<width$}", width = NAME - 2);
        let cells = cells.into_iter().map(|cell| cell.unwrap_or_else(|| "-".to_owned()));
        cells.for_each(|cell| text.push_str(&format!("{cell:>NUMBER$}")));
        text.push('\n');
    };
    for row in ROWS {
        match row {
            Title(name) => title = Some(*name),
            Count(name, count) => {
                let cell = |column: &&Counts| column.get(count).map(u64::to_string);
                line(name, &mut title, columns.iter().map(cell).collect());
            }
            Ratio(name, top, bottom, factor) => {
                let cell = |column: &&Counts| ratio(column, top, bottom, *factor);
                line(name, &mut title, columns.iter().map(cell).collect());
            }
        }
    }
    // What a backend counts beyond the rows above is told by the name it has there.
    title = Some("other");
    let known =
        |name: &str| ROWS.iter().any(|row| matches!(row, Count(_, n) | Ratio(_, n, ..) if *n == name));
    let other = columns[0].keys().filter(|n| !known(n) && !n.starts_with(KINDS) && **n != "one");
    for name in other.copied().collect::<Vec<_>>() {
        let cell = |column: &&Counts| column.get(name).map(u64::to_string);
        line(name, &mut title, columns.iter().map(cell).collect());
    }
}

fn ratio(counts: &Counts, top: &str, bottom: &str, factor: f64) -> Option<String> {
    let (top, bottom) = (*counts.get(top)?, *counts.get(bottom)?);
    (bottom != 0).then(|| format!("{:.3}", top as f64 / bottom as f64 * factor))
}

/// The kinds of uops that generated code leaves to the interpreter, the most frequent first.
fn kinds(text: &mut String, total: &Counts) {
    let mut kinds: Vec<_> =
        total.iter().filter_map(|(name, count)| Some((*count, name.strip_prefix(KINDS)?))).collect();
    kinds.sort_by_key(|&(count, name)| (std::cmp::Reverse(count), name));
    if kinds.is_empty() {
        return;
    }
    let _ = writeln!(text, " uops run by the interpreter, the {TOP} most frequent kinds");
    for (count, name) in kinds.iter().take(TOP) {
        let _ = writeln!(text, "  {name:<width$}{count:>NUMBER$}", width = NAME - 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use armlet::Statistic;

    fn account(counts: &[(&'static str, u64)]) -> VcpuStatistics {
        VcpuStatistics {
            cpu_time: Some(Duration::from_millis(500)),
            counts: counts.iter().map(|&(name, value)| Statistic::count(name, value)).collect(),
        }
    }

    #[test]
    fn totals_and_ratios() {
        let accounts = [
            account(&[("instructions", 2_000_000), ("jit.helped.Crc32", 7), ("exits.hlt", 3)]),
            account(&[("instructions", 1_000_000), ("jit.helped.Crc32", 1), ("jit.helped.Clz64", 9)]),
        ];
        let text = table(&accounts, Duration::from_secs(1));
        let row = |name: &str| -> Vec<String> {
            let line = text.lines().find(|line| line.trim_start().starts_with(name)).expect(name);
            line[NAME..].split_whitespace().map(str::to_owned).collect()
        };
        assert_eq!(row("instructions"), ["3000000", "2000000", "1000000"]);
        assert_eq!(row("seconds of CPU time"), ["1.000", "0.500", "0.500"]);
        assert_eq!(row("MIPS over CPU time"), ["3.000", "4.000", "2.000"]);
        assert_eq!(row("MIPS over all"), ["3.000", "2.000", "1.000"]);
        assert_eq!(
            (row("exits.hlt"), row("Clz64"), row("Crc32")),
            (vec!["3".into(), "3".into(), "-".into()], vec!["9".into()], vec!["8".into()])
        );
        // Nothing about what was not counted.
        assert!(!text.contains("JIT: compiled") && !text.contains("soft TLB"), "{text}");
    }
}
