//! `armlet balloon`: how much memory a machine uses, and how much of it the guest is to give up. Both ends of the request.

use std::fmt::Write as _;
use std::time::Duration;

use armlet::MachineControl;
use armlet::balloon::{Report, Statistics};
use serde_json::{Value, json};

use super::client::{Client, PATIENCE};
use crate::commands::answer as print;
use crate::failure::Failure;
use crate::size::human;
use crate::sys;

/// How long the guest may take to say how it is.
const STATISTICS: Duration = Duration::from_secs(2);

/// The machine's end.
pub(super) fn answer(control: &MachineControl, request: &Value) -> Value {
    let refuse = |why: String| json!({ "ok": false, "error": why });
    let Some(balloon) = control.balloon() else {
        return refuse(
            "the machine has no memory balloon: that needs the machine virt, without --balloon off and --deterministic"
                .into(),
        );
    };
    let target = &request["target"];
    match target.as_u64() {
        None if !target.is_null() => return refuse("the target must be a number of bytes".into()),
        Some(bytes) if bytes > balloon.memory() => {
            return refuse(too_large(bytes, balloon.memory()));
        }
        Some(bytes) => balloon.set_target(bytes),
        None => {}
    }
    let Report { target, actual, guest } = balloon.report(STATISTICS);
    let Statistics { free, total, available, caches } = guest;
    json!({
        "ok": true, "memory": balloon.memory(), "balloon": actual, "target": target, "host": sys::resident(),
        "total": total, "available": available, "free": free, "caches": caches,
    })
}

/// Tells how much memory a machine uses; with `size` wants so much of its guest first.
pub fn balloon(name: &str, size: Option<u64>) -> Result<u8, Failure> {
    let mut client = Client::of(name)?;
    let mut ask = |request| {
        let answer = client.ask(&request, PATIENCE + STATISTICS);
        answer.map_err(|why| Failure::broken(format_args!("{name}: {why}")))
    };
    let mut answer = ask(json!({ "command": "balloon" }))?;
    if let Some(size) = size {
        let memory = answer["memory"].as_u64().unwrap_or_default();
        if size > memory {
            return Err(Failure::input(too_large(size, memory)));
        }
        answer = ask(json!({ "command": "balloon", "target": size }))?;
    }
    print(table(&answer))
}

fn too_large(size: u64, memory: u64) -> String {
    let (size, memory) = (human(size), human(memory));
    format!("{size} can't be taken from a guest that has {memory}; name less")
}

/// The answer for people.
fn table(answer: &Value) -> String {
    let size = |key: &str| answer[key].as_u64().map(human);
    let mut text = String::new();
    let mut row = |name: &str, value: Option<String>| {
        let _ = value.map(|value| writeln!(text, "{name:<12} {value}"));
    };
    row("memory", size("memory"));
    let moving = size("target").filter(|_| answer["target"] != answer["balloon"]);
    let moving = moving.map(|target| format!(", on its way to {target}")).unwrap_or_default();
    row("balloon", size("balloon").map(|now| now + &moving));
    row("on the host", size("host").map(|size| size + ", armlet's own included"));
    let guest = ["total", "available", "free", "caches"];
    let told: Vec<_> = guest.iter().filter_map(|key| Some(format!("{} {key}", size(key)?))).collect();
    row("in the guest", Some(told.join(", ")).filter(|told| !told.is_empty()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_left_out() {
        let answer = json!({ "memory": 1 << 30, "balloon": 0, "target": 256 << 20, "host": null });
        assert_eq!(table(&answer), "memory       1 GiB\nballoon      0 bytes, on its way to 256 MiB\n");
        let answer =
            json!({ "memory": 1 << 30, "balloon": 4096, "target": 4096, "host": 1 << 20, "free": 1 << 20 });
        let text = table(&answer);
        assert!(
            text.contains("balloon      4 KiB\n") && text.ends_with("in the guest 1 MiB free\n"),
            "{text}"
        );
    }
}
