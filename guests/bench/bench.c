/* Guest workloads: each kernel runs for a fixed amount of work and reports nanoseconds per unit of it.
 * Runs as a Linux program: in a guest of armlet, in one of QEMU, and natively. Usage: bench [scale [name...]]
 * Output: one line "@bench NAME CLASS NANOSECONDS" a kernel; smaller is better. */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
#ifdef __arm__
/* Debian's armhf does without NEON: these kernels ask for it. It has no double. */
#define VECTOR(...) __attribute__((target("fpu=neon-vfpv4"), optimize("O3", ##__VA_ARGS__)))
#define AXPY "saxpy"
typedef float axpy_t;
#else
#define VECTOR(...) __attribute__((optimize("O3", ##__VA_ARGS__)))
#define AXPY "daxpy"
typedef double axpy_t;
#endif
static volatile uint64_t sink;
static char *self;

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static uint32_t rng_state = 1;
static uint32_t rng(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 17;
    return rng_state ^= rng_state << 5;
}

/* integer */
static void crc_bits(long n)
{
    uint32_t crc = ~0u;
    for (long i = 0; i < n; i++) {
        crc ^= (uint32_t)i;
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
    }
    sink = crc;
}
static void sieve(long n)
{
    static uint8_t composite[8192];
    for (long r = 0; r < n; r++) {
        memset(composite, 0, sizeof composite);
        for (int i = 2; i * i < 8192; i++)
            if (!composite[i])
                for (int j = i * i; j < 8192; j += i) composite[j] = 1;
        sink += composite[8191];
    }
}
static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}
static void sort(long n)
{
    static uint32_t v[1024];
    for (long r = 0; r < n; r++) {
        for (int i = 0; i < 1024; i++) v[i] = rng();
        qsort(v, 1024, 4, by_value);
        sink += v[512];
    }
}
static void matrix_int(long n)
{
    static int32_t a[32][32], b[32][32], c[32][32];
    for (int i = 0; i < 1024; i++) (&a[0][0])[i] = i, (&b[0][0])[i] = i ^ 77;
    for (long r = 0; r < n; r++) {
        for (int i = 0; i < 32; i++)
            for (int j = 0; j < 32; j++) {
                int32_t s = 0;
                for (int k = 0; k < 32; k++) { s += a[i][k] * b[k][j]; __asm__("" : "+r"(s)); }
                c[i][j] = s;
            }
        a[r & 31][0] ^= c[3][5];
    }
    sink = c[7][7];
}
static void hash_bytes(long n)
{
    static uint8_t text[4096];
    for (int i = 0; i < 4096; i++) text[i] = i * 31;
    uint64_t h = 14695981039346656037ull;
    for (long r = 0; r < n; r++)
        for (int i = 0; i < 4096; i++) h = (h ^ text[i]) * 1099511628211ull;
    sink = h;
}
static void list_state(long n)
{   /* linked list and a small state machine, as CoreMark has */
    static struct node { struct node *next; int value; } nodes[256];
    for (int i = 0; i < 256; i++) nodes[i].next = &nodes[(i * 97 + 1) & 255], nodes[i].value = i * 7 & 63;
    int state = 0;
    for (long r = 0; r < n; r++) {
        struct node *p = nodes;
        for (int i = 0; i < 256; i++, p = p->next) {
            switch (state) {
            case 0: state = p->value < 20 ? 1 : p->value > 50 ? 2 : 0; break;
            case 1: state = p->value & 1 ? 3 : 0; break;
            case 2: state = p->value & 2 ? 0 : 3; break;
            default: state = p->value % 3; break;
            }
            sink += state;
        }
    }
}

