//! Small programs on a bare machine: system registers, exceptions, timers, performance monitors, debug.

mod access;
mod anything;
mod debug;
mod exceptions;
mod kit;
mod names;
mod pmu;
mod timer;
mod virtual_time;
