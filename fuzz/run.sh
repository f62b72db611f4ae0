#!/bin/sh
# Runs a fuzz target for so many seconds, with the toolchain at hand (no nightly, no cargo-fuzz): run.sh TARGET [SECONDS [OPTION...]]
# What it learns is kept in target/fuzz/corpus/TARGET, what breaks it in target/fuzz/found/TARGET. OPTIONs are libFuzzer's; a
# file, by its path from the root of the tree, is an input to run alone. `run.sh all SECONDS` runs each target in turn, `run.sh build` only builds them.
set -eu
usage="usage: fuzz/run.sh TARGET|all|build [SECONDS [OPTION...]]"
target=${1:?$usage}
seconds=${2:-60}
[ $# -lt 2 ] && shift || shift 2
cd "$(dirname "$0")/.."
host=$(rustc -vV | sed -n 's/^host: //p')
# Coverage for libFuzzer and AddressSanitizer, as cargo-fuzz asks for them. The sanitizer is a nightly option that stable has too.
passes="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
passes="$passes -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
export RUSTC_BOOTSTRAP=1 CARGO_INCREMENTAL=0
export RUSTFLAGS="--cfg fuzzing $passes -Zsanitizer=address -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks -Cforce-frame-pointers"
unset CARGO_PROFILE_RELEASE_LTO CARGO_PROFILE_RELEASE_CODEGEN_UNITS CARGO_PROFILE_RELEASE_OPT_LEVEL
one=--bins
case $target in all|build) ;; *) one="--bin=$target" ;; esac
cargo build -q --release --manifest-path fuzz/Cargo.toml --target "$host" --target-dir target/fuzz $one
[ "$target" = build ] && exit
# The disks and directories of an input go to memory where there is some.
[ -w /dev/shm ] && export TMPDIR=/dev/shm
fuzz() {
    name=$1
    shift
    mkdir -p "target/fuzz/corpus/$name" "target/fuzz/found/$name"
    set -- -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="target/fuzz/found/$name/" "$@"
    for last; do :; done
    [ -f "$last" ] || set -- "$@" "target/fuzz/corpus/$name"
    echo "fuzz target $name:" >&2
    "target/fuzz/$host/release/$name" "$@"
}
if [ "$target" = all ]; then
    status=0
    for source in fuzz/fuzz_targets/*.rs; do fuzz "$(basename "$source" .rs)" "$@" || status=1; done
    exit $status
fi
fuzz "$target" "$@"
