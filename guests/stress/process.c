// Processes and signals: copy on write, faults and what they say, timers, code made at run time.
#include "stress.h"

#define WORDS (64 * 512)
static uint64_t *shared_copy;

static int differs(uint64_t seed) {
    for (int i = 0; i < WORDS; i += 64) if (shared_copy[i] != seed + i) return i + 1;
    return 0;
}
static void refill(uint64_t seed) { for (int i = 0; i < WORDS; i += 64) shared_copy[i] = seed + i; }

/// Waits for a child and returns its exit status, or 1000 + signal.
static int reap(pid_t pid) {
    int status;
    if (waitpid(pid, &status, 0) != pid) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

void cow(void) {
    shared_copy = mmap(NULL, WORDS * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (long round = 0; round < times(12); round++) {
        refill(round << 32);
        pid_t children[4];
        for (int n = 0; n < 4; n++) {
            if (!(children[n] = fork())) {
                if (differs(round << 32)) _exit(1);
                uint64_t mine = (uint64_t)getpid() << 40 | n;
                refill(mine);
                sched_yield();
                pid_t grandchild = fork();
                if (!grandchild) { int bad = differs(mine); refill(7); _exit(bad || differs(7)); }
                int inner = reap(grandchild);
                _exit(differs(mine) ? 2 : inner ? 3 : 0);
            }
        }
        uint64_t before = round << 32;
        for (int i = 0; i < WORDS; i += 128) CHECK(shared_copy[i] == before + i, "a child wrote to its parent");
        for (int n = 0; n < 4; n++) { int status = reap(children[n]); CHECK(!status, "child: %d", status); }
        CHECK(!differs(before), "parent's memory changed");
    }
    munmap(shared_copy, WORDS * 8);
}

#define EC(esr) ((esr) >> 26 & 63)
#define WNR(esr) ((esr) >> 6 & 1)

void faults(void) {
    char *page = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *hole = page + PAGE;
    munmap(hole, PAGE);
    for (long i = 0; i < times(300); i++) {
        uint64_t at = (uint64_t)i * 13 % 4088;
        CHECK(FAULTS(*(volatile char *)(hole + at)), "a hole is readable");
        CHECK(fault.signal == SIGSEGV && fault.code == SEGV_MAPERR && fault.address == (uint64_t)hole + at, "hole: %d %d %lx", fault.signal, fault.code, fault.address);
        CHECK(EC(fault.esr) == 0x24 && !WNR(fault.esr), "ESR %lx of a read", fault.esr);
        CHECK(FAULTS(*(volatile char *)(page + at) = 1), "a read-only page is writable");
        CHECK(fault.signal == SIGSEGV && fault.code == SEGV_ACCERR && fault.address == (uint64_t)page + at && WNR(fault.esr), "read-only: %d %lx %lx", fault.code, fault.address, fault.esr);
        CHECK(FAULTS(__atomic_fetch_add((uint32_t *)(page + at / 8 * 8), 1, __ATOMIC_SEQ_CST)) && fault.address == (uint64_t)page + at / 8 * 8, "atomic on a read-only page");
        CHECK(EC(fault.esr) == 0x24 && WNR(fault.esr), "ESR %lx of an atomic", fault.esr);
    }
    CHECK(FAULTS(((void (*)(void))page)()) && fault.signal == SIGSEGV && fault.address == (uint64_t)page && fault.pc == (uint64_t)page, "execution of data: %lx", fault.address);
    CHECK(FAULTS(((void (*)(void))0x1001)()) && fault.signal == SIGBUS && fault.code == BUS_ADRALN && fault.address == 0x1001, "odd pc: %d %d %lx", fault.signal, fault.code, fault.address);
    CHECK(FAULTS(*(volatile int *)0xffff800000000000) && fault.signal == SIGSEGV, "kernel memory is readable");
    CHECK(FAULTS(__asm__ volatile("udf #7")) && fault.signal == SIGILL && fault.code == ILL_ILLOPC && fault.address == fault.pc, "udf: %d %d", fault.signal, fault.code);
    CHECK(FAULTS(__asm__ volatile("brk #9")) && fault.signal == SIGTRAP && fault.code == TRAP_BRKPT, "brk: %d %d", fault.signal, fault.code);
    CHECK(FAULTS(__asm__ volatile("mrs x0, vbar_el1" ::: "x0")) && fault.signal == SIGILL, "vbar_el1: %d", fault.signal);
    CHECK(FAULTS(__asm__ volatile("msr daifset, #2")) && fault.signal == SIGILL, "daifset: %d", fault.signal);
    CHECK(FAULTS(__asm__ volatile("wfi")) == 0, "wfi: %d", fault.signal);
    CHECK(FAULTS(__asm__ volatile("wfe")) == 0, "wfe: %d", fault.signal);
    CHECK(FAULTS(__asm__ volatile("mov x9, sp\n sub sp, sp, #8\n ldr x8, [sp]\n mov sp, x9" ::: "x8", "x9")) && fault.signal == SIGBUS, "unaligned SP: %d", fault.signal);
    uint64_t word[4] __attribute__((aligned(32)));
    CHECK(FAULTS(__asm__ volatile("ldxr w8, [%0]" :: "r"((char *)word + 1) : "x8", "memory")) && fault.signal == SIGBUS && fault.code == BUS_ADRALN, "unaligned exclusive: %d", fault.signal);
    int fd = memfd_create("short", 0);
    if (ftruncate(fd, 100)) {}
    char *file = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(FAULTS(*(volatile char *)(file + PAGE + 5)) && fault.signal == SIGBUS && fault.address == (uint64_t)file + PAGE + 5, "beyond the file: %d", fault.signal);
    close(fd);
    munmap(file, 2 * PAGE);
    munmap(page, PAGE);
}

static volatile sig_atomic_t ticks;
static void on_alarm(int signal) { (void)signal; ticks++; }

// A long computation, disturbed by signals, must come out the same.
static uint64_t compute(long rounds) {
    uint64_t x = 88172645463325252ULL;
    double f = 1;
    for (long i = 0; i < rounds; i++) {
        x ^= x << 13; x ^= x >> 7; x ^= x << 17;
        f = f * 1.0000001 + (double)(x & 0xff);
        if (f > 1e15) f = 1;
    }
    union { double d; uint64_t u; } bits = { .d = f };
    return x ^ bits.u;
}

static uint64_t computed[THREADS], expected;
static void alarms_body(int n) { computed[n] = compute(times(400000)); }

void alarms(void) {
    expected = compute(times(400000));
    signal(SIGALRM, on_alarm);
    ticks = 0;
    struct itimerval every = { { 0, 2000 }, { 0, 2000 } }, never = { 0 };
    setitimer(ITIMER_REAL, &every, NULL);
    parallel(THREADS, alarms_body);
    while (ticks < 5) pause();
    setitimer(ITIMER_REAL, &never, NULL);
    for (int n = 0; n < THREADS; n++) CHECK(computed[n] == expected, "thread %d computed something else", n);
}

// Code made at run time: thread 0 writes functions, the others call them once it says so.
static uint32_t *code_write, *code_run;
static _Atomic long published;
static pthread_barrier_t written, called;
#define SLOTS 8
static void jit_body(int n) {
    long rounds = times(1000);
    for (long i = 1; i <= rounds; i++) {
        long at = i % SLOTS * 16 + i % 3;
        if (!n) {
            code_write[at] = 0x52800000 | (i & 0xffff) << 5;                 // mov w0, #i
            code_write[at + 1] = 0x72a00000 | ((i >> 3) & 0xffff) << 5;      // movk w0, #(i >> 3), lsl #16
            code_write[at + 2] = 0xd65f03c0;                                 // ret
            __builtin___clear_cache((char *)&code_write[at], (char *)&code_write[at + 3]);
            if (code_run != code_write) __builtin___clear_cache((char *)&code_run[at], (char *)&code_run[at + 3]);
            published = i;
        }
        // Half the rounds wait in the kernel, half in a loop.
        if (i % 4) pthread_barrier_wait(&written);
        else while (published < i) {}
        isb();
        uint32_t want = (i & 0xffff) | ((i >> 3) & 0xffff) << 16;
        uint32_t got = n || i % 2 ? ((uint32_t (*)(void))&code_run[at])() : want;
        if (got != want) fail("round %ld, thread %d: %x, not %x", i, n, got, want);
        pthread_barrier_wait(&called);
    }
}

static void jit_with(int aliased) {
    int fd = memfd_create("jit", 0);
    if (ftruncate(fd, PAGE)) {}
    int prot = PROT_READ | PROT_WRITE | PROT_EXEC;
    code_run = mmap(NULL, PAGE, aliased ? PROT_READ | PROT_EXEC : prot, MAP_SHARED, fd, 0);
    code_write = aliased ? mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : code_run;
    published = 0;
    pthread_barrier_init(&written, NULL, THREADS);
    pthread_barrier_init(&called, NULL, THREADS);
    parallel(THREADS, jit_body);
    munmap(code_run, PAGE);
    if (aliased) munmap(code_write, PAGE);
    close(fd);
}

void jit(void) {
    jit_with(0);
    // Fresh mappings at the same address, code of the old one must be gone.
    uint32_t *page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (long i = 0; i < times(500); i++) {
        mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        page[0] = 0x52800000 | (i & 0xffff) << 5;
        page[1] = 0xd65f03c0;
        mprotect(page, PAGE, PROT_READ | PROT_EXEC);
        __builtin___clear_cache((char *)page, (char *)(page + 2));
        uint32_t got = ((uint32_t (*)(void))page)();
        CHECK(got == (uint32_t)(i & 0xffff), "stale code: %x, not %lx", got, i);
    }
    munmap(page, PAGE);
}

void jit_alias(void) { jit_with(1); }

void execs(void) {
    for (long i = 0; i < times(30); i++) {
        pid_t children[3];
        for (int n = 0; n < 3; n++)
            if (!(children[n] = fork())) { execl("/proc/self/exe", "stress", "--exit-42", NULL); _exit(1); }
        for (int n = 0; n < 3; n++) { int status = reap(children[n]); CHECK(status == 42, "exec: %d", status); }
    }
}

void pipes(void) {
    enum { STAGES = 4 };
    int fds[STAGES + 1][2];
    for (int n = 0; n <= STAGES; n++) if (pipe(fds[n])) { fail("pipe"); return; }
    pid_t children[STAGES];
    for (int n = 0; n < STAGES; n++) {
        if (!(children[n] = fork())) {
            for (int m = 0; m <= STAGES; m++) { if (m != n) close(fds[m][0]); if (m != n + 1) close(fds[m][1]); }
            uint64_t value;
            while (read(fds[n][0], &value, 8) == 8) { value = value * 3 + n; if (write(fds[n + 1][1], &value, 8) != 8) _exit(1); }
            _exit(0);
        }
    }
    for (uint64_t i = 0; i < (uint64_t)times(1500); i++) {
        uint64_t value = i, want = i;
        for (int n = 0; n < STAGES; n++) want = want * 3 + n;
        if (write(fds[0][1], &value, 8) != 8 || read(fds[STAGES][0], &value, 8) != 8 || value != want) { fail("token %lu became %lu, not %lu", i, value, want); break; }
    }
    for (int n = 0; n <= STAGES; n++) { close(fds[n][0]); close(fds[n][1]); }
    for (int n = 0; n < STAGES; n++) { int status = reap(children[n]); CHECK(!status, "stage: %d", status); }
}

// All vector registers, FPCR and FPSR hold a pattern while other threads and signal handlers use theirs.
static int keep_vectors(uint64_t seed, long rounds, int call) {
    uint64_t in[64] __attribute__((aligned(16))), out[64] __attribute__((aligned(16))), fpcr = (seed & 3) << 22, back;
    for (int i = 0; i < 64; i++) in[i] = seed * 0x9e3779b97f4a7c15ULL + i;
    for (; rounds; rounds--) {
        register uint64_t number __asm__("x8") = SYS_sched_yield;
        register uint64_t result __asm__("x0") = 0;
        __asm__ volatile(
            "mov x9, %2\n ld1 {v0.2d-v3.2d}, [x9], #64\n ld1 {v4.2d-v7.2d}, [x9], #64\n ld1 {v8.2d-v11.2d}, [x9], #64\n"
            "ld1 {v12.2d-v15.2d}, [x9], #64\n ld1 {v16.2d-v19.2d}, [x9], #64\n ld1 {v20.2d-v23.2d}, [x9], #64\n"
            "ld1 {v24.2d-v27.2d}, [x9], #64\n ld1 {v28.2d-v31.2d}, [x9]\n msr fpcr, %4\n"
            "cbz %w5, 1f\n svc #0\n 1: mov x10, #50\n 2: subs x10, x10, #1\n b.ne 2b\n"
            "mov x9, %3\n st1 {v0.2d-v3.2d}, [x9], #64\n st1 {v4.2d-v7.2d}, [x9], #64\n st1 {v8.2d-v11.2d}, [x9], #64\n"
            "st1 {v12.2d-v15.2d}, [x9], #64\n st1 {v16.2d-v19.2d}, [x9], #64\n st1 {v20.2d-v23.2d}, [x9], #64\n"
            "st1 {v24.2d-v27.2d}, [x9], #64\n st1 {v28.2d-v31.2d}, [x9]\n mrs %1, fpcr\n msr fpcr, xzr\n"
            : "+r"(result), "=&r"(back) : "r"(in), "r"(out), "r"(fpcr), "r"(call), "r"(number)
            : "x9", "x10", "cc", "memory", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12",
              "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28",
              "v29", "v30", "v31");
        if (memcmp(in, out, sizeof in) || back != fpcr) return 1;
    }
    return 0;
}

static void fp_switches_body(int n) {
    if (keep_vectors(n + 1, times(4000), 1)) fail("thread %d lost vector registers", n);
}

void fp_switches(void) { parallel(THREADS * 2, fp_switches_body); }

static volatile int handler_lost;
static void on_vector_signal(int signal) {
    (void)signal;
    ticks++;
    if (keep_vectors(ticks * 77 + 1, 2, ticks % 2)) handler_lost = 1;
}

void fp_signals(void) {
    signal(SIGALRM, on_vector_signal);
    ticks = handler_lost = 0;
    struct itimerval every = { { 0, 1000 }, { 0, 1000 } }, never = { 0 };
    setitimer(ITIMER_REAL, &every, NULL);
    uint64_t end = now_ns() + times(500) * 1000000;
    while (now_ns() < end || ticks < 5) {
        if (keep_vectors(1234567, 50, 0) || keep_vectors(3, 50, 1)) { fail("a signal changed vector registers"); break; }
    }
    setitimer(ITIMER_REAL, &never, NULL);
    CHECK(!handler_lost, "the handler lost vector registers");
}

// Accesses of all sizes across the boundary of two pages that are no neighbours in physical memory.
#define LOAD(name, type, text) static __attribute__((noinline)) type name(void *p) { type v; __asm__ volatile(text : "=r"(v) : "r"(p) : "memory"); return v; }
LOAD(load16, uint64_t, "ldrh %w0, [%1]")
LOAD(load32, uint64_t, "ldr %w0, [%1]")
LOAD(load64, uint64_t, "ldr %0, [%1]")

void unaligned(void) {
    char *pages = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *low = pages + PAGE, *high = pages + 2 * PAGE;
    memset(pages, 1, 4 * PAGE);
    for (long round = 0; round < times(30); round++) {
        for (int i = 0; i < 64; i++) low[PAGE - 64 + i] = i + round, high[i] = 64 + i + round;
        for (int before = 1; before < 64; before++) {
            char *p = high - before, want[64], got[64];
            for (int i = 0; i < 64; i++) want[i] = 64 - before + i + round;
            uint64_t v = load16(p);
            CHECK(!memcmp(&v, want, 2), "16 bits across pages");
            v = load32(p);
            CHECK(!memcmp(&v, want, 4), "32 bits across pages");
            v = load64(p);
            CHECK(!memcmp(&v, want, 8), "64 bits across pages");
            __asm__ volatile("ldp x9, x10, [%0]\n stp x9, x10, [%1]\n ldr q0, [%0]\n str q0, [%1, #16]\n ldp q0, q1, [%0]\n stp q0, q1, [%1, #32]"
                             :: "r"(p), "r"(got) : "x9", "x10", "v0", "v1", "memory");
            CHECK(!memcmp(got, want, 16) && !memcmp(got + 16, want, 16) && !memcmp(got + 32, want, 32), "pairs across pages");
            __asm__ volatile("ld4 {v0.16b-v3.16b}, [%0]\n st4 {v0.16b-v3.16b}, [%1]" :: "r"(p), "r"(got) : "v0", "v1", "v2", "v3", "memory");
            CHECK(!memcmp(got, want, 64), "structures across pages");
            // Stores across, read back bytewise.
            for (int i = 0; i < 64; i++) got[i] = ~want[i];
            __asm__ volatile("ld1 {v0.16b-v3.16b}, [%0]\n st1 {v0.16b-v3.16b}, [%1]" :: "r"(got), "r"(p) : "v0", "v1", "v2", "v3", "memory");
            for (int i = 0; i < 64; i++) CHECK(p[i] == got[i], "store across pages");
            memcpy(p, want, 64);
        }
        // The second page is not there: the fault names it.
        mprotect(high, PAGE, round % 2 ? PROT_NONE : PROT_READ);
        for (int before = 1; before < 32; before++) {
            char *p = high - before;
            CHECK(FAULTS(__asm__ volatile("stp q0, q0, [%0]" :: "r"(p) : "memory")), "a store to a closed page");
            CHECK(fault.address >= (uint64_t)high && fault.address < (uint64_t)high + 32, "store %d before the page: si_addr %lx", before, fault.address);
            if (before < 8) {
                CHECK(FAULTS(__asm__ volatile("str %0, [%1]" :: "r"(-1L), "r"(p) : "memory")) && fault.address == (uint64_t)high && WNR(fault.esr), "si_addr %lx", fault.address);
                if (round % 2) CHECK(FAULTS(load64(p)) && fault.address == (uint64_t)high, "si_addr %lx", fault.address);
            }
        }
        mprotect(high, PAGE, PROT_READ | PROT_WRITE);
    }
    munmap(pages, 4 * PAGE);
}

static __attribute__((noinline)) uint64_t where(void) {
    uint64_t pc;
    __asm__ volatile("adr %0, ." : "=r"(pc));
    return pc;
}

// Linux ignores the top byte of user addresses.
void tags(void) {
    uint64_t value = 5, tagged = (uint64_t)&value | 0x5aULL << 56;
    CHECK(*(volatile uint64_t *)tagged == 5, "a tagged load");
    *(volatile uint64_t *)tagged = 6;
    CHECK(value == 6, "a tagged store");
    CHECK(__atomic_fetch_add((uint64_t *)tagged, 1, __ATOMIC_SEQ_CST) == 6 && value == 7, "a tagged atomic");
    uint64_t plain = where(), through = ((uint64_t (*)(void))((uint64_t)where | 0xa5ULL << 56))();
    CHECK(plain == through, "the tag of a branch target stays in pc: %lx", through);
    uint64_t link;
    __asm__ volatile("adr x9, 1f\n movk x9, #0x5a00, lsl #48\n br x9\n 1: bl 2f\n 2: mov %0, x30" : "=r"(link) :: "x9", "x30");
    CHECK(link >> 56 == 0, "the tag of a branch target goes to the link register: %lx", link);
}
