//! Sets `jit` on hosts that the JIT makes code for, so that they are listed here alone.

use std::env::var;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(jit)");
    let target = |name: &str| var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    if target("ARCH") == "x86_64" && matches!(target("OS").as_str(), "linux" | "windows") {
        println!("cargo::rustc-cfg=jit");
    }
}
