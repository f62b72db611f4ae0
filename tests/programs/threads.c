/* Atomics of each size, mutexes, condition variables, barriers and a lock made of a futex. Totals come out right or not at all. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 30000, ITEMS = 4000, SLOTS = 8 };

static _Atomic uint8_t byte;
static _Atomic uint16_t half;
static _Atomic uint32_t word;
static _Atomic uint64_t pair = 0xffffffff; /* carries into the upper word at once */
static _Atomic uint32_t turned;

static void *count(void *argument) {
    uint32_t number = (uintptr_t)argument;
    for (int i = 0; i < ROUNDS; i++) {
        byte++;
        atomic_fetch_add_explicit(&half, 3, memory_order_relaxed);
        atomic_fetch_add_explicit(&word, number, memory_order_acq_rel);
        pair += 0x100000001;
        atomic_fetch_xor(&turned, 1u << (i % 32));
        uint64_t seen = atomic_load(&pair);
        while (!atomic_compare_exchange_weak(&pair, &seen, seen + 1)) {}
    }
    return 0;
}

/* A lock as in Drepper's "Futexes are tricky": 0 free, 1 taken, 2 taken and waited for. */
static _Atomic uint32_t lock_word;
static long guarded;

static void futex(int operation, uint32_t value) {
    syscall(SYS_futex, &lock_word, operation | FUTEX_PRIVATE_FLAG, value, 0, 0, 0);
}

static void lock(void) {
    uint32_t seen = 0;
    if (atomic_compare_exchange_strong(&lock_word, &seen, 1)) return;
    while (atomic_exchange(&lock_word, 2) != 0) futex(FUTEX_WAIT, 2);
}

static void unlock(void) {
    if (atomic_exchange(&lock_word, 0) == 2) futex(FUTEX_WAKE, 1);
}

static void *guard(void *argument) {
    for (int i = 0; i < ROUNDS; i++) {
        lock();
        guarded += i % 7 + (intptr_t)argument;
        unlock();
    }
    return 0;
}

/* A queue with a few slots, so that both sides wait for each other all the time. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER, emptied = PTHREAD_COND_INITIALIZER;
static unsigned queue[SLOTS], head, tail;
static _Atomic uint64_t taken;

static void *produce(void *argument) {
    for (unsigned i = 1; i <= ITEMS; i++) {
        pthread_mutex_lock(&mutex);
        while (head - tail == SLOTS) pthread_cond_wait(&emptied, &mutex);
        queue[head++ % SLOTS] = i;
        pthread_cond_signal(&filled);
        pthread_mutex_unlock(&mutex);
    }
    return argument;
}

static void *consume(void *argument) {
    for (unsigned i = 1; i <= ITEMS; i++) {
        pthread_mutex_lock(&mutex);
        while (head == tail) pthread_cond_wait(&filled, &mutex);
        taken += queue[tail++ % SLOTS];
        pthread_cond_signal(&emptied);
        pthread_mutex_unlock(&mutex);
    }
    return argument;
}

/* Plain stores before a barrier are seen after it; thread-local storage stays apart. */
static pthread_barrier_t barrier;
static int row[THREADS];
static __thread int own;
static _Atomic int wrong;

static void *meet(void *argument) {
    int number = (intptr_t)argument;
    for (int i = 0; i < 300; i++) {
        row[number] = i + number;
        own += number;
        pthread_barrier_wait(&barrier);
        for (int other = 0; other < THREADS; other++) wrong += row[other] != i + other;
        pthread_barrier_wait(&barrier);
    }
    wrong += own != 300 * number;
    return 0;
}

static void together(void *(*even)(void *), void *(*odd)(void *)) {
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++) pthread_create(&threads[i], 0, i % 2 ? odd : even, (void *)i);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], 0);
}

int main(void) {
    together(count, count);
    printf("counts %u %u %u %llx %x\n", byte, half, word, (unsigned long long)pair, turned);
    together(guard, guard);
    printf("futex %ld\n", guarded);
    together(produce, consume);
    printf("queue %llu\n", (unsigned long long)taken);
    pthread_barrier_init(&barrier, 0, THREADS);
    together(meet, meet);
    printf("barrier %d\n", wrong);
    return wrong != 0;
}
