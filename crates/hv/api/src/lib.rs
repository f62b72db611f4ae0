//! Hypervisor, Vm and Vcpu: the interface every CPU backend implements.
