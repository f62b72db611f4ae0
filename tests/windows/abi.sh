#!/usr/bin/env bash
# Compares what the whp backend believes of the platform's structures with a C compiler's reading of their header.
set -euo pipefail
cd "$(dirname "$0")"
tools=${ARMLET_WINDOWS:-$PWD/../../target/windows/tools}
"$tools/bin/python" -m ziglang cc -target aarch64-windows-gnu -Wall -c -o "$tools/abi.obj" abi.c
