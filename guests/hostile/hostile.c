// A guest that means harm: on every CPU it has, it resets and sets up whatever virtio devices it finds by registers, puts
// nonsense into their rings and descriptors and notifies them, all at once and in no order. Then it says so and turns
// the machine off. What becomes of the devices is their business, if only the machine lives.

typedef unsigned int u32;
typedef unsigned long u64;

enum { SLOTS = 32, QUEUES = 4, SIZE = 16, ACTS = 100000, CPUS = 2 };

static const u64 VIRTIO = 0x0a000000, STRIDE = 0x200, UART = 0x09000000;
// Each slot has a page of rings for each queue, then come buffers for all.
static const u64 RINGS = 0x41000000, BUFFERS = 0x42000000, RAM_END = 0x48000000;

static volatile u32 finished;

static void w32(u64 at, u32 value) { *(volatile u32 *)at = value; }
static u32 r32(u64 at) { return *(volatile u32 *)at; }
static void w16(u64 at, u32 value) { *(volatile unsigned short *)at = value; }

static void say(const char *text) {
    while (*text)
        w32(UART, *text++);
}

static u64 psci(u64 function, u64 a, u64 b, u64 c) {
    register u64 x0 asm("x0") = function, x1 asm("x1") = a, x2 asm("x2") = b, x3 asm("x3") = c;
    asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
    return x0;
}

// The same numbers at every run, others on each CPU (xorshift).
static u32 next(u64 *state) {
    u64 x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (*state = x) >> 16;
}

static u64 rings(u32 slot, u32 queue) { return RINGS + (slot * QUEUES + queue) * 0x1000; }

static void start(u32 slot, u64 *state) {
    u64 at = VIRTIO + slot * STRIDE;
    w32(at + 0x70, 0);
    w32(at + 0x70, 3);
    for (u32 half = 0; half < 2; half++) {
        w32(at + 0x14, half);
        u32 offered = r32(at + 0x10);
        w32(at + 0x24, half);
        w32(at + 0x20, half ? offered & 1 : offered & next(state));
    }
    w32(at + 0x70, 11);
    for (u32 queue = 0; queue < QUEUES; queue++) {
        w32(at + 0x30, queue);
        w32(at + 0x38, SIZE);
        u64 place = rings(slot, queue);
        for (u32 part = 0; part < 3; part++) {
            w32(at + 0x80 + 16 * part, place + 0x400 * part);
            w32(at + 0x84 + 16 * part, 0);
        }
        w16(place + 0x402, 0);
        w16(place + 0x802, 0);
        w32(at + 0x44, 1);
    }
    w32(at + 0x70, 15);
}

// Where a buffer is: mostly where it may be, now and then over rings, across the end of memory, nowhere.
static u64 place(u32 slot, u64 *state) {
    u32 n = next(state);
    switch (n & 15) {
    case 0: return rings(slot, 0) + (n >> 4 & 0x3fff);
    case 1: return RAM_END - (n >> 4 & 0xff);
    case 2: return (u64)n << 32 | n;
    default: return BUFFERS + (n >> 4 & 0xfff0);
    }
}

static void describe(u32 slot, u64 *state) {
    u32 n = next(state);
    u64 at = rings(slot, n & 3) + (n >> 2 & 15) * 16, address = place(slot, state);
    u32 length = n >> 8 & 15 ? n >> 12 & 0x3ff : next(state);
    w32(at, address);
    w32(at + 4, address >> 32);
    w32(at + 8, length);
    w16(at + 12, n >> 16 & 7);
    w16(at + 14, n >> 20 & 15);
}

static void offer(u32 slot, u64 *state) {
    u32 n = next(state), queue = n & 3;
    u64 avail = rings(slot, queue) + 0x400;
    u32 index = *(volatile unsigned short *)(avail + 2);
    w16(avail + 4 + 2 * (index % SIZE), n >> 2 & 15);
    w16(avail + 2, n >> 8 & 63 ? index + 1 : next(state));
    w32(VIRTIO + slot * STRIDE + 0x50, queue);
}

// A chain that is well made: something to read, something to write to. A device that asks for a reset gets one first.
static void chain(u32 slot, u64 *state) {
    u64 at = VIRTIO + slot * STRIDE;
    if (r32(at + 0x70) & 0x40)
        start(slot, state);
    u32 n = next(state), queue = n & 3, reads = n >> 2 & 1, writes = n >> 3 & 3;
    u64 table = rings(slot, queue), avail = table + 0x400;
    for (u32 part = 0; part < reads + writes; part++) {
        w32(table + 16 * part, BUFFERS + (next(state) & 0xf0));
        w32(table + 16 * part + 4, 0);
        // Header alone or with a sector; a small answer, or a sector with its status.
        w32(table + 16 * part + 8, next(state) & 1 ? 16 : part < reads ? 528 : 513);
        w16(table + 16 * part + 12, (part < reads ? 0 : 2) | (part + 1 < reads + writes));
        w16(table + 16 * part + 14, part + 1);
    }
    u32 index = *(volatile unsigned short *)(avail + 2);
    w16(avail + 4 + 2 * (index % SIZE), 0);
    w16(avail + 2, index + 1);
    w32(at + 0x50, queue);
}

// A word of a request: a small number more often than not, for those have a meaning.
static void request(u64 *state) {
    u32 n = next(state);
    w32(BUFFERS + (n & 0xfc), n >> 16 & 7 ? n >> 19 & (n >> 31 ? 31 : 1) : next(state));
}

static void misbehave(u64 state) {
    u32 present[SLOTS], count = 0;
    for (u32 slot = 0; slot < SLOTS; slot++)
        if (r32(VIRTIO + slot * STRIDE + 8))
            present[count++] = slot;
    for (u32 act = 0; count && act < ACTS; act++) {
        u32 n = next(&state), slot = present[(n >> 8) % count];
        switch (n & 15) {
        case 0: start(slot, &state); break;
        case 1: w32(VIRTIO + slot * STRIDE + (n >> 16 & 0x1fc), next(&state)); break;
        case 2: case 3: case 4: request(&state); break;
        case 5: case 6: case 7: case 8: chain(slot, &state); break;
        case 9: case 10: case 11: describe(slot, &state); break;
        default: offer(slot, &state);
        }
    }
}

void entry(void);

void run(u64 cpu) {
    if (cpu == 0)
        for (u64 other = 1; other < CPUS; other++)
            psci(0xc4000003, other, (u64)entry, other);
    misbehave(0x9e3779b97f4a7c15 * (cpu + 1));
    __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
    if (cpu)
        psci(0x84000002, 0, 0, 0);
    while (finished < CPUS)
        ;
    say("survived\r\n");
    psci(0x84000008, 0, 0, 0);
}

// X0 is the CPU's number: 0 for the one that starts, by choice of it for the others.
asm(".text\n"
    ".global first\n"
    "first:\n"
    "mov x0, #0\n"
    ".global entry\n"
    "entry:\n"
    "mov x1, #0x40400000\n"
    "add x1, x1, x0, lsl #16\n"
    "mov sp, x1\n"
    "bl run\n"
    "1: b 1b\n");
