// Atomics, ordering, locks, and the address space changing under running threads.
#include "stress.h"

static struct { _Atomic uint8_t b; _Atomic uint16_t h; _Atomic uint32_t w; _Atomic uint64_t d, bits, max, cas; } a;

static void atomics_body(int n) {
    long rounds = times(20000);
    for (long i = 0; i < rounds; i++) {
        atomic_fetch_add(&a.b, 1);
        atomic_fetch_add_explicit(&a.h, 3, memory_order_relaxed);
        atomic_fetch_sub(&a.w, 1);
        atomic_fetch_add_explicit(&a.d, 0x100000001, memory_order_acq_rel);
        atomic_fetch_xor(&a.bits, 1ULL << (n * 16 + i % 16));
        uint64_t old = atomic_load(&a.cas);
        while (!atomic_compare_exchange_weak(&a.cas, &old, old * 5 + 1)) {}
        uint64_t mine = (uint64_t)n << 32 | i, seen = atomic_load(&a.max);
        while (seen < mine && !atomic_compare_exchange_strong(&a.max, &seen, mine)) {}
    }
}

void atomics(void) {
    memset(&a, 0, sizeof a);
    parallel(THREADS, atomics_body);
    long rounds = times(20000), all = rounds * THREADS;
    uint64_t cas = 0, bits = 0;
    for (long i = 0; i < all; i++) cas = cas * 5 + 1;
    for (long n = 0; n < THREADS; n++)
        for (long i = 0; i < rounds; i++) bits ^= 1ULL << (n * 16 + i % 16);
    CHECK(a.b == (uint8_t)all && a.h == (uint16_t)(3 * all) && a.w == (uint32_t)-all, "lost a small add");
    CHECK(a.d == 0x100000001ULL * all, "lost an add: %lx", a.d);
    CHECK(a.cas == cas && a.bits == bits, "lost an exchange");
    CHECK(a.max == ((uint64_t)(THREADS - 1) << 32 | (rounds - 1)), "lost a maximum: %lx", a.max);
}

// Two halves that must always agree, changed by a 16-byte exchange.
static struct { uint64_t low, high; } __attribute__((aligned(16))) two;

static int exchange_pair(uint64_t low, uint64_t high, uint64_t new_low, uint64_t new_high) {
#ifdef __ARM_FEATURE_ATOMICS
    register uint64_t x0 __asm__("x0") = low, x1 __asm__("x1") = high;
    register uint64_t x2 __asm__("x2") = new_low, x3 __asm__("x3") = new_high;
    __asm__ volatile("caspal x0, x1, x2, x3, [%4]" : "+r"(x0), "+r"(x1) : "r"(x2), "r"(x3), "r"(&two) : "memory");
    return x0 == low && x1 == high;
#else
    uint64_t l, h;
    uint32_t failed;
    __asm__ volatile("1: ldaxp %0, %1, [%3]\n cmp %0, %4\n ccmp %1, %5, #0, eq\n b.ne 2f\n"
                     "stlxp %w2, %6, %7, [%3]\n cbnz %w2, 1b\n b 3f\n 2: clrex\n mov %w2, #1\n 3:"
                     : "=&r"(l), "=&r"(h), "=&r"(failed) : "r"(&two), "r"(low), "r"(high), "r"(new_low), "r"(new_high)
                     : "cc", "memory");
    return !failed;
#endif
}

static void pairs_body(int n) {
    (void)n;
    long rounds = times(5000);
    for (long i = 0; i < rounds;) {
        uint64_t low = __atomic_load_n(&two.low, __ATOMIC_ACQUIRE), high = __atomic_load_n(&two.high, __ATOMIC_ACQUIRE);
        if (exchange_pair(low, high, low + 1, high - 1)) {
            if (low + high) fail("a torn pair was exchanged");
            i++;
        }
    }
}

void pairs(void) {
    two.low = two.high = 0;
    parallel(THREADS, pairs_body);
    CHECK(two.low == (uint64_t)times(5000) * THREADS && two.low + two.high == 0, "lost a pair");
}

