//! Doorbells and interrupts by eventfd, which no thread of armlet sees.

use std::os::fd::IntoRawFd;

use armlet_hv::{Doorbell, EventHandle, HostEvents, HvError};
use kvm_ioctls::{IoEventAddress, NoDatamatch, VmFd};
use vmm_sys_util::eventfd::EventFd;

use crate::vm::Shared;
use crate::{os, unsupported};

/// What kvm-ioctls wants to see. The kernel keeps the event itself, not the descriptor.
fn event_fd(event: EventHandle<'_>) -> Result<EventFd, HvError> {
    let copy = event
        .try_clone_to_owned()
        .map_err(|source| HvError::Os { what: "can't copy the descriptor of an event".to_owned(), source })?;
    let raw = copy.into_raw_fd();
    #[allow(unsafe_code)]
    // SAFETY: the line above gave up the descriptor, which nobody else has.
    Ok(unsafe { std::os::fd::FromRawFd::from_raw_fd(raw) })
}

/// Calls `register` or `unregister` with the value to compare, at its width.
fn ioevent(vm: &VmFd, add: bool, bell: Doorbell, event: &EventFd) -> Result<(), HvError> {
    let Doorbell { gpa, size, value } = bell;
    let at = IoEventAddress::Mmio(gpa);
    macro_rules! by {
        ($value:expr) => {
            if add {
                vm.register_ioevent(event, &at, $value)
            } else {
                vm.unregister_ioevent(event, &at, $value)
            }
        };
    }
    let done = match (size, value) {
        (_, None) => by!(NoDatamatch),
        (1, Some(value)) => by!(value as u8),
        (2, Some(value)) => by!(value as u16),
        (4, Some(value)) => by!(value as u32),
        (8, Some(value)) => by!(value),
        _ => return Err(unsupported(format!("a doorbell for values of {size} bytes"))),
    };
    done.map_err(os(format!("no doorbell at {gpa:#x}")))
}

impl HostEvents for Shared {
    fn add_doorbell(&self, bell: Doorbell, event: EventHandle<'_>) -> Result<(), HvError> {
        ioevent(&self.fd, true, bell, &event_fd(event)?)
    }

    fn remove_doorbell(&self, bell: Doorbell, event: EventHandle<'_>) -> Result<(), HvError> {
        ioevent(&self.fd, false, bell, &event_fd(event)?)
    }

    fn add_interrupt(&self, intid: u32, event: EventHandle<'_>) -> Result<(), HvError> {
        let done = self.fd.register_irqfd(&event_fd(event)?, gsi(intid)?);
        done.map_err(os(format!("no event for interrupt {intid}")))
    }

    fn remove_interrupt(&self, intid: u32, event: EventHandle<'_>) -> Result<(), HvError> {
        let done = self.fd.unregister_irqfd(&event_fd(event)?, gsi(intid)?);
        done.map_err(os(format!("no event for interrupt {intid}")))
    }
}

/// KVM's number of a shared peripheral interrupt, in the routing that an interrupt controller starts with.
fn gsi(intid: u32) -> Result<u32, HvError> {
    intid.checked_sub(32).ok_or_else(|| unsupported(format!("an event for the private interrupt {intid}")))
}
