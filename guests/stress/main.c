// Stress of an arm64 machine from Linux user space. Usage: stress [PERCENT [TEST...]]
// Prints "ok NAME" or "FAILED NAME: why" for each test and "stress: N passed, M failed" at the end.
#include "stress.h"

int scale = 100;
__thread struct fault fault;
__thread sigjmp_buf recover;
__thread volatile int recovering;

static pthread_mutex_t speaking = PTHREAD_MUTEX_INITIALIZER;
static char reason[200];
static int failures;

void fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    pthread_mutex_lock(&speaking);
    if (!failures++) vsnprintf(reason, sizeof reason, format, args);
    pthread_mutex_unlock(&speaking);
    va_end(args);
}

struct start { pthread_barrier_t *barrier; void (*body)(int); int n; };

static void *begin(void *argument) {
    struct start *start = argument;
    pthread_barrier_wait(start->barrier);
    start->body(start->n);
    return NULL;
}

void parallel(int count, void (*body)(int)) {
    pthread_t threads[count];
    struct start starts[count];
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, count);
    for (int n = 0; n < count; n++) {
        starts[n] = (struct start){ &barrier, body, n };
        if (pthread_create(&threads[n], NULL, begin, &starts[n])) abort();
    }
    for (int n = 0; n < count; n++) pthread_join(threads[n], NULL);
}

/// ESR_EL1 as the kernel tells it in the signal frame; 0 if it doesn't.
static uint64_t esr_of(ucontext_t *context) {
    struct { uint32_t magic, size; uint64_t esr; } *record = (void *)context->uc_mcontext.__reserved;
    while (record->magic && record->magic != 0x45535201) record = (void *)((char *)record + record->size);
    return record->magic ? record->esr : 0;
}

static void on_fault(int signal, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    fault = (struct fault){ signal, info->si_code, (uint64_t)info->si_addr, uc->uc_mcontext.pc, esr_of(uc) };
    if (recovering) siglongjmp(recover, 1);
    char text[100];
    int n = snprintf(text, sizeof text, "unexpected signal %d at pc %lx, address %lx\n", signal, fault.pc, fault.address);
    if (write(1, text, n)) {}
    _exit(99);
}

static const struct { const char *name; void (*run)(void); } TESTS[] = {
#define T(name) { #name, name }
    T(atomics), T(pairs), T(litmus), T(locks), T(futexes), T(maps), T(protections), T(cow), T(faults),
    T(alarms), T(jit), T(jit_alias), T(execs), T(pipes), T(fp_switches), T(fp_signals), T(unaligned), T(tags),
    T(single_step), T(step_call), T(hw_break), T(hw_watch), T(hwcaps), T(perf), T(perf_sampling), T(clocks),
    T(sleeps), T(hotplug),
};

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "--exit-42")) return 42;
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
    static const int faulting[] = { SIGSEGV, SIGBUS, SIGILL, SIGTRAP };
    for (int n = 0; n < 4; n++) sigaction(faulting[n], &action, NULL);
    if (argc > 1) scale = atoi(argv[1]);
    int passed = 0, failed = 0;
    for (size_t n = 0; n < sizeof TESTS / sizeof *TESTS; n++) {
        int wanted = argc < 3;
        for (int arg = 2; arg < argc; arg++) wanted |= !strcmp(argv[arg], TESTS[n].name);
        if (!wanted) continue;
        failures = 0;
        uint64_t start = now_ns();
        TESTS[n].run();
        long ms = (now_ns() - start) / 1000000;
        if (failures) printf("FAILED %s: %s (%d times, %ld ms)\n", TESTS[n].name, reason, failures, ms), failed++;
        else printf("ok %s (%ld ms)\n", TESTS[n].name, ms), passed++;
        fflush(stdout);
    }
    printf("stress: %d passed, %d failed\n", passed, failed);
    return failed != 0;
}
