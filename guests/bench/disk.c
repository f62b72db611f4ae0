/* Reads and writes of a disk past the page cache: nanoseconds an operation, for cargo xtask bench. Usage: disk DEVICE */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MIB = 1 << 20, SMALL = 4096, LARGE = MIB, LENGTH = 128 * MIB };

static char *buffer;
static int device;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

static void transfer(int writes, long length, off_t at) {
    ssize_t done = writes ? pwrite(device, buffer, length, at) : pread(device, buffer, length, at);
    if (done != length) {
        perror("transfer");
        exit(1);
    }
}

static void report(const char *name, double start, long count) {
    printf("@bench %s disk %.1f\n", name, (now() - start) / count);
    fflush(stdout);
}

static void sequential(const char *name, int writes) {
    double start = now();
    for (long at = 0; at < LENGTH; at += LARGE) transfer(writes, LARGE, at);
    report(name, start, LENGTH / LARGE);
}

static void scattered(const char *name, int writes, long count) {
    uint64_t x = 88172645463325252u;
    double start = now();
    for (long i = 0; i < count; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        transfer(writes, SMALL, x % (LENGTH / SMALL) * SMALL);
    }
    report(name, start, count);
}

static void synced(long count) {
    double start = now();
    for (long i = 0; i < count; i++) {
        transfer(1, SMALL, i * 2 * SMALL);
        if (fsync(device)) perror("fsync");
    }
    report("disk-write-fsync", start, count);
}

int main(int argc, char **argv) {
    device = argc == 2 ? open(argv[1], O_RDWR | O_DIRECT) : -1;
    if (device < 0 || posix_memalign((void **)&buffer, SMALL, LARGE)) {
        perror("disk");
        return 1;
    }
    memset(buffer, 0x5a, LARGE);
    sequential("disk-read-1m", 0);
    sequential("disk-write-1m", 1);
    scattered("disk-read-4k", 0, 5000);
    scattered("disk-write-4k", 1, 5000);
    synced(100);
    return 0;
}
