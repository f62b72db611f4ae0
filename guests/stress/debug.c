// ptrace: single steps, hardware breakpoints and watchpoints.
#include "stress.h"
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

struct debug_state { uint32_t info, pad; struct { uint64_t address; uint32_t control, pad; } regs[16]; };

static uint64_t data[8] __attribute__((aligned(64)));

// 6 + 3 * 100 instructions between the two BRKs, the second one excluded.
void stepped(void);
extern char stepped_loop[], stepped_end[];
__asm__(".pushsection .text\n .global stepped, stepped_loop, stepped_end\n stepped:\n brk #1\n mov x9, #100\n"
        "stepped_loop: add x10, x10, x9\n subs x9, x9, #1\n b.ne stepped_loop\n"
        "nop\n ldr x11, =data\n str x9, [x11, #16]\n ldr x9, [x11, #24]\n b stepped_end\n .ltorg\n stepped_end:\n brk #2\n ret\n .popsection");

static uint64_t get_pc(pid_t pid, int advance) {
    struct user_regs_struct regs;
    struct iovec io = { &regs, sizeof regs };
    ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &io);
    if (advance) { regs.pc += 4; ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &io); }
    return regs.pc;
}

/// Resumes and waits for the next stop: its signal, or -1 at the end.
static int go(pid_t pid, int how) {
    int status;
    if (ptrace(how, pid, 0, 0) || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) return -1;
    return WSTOPSIG(status);
}

static siginfo_t why(pid_t pid) {
    siginfo_t info = { 0 };
    ptrace(PTRACE_GETSIGINFO, pid, 0, &info);
    return info;
}

/// Forks a child that runs `body` under trace, stopped at its first BRK and moved past it.
static pid_t traced(void (*body)(void)) {
    pid_t pid = fork();
    if (!pid) {
        signal(SIGTRAP, SIG_DFL);
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        body();
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP) fail("the child did not reach its BRK: %x", status);
    get_pc(pid, 1);
    return pid;
}

static void finish(pid_t pid) {
    int status;
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
}

void single_step(void) {
    for (long round = 0; round < times(5); round++) {
        pid_t pid = traced(stepped);
        uint64_t pc = 0;
        int steps = 0, loops = 0, signal = 0;
        while ((pc = get_pc(pid, 0)) != (uint64_t)stepped_end && steps < 1000) {
            loops += pc == (uint64_t)stepped_loop;
            if ((signal = go(pid, PTRACE_SINGLESTEP)) != SIGTRAP || why(pid).si_code != TRAP_TRACE) { fail("step %d: signal %d code %d", steps, signal, why(pid).si_code); break; }
            steps++;
        }
        CHECK(steps == 306 && loops == 100, "%d steps, %d loops", steps, loops);
        CHECK((signal = go(pid, PTRACE_SINGLESTEP)) == SIGTRAP && why(pid).si_code == TRAP_BRKPT, "stepping onto a BRK: %d %d", signal, why(pid).si_code);
        finish(pid);
    }
}

// A system call among the steps.
static void calls(void) {
    __asm__ volatile("brk #1\n mov x8, #172\n svc #0\n nop\n nop\n brk #2" ::: "x0", "x8", "memory");
}

void step_call(void) {
    pid_t pid = traced(calls);
    uint64_t start = get_pc(pid, 0);
    // Linux reports the end of a system call by a step of its own, hence one step more than instructions.
    static const int after[] = { 4, 8, 8, 12, 16 };
    for (int n = 0; n < 5; n++) {
        int signal = go(pid, PTRACE_SINGLESTEP);
        CHECK(signal == SIGTRAP && get_pc(pid, 0) == start + after[n], "step %d: signal %d at %ld", n, signal, get_pc(pid, 0) - start);
    }
    finish(pid);
}

static int set_debug(pid_t pid, int kind, int n, uint64_t address, uint32_t control) {
    struct debug_state state = { 0 };
    state.regs[n].address = address;
    state.regs[n].control = control;
    struct iovec io = { &state, 8 + 16 * (n + 1) };
    return ptrace(PTRACE_SETREGSET, pid, kind, &io);
}

static int debug_slots(pid_t pid, int kind) {
    struct debug_state state = { 0 };
    struct iovec io = { &state, sizeof state };
    return ptrace(PTRACE_GETREGSET, pid, kind, &io) ? 0 : state.info & 0xff;
}

