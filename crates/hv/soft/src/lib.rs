//! The soft backend: the CPU engine behind the hypervisor interface.
