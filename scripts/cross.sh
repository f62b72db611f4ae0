#!/bin/sh
# Builds armlet for arm64 Linux on another Linux host: one static file, for any kernel from 5.10 on.
# Usage: cross.sh                      the program, stripped, and says where it is and how large
#        cross.sh --check              says what is missing to build it, with status 3
#        cross.sh CARGO-ARGUMENTS...   any other cargo command for that target, such as: test --no-run -p armlet-base
# Takes the Rust toolchain in PATH if it has the target's standard library (rustup target add aarch64-unknown-linux-gnu), else
# Debian's rustc-web, with which it builds the standard library too, once. Installs nothing; all output is in target/cross.
# ARMLET_CROSS_CONFIG is a file with more of cargo's configuration.
set -eu
cd "$(dirname "$0")/.."
target=aarch64-unknown-linux-gnu
linker=${CROSS:-aarch64-linux-gnu-}gcc

missing() { # what, and the packages that have it
    echo "cross.sh: $1; on Debian 12: apt-get install --no-install-recommends $2" >&2
    exit 3
}
command -v "$linker" >/dev/null || missing "there is no $linker" "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
echo 'int main(void) { return 0; }' | "$linker" -static -x c -o /dev/null - 2>/dev/null ||
    missing "$linker can't link a static program" "libc6-dev-arm64-cross"

rust=${RUSTC:-rustc} cargo=cargo std=
libraries=$("$rust" --print target-libdir --target $target 2>/dev/null || true)
if [ -z "$libraries" ] || [ -z "$(find "$libraries" -name 'libstd-*.rlib' 2>/dev/null)" ]; then
    rust=/usr/bin/rustc cargo=/usr/bin/cargo
    [ -x $rust ] && [ -x $cargo ] && [ -d /usr/lib/rustlib/src/rust/library ] ||
        missing "no Rust toolchain has a standard library for $target" "rustc-web cargo-web rust-web-src"
    # Cargo compiles it from source only if told to by an option that is not stable. What tests need is always there, so that
    # they are built of the same libraries as the program.
    std=-Zbuild-std=std,test
    export RUSTC_BOOTSTRAP=1 RUSTDOC=/usr/bin/rustdoc
    unset RUSTUP_TOOLCHAIN CARGO
fi
export RUSTC="$rust" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/cross"
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER="$linker"
export RUSTFLAGS="${RUSTFLAGS:-} -Ctarget-feature=+crt-static"
export CARGO_PROFILE_RELEASE_STRIP=symbols CARGO_PROFILE_RELEASE_DEBUG=false
export CARGO_PROFILE_DEV_STRIP=symbols CARGO_PROFILE_DEV_DEBUG=false

[ "${1:-}" != --check ] || exit 0
config=${ARMLET_CROSS_CONFIG:+--config=$ARMLET_CROSS_CONFIG}
if [ $# -gt 0 ]; then
    command=$1
    shift
    exec "$cargo" "$command" ${config:+"$config"} $std --target $target "$@"
fi
"$cargo" build ${config:+"$config"} $std --target $target --release --package armlet
program=$CARGO_TARGET_DIR/$target/release/armlet
echo "$program: $(($(wc -c <"$program") / 1024)) KiB, static"
