//! What goes wrong: a host that refuses, a program that is killed, memory that is not there; and that nothing stays
//! behind.

use super::super::contents::{KERNEL, KERNEL32, SHELL, SHELL32};
use super::{Case, Setting, need, need_parts, need_status};

/// One line on standard error, which has these parts.
fn need_one_line(text: &str, parts: &[&str]) -> Result<(), String> {
    need(text.lines().count() == 1, || format!("there should be one line: {text}"))?;
    need_parts("the line", text, parts)
}

/// Without the device, or without the right to open it: `--backend kvm` refuses, `auto` takes another and says why.
pub fn refused(_: &Setting) -> Vec<Case> {
    let twice = |run: &str| {
        format!("{run} hello --backend kvm 2>refusal; echo status=$?; {run} hello 2>plan; echo status=$?")
    };
    let away = format!(
        "mv /dev/kvm /dev/away; {}; mv /dev/away /dev/kvm; armlet run -q hello --backend kvm",
        twice("armlet run")
    );
    let chmod = "chown 0:kvm /dev/kvm; chmod 660 /dev/kvm";
    let stranger = "start-stop-daemon -S -c stranger:stranger -x /bin/armlet -- run";
    let hello = "Hello from the guest, by hypercall.\nHello from the guest, by UART.\n";
    let judge = move |reason: &'static str, after: &'static str| {
        move |outcome: &super::Outcome| {
            need_status(outcome, 0)?;
            need_one_line(&outcome.text("refusal"), &["/dev/kvm", reason])?;
            let backend = outcome.text("plan");
            let backend = backend.lines().find(|line| line.starts_with("backend ")).unwrap_or_default();
            need_parts("the plan", backend, &["soft", "kvm", "/dev/kvm"])?;
            let console = format!("status=2\n{hello}status=0\n{after}");
            need(outcome.stdout() == console, || format!("the console should be {console:?}"))
        }
    };
    vec![
        Case::new("no-device", away, judge("", hello)),
        Case::new("no-permission", format!("{chmod}; {}", twice(stranger)), judge("you may not open", "")),
    ]
}

/// On a host without AArch32 at EL1: `--backend kvm` refuses 32-bit guests, `auto` runs them on `soft` and says why.
pub fn refused32(_: &Setting) -> Vec<Case> {
    let kernel = format!("armlet run {KERNEL32} --initrd {SHELL32} --backend kvm");
    let script =
        "armlet run hvio --backend kvm 2>refusal; echo status=$?; armlet run hvio 2>plan; echo status=$?";
    let text = "status=2\nHello from the guest, by a store that is not allowed.\nstatus=0\n";
    vec![
        Case::new("refused-hvio", script, move |outcome| {
            need_status(outcome, 0)?;
            need_one_line(&outcome.text("refusal"), &["AArch32", "kvm", "--backend"])?;
            let backend = outcome.text("plan");
            let backend = backend.lines().find(|line| line.starts_with("backend ")).unwrap_or_default();
            need_parts("the plan", backend, &["soft", "kvm", "AArch32"])?;
            need(outcome.stdout() == text, || format!("the console should be {text:?}"))
        }),
        Case::new("refused-armhf", kernel, |outcome| {
            need_status(outcome, 2)?;
            need_one_line(&outcome.stderr(), &["AArch32", "kvm", "--backend"])
        }),
    ]
}

/// A vCPU's thread that gets a signal ends the program as the signal says, and the next guest is none the worse.
pub fn killed(setting: &Setting) -> Case {
    let run = format!("armlet run --backend {}", setting.backend);
    let script = format!(
        "for signal in TERM KILL; do
            {run} {KERNEL} --initrd {SHELL} --memory 128M --cpus 2 -q >console-$signal 2>&1 </dev/null &
            program=$!
            until grep -q 'Booting Linux' console-$signal; do usleep 50000; done
            thread=$(ls /proc/$program/task | tail -n 1)
            [ $thread != $program ] || echo only one thread
            kill -$signal $thread
            wait $program
            echo status=$?
            [ ! -d /proc/$program ] || echo still there
        done
        rm console-*
        {run} -q hello",
    );
    Case::new("killed", script, |outcome| {
        need_status(outcome, 0)?;
        let start = "status=143\nstatus=137\nHello from the guest";
        need(outcome.stdout().starts_with(start), || format!("the console should begin with {start:?}"))
    })
}

/// Guest memory that can't be had is refused; a guest that fills more than the host will give is killed, and nothing else.
pub fn out_of_memory(setting: &Setting) -> Case {
    let run = format!("armlet run --backend {}", setting.backend);
    let script = format!(
        "(ulimit -v 300000; exec {run} -q hello -m 4G) 2>refusal; echo status=$?
        mkdir -p /tmp/cgroup; mount -t cgroup2 cgroup /tmp/cgroup
        echo +memory >/tmp/cgroup/cgroup.subtree_control
        mkdir /tmp/cgroup/small; echo 48M >/tmp/cgroup/small/memory.max
        (echo 0 >/tmp/cgroup/small/cgroup.procs
            exec {run} {KERNEL} --initrd {SHELL} --memory 512M -q) >console 2>&1 </dev/null
        echo status=$?
        rm console; umount /tmp/cgroup
        {run} -q hello"
    );
    Case::new("out-of-memory", script, |outcome| {
        need_status(outcome, 0)?;
        need_one_line(&outcome.text("refusal"), &["memory"])?;
        let console = outcome.stdout();
        let killed = console.split_once("\nstatus=137\nHello from the guest").map(|(refused, _)| refused);
        need(killed.is_some_and(|refused| refused == "status=1" || refused == "status=2"), || {
            "the statuses should be 1 or 2, and 137".into()
        })
    })
}

/// A hundred guests one after another leave the host's memory as it was.
pub fn starts_and_stops(setting: &Setting) -> Case {
    let guest = if setting.aarch32 { "psci-off" } else { "hello" };
    let script = format!(
        "left() {{ awk '/^(MemFree|Buffers|Cached|SReclaimable):/ {{ sum += $2 }} END {{ print sum }}' /proc/meminfo; }}
        run() {{ armlet run -q {guest} --backend {} >/dev/null || echo failed; }}
        run; run
        before=$(left) files=$(cut -f 1 /proc/sys/fs/file-nr)
        i=0; while [ $i -lt 100 ]; do run; i=$((i+1)); done
        echo $before $(left) $files $(cut -f 1 /proc/sys/fs/file-nr)",
        setting.backend
    );
    // A machine has 1 MiB and more of memory; a leak in each would be a hundred.
    Case::new("hundred", script, |outcome| {
        need_status(outcome, 0)?;
        let figures: Vec<i64> =
            outcome.stdout().split_whitespace().map_while(|word| word.parse().ok()).collect();
        match figures[..] {
            [before, after, files, files_after] => {
                need(before - after < 16 << 10, || format!("{} KiB of memory are gone", before - after))?;
                need(files_after - files < 50, || format!("{} files are still open", files_after - files))
            }
            _ => Err("a guest failed".into()),
        }
    })
}
