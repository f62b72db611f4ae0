#!/usr/bin/env bash
# What can be seen of Windows on Debian, some seven minutes from nothing: the program for x64 runs the small guests under
# Wine, that for ARM64 is checked, with its structures. Needs rustc-web, cargo-web, rust-web-src, wine64, python3-venv.
set -euo pipefail
cd "$(dirname "$0")/../.."

CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_PROFILE_DEV_DEBUG=false tests/windows/cargo.sh x64 build -p armlet
ARMLET_TESTED="$PWD/tests/windows/wine.sh x64 $PWD/target/windows/x86_64-pc-windows-gnullvm/debug/armlet.exe" \
    cargo test -p armlet --test commands --test guests --test hvio --test observe
tests/windows/cargo.sh arm64 check -p armlet
tests/windows/abi.sh
