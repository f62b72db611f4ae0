# group: gcc
# A compiler, and what it made.
. "$here/gcc.inc"
prepare() { cp "$here/bench.c" .; }
work() {
    build bench
    sha256sum bench.s bench.o bench
    ${EMULATOR:-} ./bench 0.01 sieve | cut -d ' ' -f 1-3
}
