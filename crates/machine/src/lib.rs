//! Boards, loaders, device trees, PSCI and the run loop.
