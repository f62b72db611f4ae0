# group: gcc
# The compiler proper, assembler and linker, and what they made. The driver would start them with exec, which the oracle can't follow.
gcc=/usr/lib/gcc/aarch64-linux-gnu/12
tool=/usr/bin/aarch64-linux-gnu
lib=/usr/lib/aarch64-linux-gnu
prepare() { cp "$here/bench.c" .; }
work() {
    run $gcc/cc1 -quiet -O2 -w -isystem "$ROOT$gcc/include" -isystem "$ROOT/usr/include" -imultiarch aarch64-linux-gnu bench.c -o bench.s
    run $tool-as -o bench.o bench.s
    run $tool-ld.bfd -static -o bench "$ROOT$lib/crt1.o" "$ROOT$lib/crti.o" bench.o --start-group "$ROOT$lib/libc.a" \
        "$ROOT$lib/libm.a" "$ROOT$gcc/libgcc.a" "$ROOT$gcc/libgcc_eh.a" --end-group "$ROOT$lib/crtn.o"
    sha256sum bench.s bench.o bench
    ${EMULATOR:-} ./bench 0.01 sieve | cut -d ' ' -f 1-3
}
