//! A driver that means harm, in front of every device and both transports: rings, descriptors and requests made to
//! break something, and resets at any moment, from another vCPU too. Devices may answer, refuse or ask for a reset; they
//! never panic or hang, and after a reset they are as good as new.

mod acts;
mod front;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use armlet_base::GuestRam;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use super::{Broken, Handle, Request, Service, VirtioDevice, Virtqueue};
use acts::{Act, act};
use front::Front;

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(120);

/// Makes a device, with a directory for what it has there.
type Make = fn(&Path) -> Box<dyn VirtioDevice>;

/// The devices, by name, each new. What they reach of the host lasts as long as the directory.
fn devices() -> Vec<(&'static str, Make)> {
    use super::*;
    vec![
        ("blk", |_| Box::new(blk::Blk::new(Arc::new(acts::Disk), "hostile", 2))),
        ("net", |_| {
            Box::new(net::Net::new(Arc::new(acts::Mirror::default()), armlet_net::Mac([2, 0, 0, 0, 0, 1]), 2))
        }),
        ("rng", |_| {
            Box::new(rng::Rng::new(Box::new(|bytes| {
                bytes.fill(7);
                true
            })))
        }),
        ("balloon", |_| Box::new(balloon::Balloon::new(front::RAM_LEN))),
        ("console", |_| {
            Box::new(console::Console::new(Box::new(crate::pl011::WriterOutput(std::io::sink()))))
        }),
        #[cfg(target_os = "linux")]
        ("9p", |dir| {
            let server = armlet_ninep::Server::new(dir, armlet_ninep::Options::default()).unwrap();
            Box::new(p9::P9::new(server, "hostile"))
        }),
        #[cfg(target_os = "linux")]
        ("vsock", |dir| Box::new(vsock::Vsock::new(3, &dir.join("socket")).unwrap())),
    ]
}

/// A device that remembers whether it has panicked: a server's thread would only lose it.
struct Watched(Box<dyn VirtioDevice>, Arc<AtomicBool>);

impl VirtioDevice for Watched {
    fn id(&self) -> u32 {
        self.0.id()
    }
    fn features(&self) -> u64 {
        self.0.features()
    }
    fn queue_sizes(&self) -> &[u16] {
        self.0.queue_sizes()
    }
    fn config(&self) -> std::borrow::Cow<'_, [u8]> {
        self.0.config()
    }
    fn set_config(&self, offset: usize, bytes: &[u8]) -> bool {
        self.0.set_config(offset, bytes)
    }
    fn attach(&self, handle: Handle) {
        self.0.attach(handle);
    }
    fn notified(&self, queue: &Virtqueue) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.0.notified(queue))) {
            self.1.store(true, Ordering::SeqCst);
            resume_unwind(panic);
        }
    }
    fn serve(&self, queue: &Virtqueue, request: Request<'_>) -> Result<u32, Broken> {
        self.0.serve(queue, request)
    }
    fn reset(&self) {
        self.0.reset();
    }
    fn awaits_host(&self) -> bool {
        self.0.awaits_host()
    }
}

/// Runs `play` on every device behind both transports, and makes sure that it comes to an end.
fn with_all(service: Service, play: fn(&Front, &mut TestRunner)) {
    for (name, make) in devices() {
        for pci in [false, true] {
            let (done, is_done) = channel();
            let player = std::thread::spawn(move || {
                let dir = tempfile::tempdir().unwrap();
                let panicked = Arc::new(AtomicBool::new(false));
                let front = Front::new(Watched(make(dir.path()), panicked.clone()), service, pci);
                // The same acts at every run.
                play(&front, &mut TestRunner::new_with_rng(Config::default(), front::generator()));
                front.reset();
                front.start(0);
                assert!(!front.needs_reset(), "{name} is as good as new");
                let answered = front.answered();
                assert!(answered > 100 || service == Service::Threads, "{name} has answered {answered}");
                drop(front);
                assert!(!panicked.load(Ordering::SeqCst), "{name} has panicked");
                done.send(()).unwrap();
            });
            if let Err(std::sync::mpsc::RecvTimeoutError::Timeout) = is_done.recv_timeout(PATIENCE) {
                panic!("{name} hangs, with PCI: {pci}");
            }
            player.join().unwrap();
        }
    }
}

fn acts(runner: &mut TestRunner, count: usize) -> Vec<Act> {
    let strategy = proptest::collection::vec(act(), count..=count);
    strategy.new_tree(runner).unwrap().current()
}

#[test]
fn whatever_a_driver_puts_into_its_queues() {
    with_all(Service::Inline, |front, runner| {
        for _ in 0..150 {
            front.start(!0);
            acts(runner, 24).iter().for_each(|act| front.play(act));
        }
    });
}

#[test]
fn resets_from_another_cpu_at_any_moment() {
    with_all(Service::Threads, |front, runner| {
        let (one, other) = (acts(runner, 1000), acts(runner, 60));
        std::thread::scope(|scope| {
            scope.spawn(|| one.iter().for_each(|act| front.play(act)));
            for act in &other {
                front.reset();
                front.start(!0);
                front.play(act);
            }
        });
    });
}
