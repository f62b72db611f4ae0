// The CPU as programs see it: instructions that are there or not, counters, clocks, CPUs that come and go.
#include "stress.h"
#include <linux/perf_event.h>
#include <sys/ioctl.h>

static uint64_t buffer[8] __attribute__((aligned(64)));

// An instruction that each capability brings; it may use X8, X9 (the address of a buffer), X0 and V0. SSBS is
// not among them: Linux hides it on CPUs where it does not keep its promise.
static const struct { const char *name; int second; unsigned long bit; uint32_t insn; } CAPS[] = {
    { "aes", 0, HWCAP_AES, 0x4e284800 }, { "pmull", 0, HWCAP_PMULL, 0x0ee0e000 }, { "sha1", 0, HWCAP_SHA1, 0x5e280800 },
    { "sha2", 0, HWCAP_SHA2, 0x5e004000 }, { "crc32", 0, HWCAP_CRC32, 0x1ac04000 }, { "atomics", 0, HWCAP_ATOMICS, 0xb8280128 },
    { "fphp", 0, HWCAP_FPHP, 0x1ee02800 }, { "asimdhp", 0, HWCAP_ASIMDHP, 0x4e401400 }, { "cpuid", 0, HWCAP_CPUID, 0xd5380000 },
    { "asimdrdm", 0, HWCAP_ASIMDRDM, 0x6e808400 }, { "jscvt", 0, HWCAP_JSCVT, 0x1e7e0000 }, { "fcma", 0, HWCAP_FCMA, 0x6e80e400 },
    { "lrcpc", 0, HWCAP_LRCPC, 0x38bfc128 }, { "dcpop", 0, HWCAP_DCPOP, 0xd50b7c29 }, { "sha3", 0, HWCAP_SHA3, 0xce000000 },
    { "sm3", 0, HWCAP_SM3, 0xce400000 }, { "sm4", 0, HWCAP_SM4, 0xcec08400 }, { "asimddp", 0, HWCAP_ASIMDDP, 0x6e809400 },
    { "sha512", 0, HWCAP_SHA512, 0xce608000 }, { "sve", 0, HWCAP_SVE, 0x04bf5000 }, { "asimdfhm", 0, HWCAP_ASIMDFHM, 0x4e20ec00 },
    { "dit", 0, HWCAP_DIT, 0xd53b42a0 }, { "ilrcpc", 0, HWCAP_ILRCPC, 0x99400128 }, { "flagm", 0, HWCAP_FLAGM, 0xd500401f },
    { "sb", 0, HWCAP_SB, 0xd50330ff }, { "paca", 0, HWCAP_PACA, 0xdac10128 },
    { "pacg", 0, HWCAP_PACG, 0x9ac03000 }, { "dcpodp", 1, HWCAP2_DCPODP, 0xd50b7d29 }, { "flagm2", 1, HWCAP2_FLAGM2, 0xd500405f },
    { "frint", 1, HWCAP2_FRINT, 0x1e284000 }, { "i8mm", 1, HWCAP2_I8MM, 0x4e80a400 }, { "bf16", 1, HWCAP2_BF16, 0x6e40fc00 },
    { "rng", 1, HWCAP2_RNG, 0xd53b2400 },
};

void hwcaps(void) {
    uint32_t *code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (unsigned n = 0; n < sizeof CAPS / sizeof *CAPS; n++) {
        int there = (getauxval(CAPS[n].second ? AT_HWCAP2 : AT_HWCAP) & CAPS[n].bit) != 0;
        code[0] = 0xaa0003e9; // mov x9, x0
        code[1] = CAPS[n].insn;
        code[2] = 0xd65f03c0; // ret
        __builtin___clear_cache((char *)code, (char *)(code + 3));
        memset(buffer, 0, sizeof buffer);
        int hit = FAULTS(((void (*)(void *))code)(buffer));
        CHECK(hit == !there, "%s is %sadvertised, but %08x %s", CAPS[n].name, there ? "" : "not ", CAPS[n].insn, hit ? "faults" : "runs");
        CHECK(!hit || (fault.signal == SIGILL && fault.pc == (uint64_t)(code + 1)), "%s: signal %d", CAPS[n].name, fault.signal);
    }
    munmap(code, PAGE);
}