/* calls */
static NOINLINE long fib(long n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static void calls_fib(long n) { sink = fib(n); }
static NOINLINE long f0(long x) { return x + 1; }
static NOINLINE long f1(long x) { return x ^ 3; }
static NOINLINE long f2(long x) { return x * 5; }
static NOINLINE long f3(long x) { return x - 7; }
static long (*volatile table[4])(long) = { f0, f1, f2, f3 };
static void calls_indirect(long n)
{
    long x = 0;
    for (long i = 0; i < n; i++) x = table[(x ^ i) & 3](x);
    sink = x;
}
static void interpreter(long n)
{
    static const void *const ops[] = { &&add, &&mul, &&xor, &&shift, &&loop };
    static const uint8_t program[] = { 0, 1, 2, 3, 2, 0, 3, 1, 2, 4 };
    uint64_t acc = 1;
    const uint8_t *pc = program;
#define NEXT goto *ops[*pc++]
    NEXT;
add: acc += 0x9e3779b97f4a7c15ull; NEXT;
mul: acc *= 3; NEXT;
xor: acc ^= acc >> 29; NEXT;
shift: acc = acc << 7 | acc >> 57; NEXT;
loop: if (--n > 0) { pc = program; NEXT; }
    sink = acc;
}

/* floating point */
static void nbody(long n)
{
    static double p[5][3] = { { 0 }, { 4.8, -1.1, -.1 }, { 8.3, 4.1, -.4 }, { 12.8, -15.1, -.2 }, { 15.3, -25.9, .1 } };
    static double v[5][3] = { { 0 }, { .6, 2.8, -.02 }, { -1, 1.8, .008 }, { 1, .86, -.01 }, { .9, .59, -.03 } };
    static const double m[5] = { 39.4, .03, .01, .001, .002 };
    for (long s = 0; s < n; s++) {
        for (int i = 0; i < 5; i++)
            for (int j = i + 1; j < 5; j++) {
                double d[3], q = 0;
                for (int k = 0; k < 3; k++) d[k] = p[i][k] - p[j][k], q += d[k] * d[k];
                double f = .01 / (q * sqrt(q));
                for (int k = 0; k < 3; k++) v[i][k] -= d[k] * m[j] * f, v[j][k] += d[k] * m[i] * f;
            }
        for (int i = 0; i < 5; i++)
            for (int k = 0; k < 3; k++) p[i][k] += .01 * v[i][k];
    }
    sink = (uint64_t)p[0][0];
}
static void mandelbrot(long n)
{
    long inside = 0;
    for (long y = 0; y < n; y++)
        for (int x = 0; x < 64; x++) {
            double cr = x / 32.0 - 1.5, ci = (double)y / n * 2 - 1, zr = 0, zi = 0;
            int i = 0;
            while (i < 50 && zr * zr + zi * zi < 4) {
                double t = zr * zr - zi * zi + cr;
                zi = 2 * zr * zi + ci;
                zr = t;
                i++;
            }
            inside += i;
        }
    sink = inside;
}
static void spectral(long n)
{
    double s = 0;
    for (long i = 0; i < n; i++)
        for (int j = 0; j < 64; j++) s += 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1);
    sink = (uint64_t)s;
}

/* NEON, by the compiler's vectoriser */
static void VECTOR("fast-math") sgemm(long n)
{
    static float a[48][48], b[48][48], c[48][48];
    for (int i = 0; i < 48 * 48; i++) (&a[0][0])[i] = i % 7, (&b[0][0])[i] = i % 5;
    for (long r = 0; r < n; r++)
        for (int i = 0; i < 48; i++)
            for (int k = 0; k < 48; k++) {
                float x = a[i][k];
                for (int j = 0; j < 48; j++) c[i][j] += x * b[k][j];
            }
    sink = (uint64_t)c[5][5];
}
static void VECTOR("fast-math") axpy(long n)
{
    static axpy_t x[1024], y[1024];
    for (int i = 0; i < 1024; i++) x[i] = i, y[i] = -i;
    for (long r = 0; r < n; r++)
        for (int i = 0; i < 1024; i++) y[i] += x[i] * (axpy_t)1.0001;
    sink = (uint64_t)y[9];
}
static void VECTOR() u8_blend(long n)
{
    static uint8_t a[4096], b[4096], c[4096];
    for (int i = 0; i < 4096; i++) a[i] = i * 3, b[i] = i * 7;
    for (long r = 0; r < n; r++)
        for (int i = 0; i < 4096; i++) c[i] = (uint8_t)((a[i] * 3 + b[i] * 5 + c[i]) >> 3);
    sink = c[77];
}
static void VECTOR() i32_sum(long n)
{
    static int32_t a[2048];
    int32_t s = 0;
    for (int i = 0; i < 2048; i++) a[i] = i;
    for (long r = 0; r < n; r++) {
        for (int i = 0; i < 2048; i++) s += a[i] ^ (a[i] >> 3);
        a[r & 2047] ^= s;
    }
    sink = s;
}

