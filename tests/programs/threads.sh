# group: gcc
# cpus: 2
# Threads that share counters of each size, locks and queues.
. "$here/gcc.inc"
prepare() { cp "$here/threads.c" . && build threads; }
work() { ${EMULATOR:-} ./threads; }
