#!/usr/bin/env bash
# Cross-builds for Windows on Debian: tests/windows/cargo.sh x64|arm64|both COMMAND ARGUMENTS..., for instance
#   tests/windows/cargo.sh arm64 build --release -p armlet
#   tests/windows/cargo.sh x64 test -p armlet-engine --lib
# What it builds lies in target/windows/TARGET. It takes Debian's cargo with the sources of the standard
# library (packages rustc-web, cargo-web, rust-web-src), and zig as linker and C library, from Python's
# packages. Tests run under wine, see wine.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."

x64=x86_64-pc-windows-gnullvm arm64=aarch64-pc-windows-gnullvm
case ${1:-} in
    x64) target=(--target $x64) ;;
    arm64) target=(--target $arm64) ;;
    both) target=(--target $x64 --target $arm64) ;;
    *) echo "usage: $0 x64|arm64|both COMMAND ARGUMENTS..." >&2; exit 2 ;;
esac
command=$2
runner=$PWD/tests/windows/wine.sh
shift 2

if ! [ -x /usr/bin/cargo ] || ! [ -d /usr/lib/rustlib/src/rust/library ]; then
    echo "$0: no cargo with the standard library's sources; apt-get install rustc-web cargo-web rust-web-src" >&2
    exit 1
fi
# ARMLET_WINDOWS keeps what is built anew in each tree: zig and the shims of wine.sh.
tools=${ARMLET_WINDOWS:-$PWD/target/windows/tools}
if ! [ -x "$tools/bin/cargo-zigbuild" ]; then
    /usr/bin/python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet ziglang==0.17.1 cargo-zigbuild==0.24.0
fi

# Debian's cargo takes rustc from PATH, where another toolchain may come first.
unset RUSTUP_TOOLCHAIN CARGO
export PATH=$tools/bin:/usr/bin:$PATH RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc RUSTC_BOOTSTRAP=1
export CARGO_TARGET_DIR=$PWD/target/windows
export CARGO_TARGET_X86_64_PC_WINDOWS_GNULLVM_RUNNER="$runner x64"
export CARGO_TARGET_AARCH64_PC_WINDOWS_GNULLVM_RUNNER="$runner arm64"
# The standard library without what prints backtraces.
options=(--config tests/windows/profile.toml -Zbuild-std=std,panic_abort -Zbuild-std-features=panic-unwind)
case $command in
    build) exec cargo-zigbuild zigbuild "${options[@]}" "${target[@]}" "$@" ;;
    test | run) exec cargo-zigbuild "$command" "${options[@]}" "${target[@]}" "$@" ;;
    *) exec /usr/bin/cargo "$command" "${options[@]}" "${target[@]}" "$@" ;;
esac
