#!/usr/bin/env bash
# Wine 8 lacks the DLL that Rust's standard library takes random numbers from. Makes one, and says in which folder it
# is: tests/windows/shim.sh x64|arm64
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tools=${ARMLET_WINDOWS:-$here/../../target/windows/tools}
case $1 in
    x64) zig=x86_64 ;;
    arm64) zig=aarch64 ;;
esac
folder=$tools/shim/$1
if ! [ -f "$folder/bcryptprimitives.dll" ]; then
    mkdir -p "$folder"
    new=$folder/new-$$.dll
    "$tools/bin/python" -m ziglang cc -target $zig-windows-gnu -shared -O2 -s -ladvapi32 \
        -o "$new" "$here/bcryptprimitives.c"
    mv "$new" "$folder/bcryptprimitives.dll"
fi
cd "$folder"
pwd