// Litmus tests over arrays of fresh locations: no outcome that the barriers forbid may appear.
#define CELLS 4096
struct cell { uint32_t x, y, z, r[4]; } __attribute__((aligned(64)));
static struct cell cells[CELLS];
static int shape;
#define DMB(kind) __asm__ volatile("dmb " kind ::: "memory")
#define LD(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define ST(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)
#define LDA(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define LDS(p) __atomic_load_n(p, __ATOMIC_SEQ_CST)
#define STS(p, v) __atomic_store_n(p, v, __ATOMIC_SEQ_CST)

static void litmus_body(int n) {
    for (int i = 0; i < CELLS; i++) {
        struct cell *c = &cells[i];
        uint32_t *mine = n ? &c->y : &c->x, *theirs = n ? &c->x : &c->y;
        switch (shape) {
        case 0: ST(mine, 1); DMB("ish"); c->r[n] = LD(theirs); break; // store buffering
        case 1: STS(mine, 1); c->r[n] = LDS(theirs); break;
        case 2: __atomic_exchange_n(mine, 1, __ATOMIC_SEQ_CST); c->r[n] = LDS(theirs); break;
        case 3: ST(mine, 1); __asm__ volatile("dsb ish" ::: "memory"); c->r[n] = LD(theirs); break;
        case 4: // message passing
            if (!n) { ST(&c->x, 1); DMB("ishst"); ST(&c->y, 1); }
            else { c->r[0] = LD(&c->y); DMB("ishld"); c->r[1] = LD(&c->x); }
            break;
        case 5:
            if (!n) { ST(&c->x, 1); __atomic_store_n(&c->y, 1, __ATOMIC_RELEASE); }
            else { c->r[0] = LDA(&c->y); c->r[1] = LD(&c->x); }
            break;
        case 6: c->r[n] = LDA(theirs); ST(mine, 1); break; // load buffering
        case 7: // independent reads of independent writes
            if (n == 0) STS(&c->x, 1);
            else if (n == 1) STS(&c->y, 1);
            else if (n == 2) { c->r[0] = LDS(&c->x); c->r[1] = LDS(&c->y); }
            else { c->r[2] = LDS(&c->y); c->r[3] = LDS(&c->x); }
            break;
        case 8: // coherence
            if (!n) { ST(&c->x, 1); ST(&c->x, 2); }
            else { c->r[0] = LD(&c->x); c->r[1] = LD(&c->x); }
            break;
        }
    }
}

void litmus(void) {
    for (long round = 0; round < times(30); round++) {
        for (shape = 0; shape < 9; shape++) {
            memset(cells, 0, sizeof cells);
            parallel(shape == 7 ? 4 : 2, litmus_body);
            for (int i = 0; i < CELLS; i++) {
                uint32_t *r = cells[i].r;
                int bad = shape <= 3 ? !r[0] && !r[1] : shape <= 5 ? r[0] && !r[1] : shape == 6 ? r[0] && r[1]
                    : shape == 7 ? r[0] && !r[1] && r[2] && !r[3] : r[0] > r[1];
                if (bad) { fail("shape %d: forbidden outcome", shape); break; }
            }
        }
    }
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t tokens;
static pthread_spinlock_t spin;
static long counter, spun, queue[8], in, out, sum, first, second, inside;

static void locks_body(int n) {
    long rounds = times(3000);
    for (long i = 0; i < rounds; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        if (n % 2) {
            while (in - out == 8) pthread_cond_wait(&changed, &mutex);
            queue[in++ % 8] = i + 1;
        } else {
            while (in == out) pthread_cond_wait(&changed, &mutex);
            sum += queue[out++ % 8];
        }
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&mutex);
        if (i % 8 == 0) { pthread_rwlock_wrlock(&rwlock); first++; second--; pthread_rwlock_unlock(&rwlock); }
        else { pthread_rwlock_rdlock(&rwlock); if (first + second) fail("a reader among writers"); pthread_rwlock_unlock(&rwlock); }
        sem_wait(&tokens);
        if (__atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST) > 2) fail("three inside a semaphore of two");
        __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        sem_post(&tokens);
        if (i % 8 == 0) { pthread_spin_lock(&spin); spun++; pthread_spin_unlock(&spin); }
    }
}