/* memory */
static void chase(long n)
{
    enum { SLOTS = 1 << 19 };
    static uint32_t *next;
    if (!next) {
        next = malloc(SLOTS * 4);
        for (uint32_t i = 0; i < SLOTS; i++) next[i] = i;
        for (uint32_t i = SLOTS - 1; i > 0; i--) { uint32_t j = rng() % i, t = next[i]; next[i] = next[j]; next[j] = t; }
    }
    uint32_t p = 0;
    for (long i = 0; i < n; i++) p = next[p];
    sink = p;
}
static void copy(long n)
{
    static char a[65536], b[65536];
    for (long i = 0; i < n; i++) { memcpy(a, b, sizeof a); sink += a[i & 0xffff]; }
}

/* system */
static void getppid_call(long n) { for (long i = 0; i < n; i++) sink += syscall(SYS_getppid); }
static void page_fault(long n)
{
    while (n > 0) {
        long pages = n < 512 ? n : 512;
        char *p = mmap(0, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        madvise(p, pages * 4096, MADV_NOHUGEPAGE);
        for (long i = 0; i < pages; i++) p[i * 4096] = 1;
        munmap(p, pages * 4096);
        n -= pages;
    }
}
static void fork_wait(long n)
{
    for (long i = 0; i < n; i++) {
        pid_t pid = fork();
        if (pid == 0) _exit(0);
        waitpid(pid, 0, 0);
    }
}
static void fork_exec(long n)
{
    for (long i = 0; i < n; i++) {
        pid_t pid = fork();
        if (pid == 0) { execl(self, self, "nothing", (char *)0); _exit(1); }
        waitpid(pid, 0, 0);
    }
}
static void pipe_trip(long n)
{
    int there[2], back[2];
    char c = 0;
    if (pipe(there) || pipe(back)) return;
    pid_t pid = fork();
    if (pid == 0) {
        for (long i = 0; i < n; i++) if (read(there[0], &c, 1) != 1 || write(back[1], &c, 1) != 1) _exit(1);
        _exit(0);
    }
    for (long i = 0; i < n; i++) if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1) break;
    waitpid(pid, 0, 0);
    close(there[0]), close(there[1]), close(back[0]), close(back[1]);
}
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void mutex(long n)
{
    for (long i = 0; i < n; i++) { pthread_mutex_lock(&lock); sink++; pthread_mutex_unlock(&lock); }
}

static const struct { const char *name, *class; void (*run)(long); long count; } kernels[] = {
    { "crc-bits", "integer", crc_bits, 100000 },
    { "sieve", "integer", sieve, 40 },
    { "sort", "integer", sort, 15 },
    { "matrix-int", "integer", matrix_int, 40 },
    { "hash-bytes", "integer", hash_bytes, 200 },
    { "list-state", "integer", list_state, 1000 },
    { "fib", "calls", calls_fib, 24 },
    { "indirect-calls", "calls", calls_indirect, 200000 },
    { "interpreter", "calls", interpreter, 50000 },
    { "nbody", "fp", nbody, 2000 },
    { "mandelbrot", "fp", mandelbrot, 60 },
    { "spectral", "fp", spectral, 4000 },
    { "sgemm", "neon-fp", sgemm, 20 },
    { AXPY, "neon-fp", axpy, 500 },
    { "u8-blend", "neon-int", u8_blend, 100 },
    { "i32-sum", "neon-int", i32_sum, 200 },
    { "chase-2MiB", "memory", chase, 200000 },
    { "memcpy-64KiB", "memory", copy, 100 },
    { "mutex", "memory", mutex, 50000 },
    { "getppid", "system", getppid_call, 5000 },
    { "page-fault", "system", page_fault, 2000 },
    { "fork-wait", "system", fork_wait, 20 },
    { "fork-exec", "system", fork_exec, 10 },
    { "pipe-trip", "system", pipe_trip, 500 },
};

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1 && !strcmp(argv[1], "nothing")) return 0;
    double scale = argc > 1 ? atof(argv[1]) : 1;
    for (unsigned i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        int wanted = argc < 3;
        for (int a = 2; a < argc; a++) wanted |= !strcmp(argv[a], kernels[i].name) || !strcmp(argv[a], kernels[i].class);
        if (!wanted) continue;
        /* fib's count is an exponent: it does not scale. The first run warms caches and translations up. */
        long count = !strcmp(kernels[i].name, "fib") ? kernels[i].count : (long)(kernels[i].count * scale) + 1;
        double best = 1e300;
        for (int pass = 0; pass < 4; pass++) {
            uint64_t start = now();
            kernels[i].run(count);
            double took = (double)(now() - start) / count;
            if (pass && took < best) best = took;
        }
        printf("@bench %s %s %.1f\n", kernels[i].name, kernels[i].class, best);
        fflush(stdout);
    }
    return 0;
}
