//! Exit logs of two backends side by side.

/// What any hypervisor hears of: accesses to devices that are armlet's own on every backend.
const DEVICES: [&str; 2] = [" PL011+", " timer+"];
/// What the machine `hvio` has for a device. On `monitor` guests take it only where their calls are not heard.
const REQUESTS: [&str; 1] = [" requests+"];

/// The PL011's data and flag registers: accesses depend on what the guest prints.
const PRINTING: [&str; 2] = [" PL011+0x0 ", " PL011+0x18 "];

/// The lines of an exit log that must be the same on every backend, without their times, device by device: an interrupt
/// comes at the host's time, between any two accesses. Without those by which the guest prints, if what it prints differs.
pub fn common(machine: &str, log: &str, same_text: bool) -> Vec<String> {
    let devices = if machine == "hvio" { &REQUESTS[..] } else { &DEVICES[..] };
    let any = |line: &str, of: &[&str]| of.iter().any(|part| line.contains(part));
    let told = devices
        .iter()
        .flat_map(|device| log.lines().filter(move |line| line.contains("mmio ") && line.contains(device)));
    let untimed = |line: &str| line.split_once("] ").map_or(line, |(_, rest)| rest).to_owned();
    told.filter(|line| same_text || !any(line, &PRINTING)).map(untimed).collect()
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