#define EXECUTE 0x1e5 // length 4, EL0, enabled
void hw_break(void) {
    pid_t pid = traced(stepped);
    int slots = debug_slots(pid, NT_ARM_HW_BREAK);
    CHECK(slots >= 2, "%d hardware breakpoints", slots);
    CHECK(!set_debug(pid, NT_ARM_HW_BREAK, slots - 1, (uint64_t)stepped_loop, EXECUTE), "can't set a breakpoint: %d", errno);
    for (int n = 0; n < 100; n++) {
        int signal = go(pid, PTRACE_CONT);
        siginfo_t info = why(pid);
        if (signal != SIGTRAP || info.si_code != TRAP_HWBKPT || get_pc(pid, 0) != (uint64_t)stepped_loop || info.si_addr != stepped_loop) {
            fail("breakpoint %d: signal %d code %d at %lx", n, signal, info.si_code, get_pc(pid, 0));
            break;
        }
        // A debugger steps over it with the breakpoint off; Linux does that itself only for perf.
        set_debug(pid, NT_ARM_HW_BREAK, slots - 1, (uint64_t)stepped_loop, 0);
        CHECK(go(pid, PTRACE_SINGLESTEP) == SIGTRAP, "stepping off a breakpoint");
        set_debug(pid, NT_ARM_HW_BREAK, slots - 1, (uint64_t)stepped_loop, EXECUTE);
    }
    CHECK(go(pid, PTRACE_CONT) == SIGTRAP && get_pc(pid, 0) == (uint64_t)stepped_end, "after the breakpoints: %lx", get_pc(pid, 0));
    finish(pid);
}

static volatile char *poke;
static void poker(void) {
    __asm__ volatile("brk #1");
    for (int i = 0; i < 64; i++) (void)poke[i];
    for (int i = 0; i < 64; i++) poke[i] = i;
    __asm__ volatile("ldp x9, x10, [%0, #8]\n stp x9, x10, [%0, #8]\n ldr q0, [%0, #16]\n str q0, [%0, #16]" :: "r"(poke) : "x9", "x10", "v0", "memory");
    __asm__ volatile("brk #2");
}

#define WATCH(kinds, mask) ((mask) << 5 | (kinds) << 3 | 2 << 1 | 1)
void hw_watch(void) {
    poke = (char *)data;
    pid_t pid = traced(poker);
    int slots = debug_slots(pid, NT_ARM_HW_WATCH);
    CHECK(slots >= 2, "%d watchpoints", slots);
    finish(pid);
    // Kinds: 1 load, 2 store, 3 both. Bytes that are watched, hits to expect.
    static const struct { int kinds, mask, at, hits; } cases[] = {
        { 2, 0xff, 8, 8 + 1 }, { 1, 0xff, 8, 8 + 1 }, { 3, 0xff, 16, 16 + 4 }, { 2, 0x0f, 24, 4 + 1 }, { 2, 0x01, 32, 1 },
        { 2, 0x02, 40, 1 }, { 3, 0x30, 48, 4 }, { 2, 0xff, 16, 8 + 2 },
    };
    for (unsigned c = 0; c < sizeof cases / sizeof *cases; c++) {
        pid = traced(poker);
        uint32_t control = WATCH(cases[c].kinds, cases[c].mask);
        uint64_t address = (uint64_t)data + cases[c].at;
        CHECK(!set_debug(pid, NT_ARM_HW_WATCH, c % 2, address, control), "can't set a watchpoint: %d", errno);
        int hits = 0, signal;
        while ((signal = go(pid, PTRACE_CONT)) == SIGTRAP && why(pid).si_code == TRAP_HWBKPT) {
            uint64_t at = (uint64_t)why(pid).si_addr;
            // What is reported lies within the access, up to 16 bytes from what is watched.
            CHECK(at + 16 > address && at < address + 8, "case %u: hit at %ld", c, at - address);
            if (++hits > 100) break;
            set_debug(pid, NT_ARM_HW_WATCH, c % 2, address, 0);
            CHECK(go(pid, PTRACE_SINGLESTEP) == SIGTRAP, "stepping off a watchpoint");
            set_debug(pid, NT_ARM_HW_WATCH, c % 2, address, control);
        }
        CHECK(signal == SIGTRAP && hits == cases[c].hits, "case %u: %d hits, not %d (signal %d)", c, hits, cases[c].hits, signal);
        finish(pid);
    }
}
