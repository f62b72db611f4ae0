//! Exit logs of two backends side by side.

/// What any hypervisor hears of: accesses to devices that are armlet's own on every backend.
const DEVICES: [&str; 3] = [" PL011+", " timer+", " requests+"];

/// The lines of an exit log that must be the same on every backend, without their times.
pub fn common(log: &str) -> Vec<String> {
    let told = |line: &&str| line.contains("mmio ") && DEVICES.iter().any(|device| line.contains(device));
    let untimed = |line: &str| line.split_once("] ").map_or(line, |(_, rest)| rest).to_owned();
    log.lines().filter(told).map(untimed).collect()
}

/// An error that names the first line in which the logs differ.
pub fn compare(ours: &[String], theirs: &[String]) -> Result<(), String> {
    let differs = (0..ours.len().max(theirs.len())).find(|n| ours.get(*n) != theirs.get(*n));
    match differs {
        None => Ok(()),
        Some(n) => Err(format!(
            "line {} of the exits is {:?}, and on soft {:?}",
            n + 1,
            ours.get(n).map_or("missing", String::as_str),
            theirs.get(n).map_or("missing", String::as_str)
        )),
    }
}
