# group: gcc
# oracle: none
# set: long
# The whole chain with processes and pipes between them.
work() {
    export PATH="$PATH:/usr/bin"
    run /usr/bin/gcc-12 -O2 -pipe -static -o bench "$here/bench.c" -w -lm
    ./bench 0.01 sieve >log
    grep -q '^@bench sieve integer ' log
}
