// What the stress tests share: threads, faults that are expected, and the verdict.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define THREADS 4
#define PAGE 4096UL

/// How much to do, in percent.
extern int scale;
/// `n` repetitions at the scale chosen, at least one.
static inline long times(long n) { n = n * scale / 100; return n ? n : 1; }

/// Fails the test that runs, with a reason, and goes on.
void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define CHECK(what, ...) do { if (!(what)) { fail(__VA_ARGS__); } } while (0)

/// Runs `body(n)` in `count` threads that start together.
void parallel(int count, void (*body)(int));

/// What the last fault said.
struct fault { int signal, code; uint64_t address, pc, esr; };
extern __thread struct fault fault;
extern __thread sigjmp_buf recover;
extern __thread volatile int recovering;
/// True if the statement raised SIGSEGV, SIGBUS, SIGILL or SIGTRAP; `fault` tells which.
#define FAULTS(statement) ({ int hit_; recovering = 1; if (sigsetjmp(recover, 1)) hit_ = 1; \
    else { statement; hit_ = 0; } recovering = 0; hit_; })

static inline void isb(void) { __asm__ volatile("isb" ::: "memory"); }
static inline uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

void atomics(void), pairs(void), litmus(void), locks(void), futexes(void), maps(void), protections(void),
    cow(void), faults(void), alarms(void), jit(void), jit_alias(void), execs(void), pipes(void),
    fp_switches(void), fp_signals(void), unaligned(void), tags(void), single_step(void),
    step_call(void), hw_break(void), hw_watch(void), hwcaps(void), perf(void), perf_sampling(void),
    clocks(void), sleeps(void), hotplug(void);
