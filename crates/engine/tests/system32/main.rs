//! The system side of AArch32: coprocessor registers, translation, domains.

mod access;
mod anything;
#[path = "../system/kit.rs"]
#[allow(dead_code)]
mod kit;
mod translation;
mod vfp;
mod words;