static int counter(uint32_t type, uint64_t config, uint64_t period) {
    struct perf_event_attr attr = { .size = sizeof attr, .type = type, .config = config, .sample_period = period, .disabled = 1,
                                    .exclude_kernel = 1, .exclude_hv = 1, .wakeup_events = period != 0 };
    return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static void spin(uint64_t n) { __asm__ volatile("1: subs %0, %0, #1\n nop\n b.ne 1b" : "+r"(n) :: "cc"); }

void perf(void) {
    int insns = counter(PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, 0), cycles = counter(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, 0);
    if (insns < 0 && (errno == ENOENT || errno == ENOSYS)) { printf("no performance monitors: "); return; }
    CHECK(insns >= 0 && cycles >= 0, "perf_event_open: %s", strerror(errno));
    uint64_t rounds = times(1000000);
    for (int again = 0; again < 3; again++) {
        uint64_t count = 0, took = 0;
        ioctl(insns, PERF_EVENT_IOC_RESET, 0);
        ioctl(cycles, PERF_EVENT_IOC_RESET, 0);
        ioctl(insns, PERF_EVENT_IOC_ENABLE, 0);
        ioctl(cycles, PERF_EVENT_IOC_ENABLE, 0);
        spin(rounds);
        ioctl(insns, PERF_EVENT_IOC_DISABLE, 0);
        ioctl(cycles, PERF_EVENT_IOC_DISABLE, 0);
        if (read(insns, &count, 8) != 8 || read(cycles, &took, 8) != 8) fail("the counters can't be read");
        CHECK(count >= rounds * 3 && count < rounds * 3 + 300, "%lu instructions counted as %lu", rounds * 3, count);
        CHECK(took > 0, "no cycles");
    }
    close(insns);
    close(cycles);
}

static volatile int overflows;
static void on_overflow(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    overflows++;
    ioctl(info->si_fd, PERF_EVENT_IOC_REFRESH, 1);
}

void perf_sampling(void) {
    int fd = counter(PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, 1000000);
    if (fd < 0 && (errno == ENOENT || errno == ENOSYS || errno == EOPNOTSUPP)) { printf("no performance monitors: "); return; }
    CHECK(fd >= 0, "perf_event_open: %s", strerror(errno));
    struct sigaction action = { .sa_sigaction = on_overflow, .sa_flags = SA_SIGINFO };
    sigaction(SIGUSR1, &action, NULL);
    struct f_owner_ex owner = { F_OWNER_TID, gettid() };
    fcntl(fd, F_SETFL, O_ASYNC);
    fcntl(fd, F_SETSIG, SIGUSR1);
    fcntl(fd, F_SETOWN_EX, &owner);
    overflows = 0;
    ioctl(fd, PERF_EVENT_IOC_REFRESH, 1);
    spin(10000000);
    ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
    CHECK(overflows >= 1 && overflows <= 31, "%d overflows of a million in 30 million instructions", overflows);
    close(fd);
}

static _Atomic uint64_t latest, latest_ns;
static void after(_Atomic uint64_t *last, uint64_t now, uint64_t seen, const char *what) {
    if (now < seen) fail("%s goes back by %lu", what, seen - now);
    while (seen < now && !atomic_compare_exchange_weak(last, &seen, now)) {}
}

static uint64_t ticks(void) {
    uint64_t t;
    __asm__ volatile("isb\n mrs %0, cntvct_el0" : "=r"(t) :: "memory");
    return t;
}

static void clocks_body(int n) {
    (void)n;
    for (long i = 0; i < times(20000); i++) {
        uint64_t seen = latest;
        after(&latest, ticks(), seen, "CNTVCT_EL0");
        seen = latest_ns;
        after(&latest_ns, now_ns(), seen, "CLOCK_MONOTONIC");
    }
}

void clocks(void) {
    latest = latest_ns = 0;
    parallel(THREADS, clocks_body);
    cpu_set_t all, one;
    sched_getaffinity(0, sizeof all, &all);
    for (long i = 0; i < times(100); i++) {
        CPU_ZERO(&one);
        CPU_SET(i % 4, &one);
        if (!CPU_ISSET(i % 4, &all) || sched_setaffinity(0, sizeof one, &one)) continue;
        CHECK(sched_getcpu() == i % 4, "on CPU %d, not %ld", sched_getcpu(), i % 4);
        after(&latest, ticks(), latest, "CNTVCT_EL0 on another CPU");
        after(&latest_ns, now_ns(), latest_ns, "CLOCK_MONOTONIC on another CPU");
    }
    sched_setaffinity(0, sizeof all, &all);
}

static void sleeps_body(int n) {
    for (long i = 0; i < times(50); i++) {
        long ns = 10000 + (i * 7919 + n * 104729) % 2000000;
        uint64_t before = now_ns();
        struct timespec t = { 0, ns };
        nanosleep(&t, NULL);
        uint64_t took = now_ns() - before;
        if (took < (uint64_t)ns) fail("slept %lu of %ld ns", took, ns);
        if (took > 2000000000) fail("slept %lu ns, not %ld", took, ns);
    }
}

void sleeps(void) { parallel(THREADS * 2, sleeps_body); }

static int online(int cpu, int on) {
    char path[64];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/online", cpu);
    int fd = open(path, O_WRONLY);
    if (fd < 0) return -1;
    int done = write(fd, on ? "1" : "0", 1);
    close(fd);
    return done == 1 ? 0 : -2;
}

static _Atomic int stop;
static _Atomic uint64_t work;
static void hotplug_body(int n) {
    if (n) {
        while (!stop) { for (int i = 0; i < 1000; i++) work++; if (n == 2) sched_yield(); if (n == 3) usleep(100); }
        return;
    }
    for (long i = 0; i < times(6); i++) {
        for (int cpu = 1; cpu < 4; cpu++) {
            if (online(cpu, 0) == -2) fail("CPU %d does not go: %s", cpu, strerror(errno));
            if (cpu == 2) usleep(2000);
        }
        for (int cpu = 3; cpu > 0; cpu--) if (online(cpu, 1) == -2) fail("CPU %d does not come back: %s", cpu, strerror(errno));
    }
    stop = 1;
}

void hotplug(void) {
    if (getuid() || getpid() == 1 || access("/sys/devices/system/cpu/cpu1/online", W_OK)) { printf("no CPU to turn off: "); return; }
    long before = sysconf(_SC_NPROCESSORS_ONLN);
    stop = 0;
    parallel(THREADS, hotplug_body);
    CHECK(sysconf(_SC_NPROCESSORS_ONLN) == before, "%ld CPUs, not %ld", sysconf(_SC_NPROCESSORS_ONLN), before);
}