void locks(void) {
    long rounds = times(3000);
    counter = spun = in = out = sum = first = second = inside = 0;
    sem_init(&tokens, 0, 2);
    pthread_spin_init(&spin, 0);
    parallel(THREADS, locks_body);
    CHECK(counter == rounds * THREADS && spun == (rounds + 7) / 8 * THREADS, "lost a count: %ld %ld", counter, spun);
    CHECK(in == out && in == rounds * 2 && sum == rounds * (rounds + 1), "the queue lost something: %ld %ld %ld", in, out, sum);
}

static _Atomic uint32_t turn;
static void futexes_body(int n) {
    long rounds = times(3000);
    for (long i = 0; i < rounds; i++) {
        uint32_t seen;
        while ((seen = turn) % 2 != (uint32_t)n) syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
        turn = seen + 1;
        syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

void futexes(void) {
    turn = 0;
    parallel(2, futexes_body);
    CHECK(turn == times(3000) * 2, "turn %u", turn);
}

// One thread changes a mapping; the others look at it. `version` is odd while a change is under way; between
// changes the mapping must look as `version` says, to everyone, at once.
static _Atomic uint64_t version;
static _Atomic int done;
static char *volatile window;
static char *storm;

static void storm_reader(int check_value) {
    while (!done) {
        uint64_t before = version, value = 0;
        if (before & 1) { sched_yield(); continue; }
        char *at = window + before / 2 % 4 * PAGE + 8;
        int hit = FAULTS(value = *(volatile uint64_t *)at);
        if (version != before) continue;
        int closed = before / 2 % 3 == 2;
        if (hit != closed) fail("version %lu: %s", before, hit ? "open page faults" : "closed page is readable");
        else if (hit && fault.address != (uint64_t)at) fail("si_addr %lx, not %p", fault.address, at);
        else if (!hit && check_value && value != before) fail("page of version %lu holds %lu", before, value);
        if (!closed) {
            // Version 1 modulo 3 is read-only.
            int refused = FAULTS(__atomic_fetch_add((uint64_t *)(window + before / 2 % 4 * PAGE + 64), 1, __ATOMIC_SEQ_CST));
            if (version == before && refused != (before / 2 % 3 == 1)) fail("version %lu: write %s", before, refused ? "refused" : "allowed");
        }
    }
}

static void maps_body(int n) {
    if (n) { storm_reader(1); return; }
    long rounds = times(500);
    for (long i = 1; i <= rounds; i++) {
        uint64_t next = i * 2;
        version = next - 1;
        char *page = window + i % 4 * PAGE;
        munmap(window, 4 * PAGE);
        mmap(window, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        *(uint64_t *)(page + 8) = next;
        if (i % 3 == 1) mprotect(page, PAGE, PROT_READ);
        if (i % 3 == 2) munmap(page, PAGE);
        version = next;
        if (i % 8 == 0) sched_yield();
        for (int spin = 0; spin < 300; spin++) __asm__ volatile("");
    }
    done = 1;
}

static void storm_start(void) {
    if (!storm) storm = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    window = storm + 4 * PAGE;
    mmap(window, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    version = 0;
    done = 0;
    memset(window, 0, 4 * PAGE);
}

void maps(void) {
    storm_start();
    parallel(THREADS, maps_body);
}

static void protections_body(int n) {
    static const int prot[] = { PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE };
    if (n) { storm_reader(0); return; }
    long rounds = times(1000);
    for (long i = 1; i <= rounds; i++) {
        version = i * 2 - 1;
        mprotect(window, 4 * PAGE, prot[i % 3]);
        version = i * 2;
        for (int spin = 0; spin < 300; spin++) __asm__ volatile("");
    }
    version++;
    mprotect(window, 4 * PAGE, PROT_READ | PROT_WRITE);
    done = 1;
}

void protections(void) {
    storm_start();
    parallel(THREADS, protections_body);
}
