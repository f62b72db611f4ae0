// el0: a kernel and a program. We set up page tables, drop to EL0, and serve the program's system
// calls. At the end the program reaches for the kernel's memory, and the page tables say no.
//
// Virtual addresses equal physical ones. The 4 KiB granule, 32 bits of virtual address:
//
//   level 1, 1 GiB each     0x00000000  devices       kernel only, never executed
//                           0x40000000  -> level 2
//   level 2, 2 MiB each     0x40000000  the kernel    kernel only
//                           0x40200000  program code  both may read, only the program executes
//                           0x40400000  program stack both may read and write, nobody executes
//                           0x43e00000  kernel stack  kernel only
#include "monitor.inc"

.equ USER_CODE,     0x40200000
.equ USER_STACK,    0x40600000          // its top: the block below it
.equ KERNEL_STACK,  0x43e00000

// Descriptor bits (Arm ARM D8.3).
.equ TABLE,         3
.equ BLOCK,         1
.equ ATTR_DEVICE,   0 << 2              // MAIR_EL1 byte 0
.equ ATTR_NORMAL,   1 << 2              // MAIR_EL1 byte 1
.equ EL0_TOO,       1 << 6              // AP[1]: EL0 may access it
.equ READ_ONLY,     1 << 7              // AP[2]
.equ INNER,         3 << 8              // inner shareable
.equ ACCESSED,      1 << 10
#define PXN         (1 << 53)           // the kernel may not execute it
#define UXN         (1 << 54)           // the program may not execute it

// Our system calls: the immediate of the SVC.
.equ SYS_PRINT,     1                   // X0 = string
.equ SYS_ADD,       2                   // X0 + X1 in X0
.equ SYS_EXIT,      3                   // X0 = status

    .section .text.start, "ax"
    .globl  _start
_start:
    begin
    use_vectors table

    // ---- Copy the program to its own block, so that it can have its own permissions.
    ldr     x0, =USER_CODE
    adrp    x1, user_start
    add     x1, x1, :lo12:user_start
    adrp    x2, user_end
    add     x2, x2, :lo12:user_end
1:  ldr     w3, [x1], #4
    str     w3, [x0], #4
    cmp     x1, x2
    b.lo    1b
    dsb     sy
    ic      iallu                       // no CPU may hold older code for those addresses

    // ---- Page tables. They are in .bss, which is zero: what we don't fill in is not mapped.
    say     "Kernel: building page tables.\n"
    adrp    x0, level1
    adrp    x1, level2
    ldr     x2, =(BLOCK | ATTR_DEVICE | ACCESSED | PXN | UXN)
    str     x2, [x0]                    // 0x00000000: devices
    orr     x2, x1, #TABLE
    str     x2, [x0, #8]                // 0x40000000: next level
    ldr     x2, =(0x40000000 | BLOCK | ATTR_NORMAL | INNER | ACCESSED | UXN)
    str     x2, [x1]
    ldr     x2, =(USER_CODE | BLOCK | ATTR_NORMAL | INNER | ACCESSED | EL0_TOO | READ_ONLY | PXN)
    str     x2, [x1, #8]
    ldr     x2, =(0x40400000 | BLOCK | ATTR_NORMAL | INNER | ACCESSED | EL0_TOO | PXN | UXN)
    str     x2, [x1, #16]
    ldr     x2, =(KERNEL_STACK | BLOCK | ATTR_NORMAL | INNER | ACCESSED | PXN | UXN)
    str     x2, [x1, #8 * ((KERNEL_STACK - 0x40000000) >> 21)]

    // ---- MMU on.
    mov     x2, #0xff00                 // attribute 0: device, attribute 1: normal, write-back
    msr     mair_el1, x2
    // TCR_EL1: TTBR0 for 32 bits (T0SZ = 32) with cacheable, inner shareable walks; TTBR1 unused.
    ldr     x2, =(32 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23)
    msr     tcr_el1, x2
    msr     ttbr0_el1, x0
    dsb     sy
    tlbi    vmalle1
    dsb     sy
    isb
    ldr     x2, =(0x30d00800 | 1 << 12 | 1 << 2 | 1 << 0)   // fixed ones, I-cache, D-cache, MMU
    msr     sctlr_el1, x2
    isb                                 // from here on every address is translated
    say     "Kernel: MMU on. Every address is now looked up, and we are still here.\n"

    // ---- Down to EL0. ERET goes to where an exception came from; we make one up.
    say     "Kernel: starting the program at EL0.\n"
    ldr     x0, =USER_CODE
    msr     elr_el1, x0
    ldr     x0, =USER_STACK
    msr     sp_el0, x0
    mov     x0, #0x3c0                  // PSTATE: EL0, interrupts masked
    msr     spsr_el1, x0
    eret

    .ltorg

// Every synchronous exception from EL0 lands here. The program's registers X0 to X7 and X30 go on
// the kernel's stack; X19 to X28 are the kernel's own in this small system.
from_user:
    stp     x0, x1, [sp, #-80]!
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    str     x30, [sp, #64]
    mrs     x19, esr_el1
    ubfx    x20, x19, #26, #6
    cmp     x20, #0x15                  // SVC in AArch64 state
    b.eq    system_call
    cmp     x20, #0x24                  // data abort from a lower level
    b.eq    user_abort
    b       unexpected_sync

system_call:
    and     x20, x19, #0xffff           // the SVC's immediate
    say     "Kernel: SVC #"
    say_dec x20
    cmp     x20, #SYS_PRINT
    b.eq    1f
    cmp     x20, #SYS_ADD
    b.eq    2f
    cmp     x20, #SYS_EXIT
    b.eq    3f
    b       unexpected_sync

1:  say     ", print: "
    ldr     x0, [sp]
    bl      uart_puts
    b       back_to_user

2:  say     ", add "
    ldr     x20, [sp]
    ldr     x21, [sp, #8]
    say_dec x20
    say     " and "
    say_dec x21
    say     ".\n"
    add     x20, x20, x21
    str     x20, [sp]                   // the program finds it in X0
    b       back_to_user

3:  ldr     x20, [sp]
    say     ", exit with status "
    say_dec x20
    say     ".\n"
    exit_with w20

user_abort:
    say     "Kernel: the program was stopped, data abort from EL0.\n"
    bl      report_exception
    say     "  Fault status "
    and     x2, x19, #0x3f
    say_hex x2
    and     x2, x19, #0x3f
    cmp     x2, #0x0e
    b.ne    1f
    say     ": permission fault, level 2. The page is there, but not for EL0"
1:  say     ".\nKernel: skipping that instruction.\n"
    mrs     x0, elr_el1
    add     x0, x0, #4
    msr     elr_el1, x0

back_to_user:
    ldr     x30, [sp, #64]
    ldp     x6, x7, [sp, #48]
    ldp     x4, x5, [sp, #32]
    ldp     x2, x3, [sp, #16]
    ldp     x0, x1, [sp], #80
    eret

    vectors table, user=from_user

// ---- The program. It is linked with the kernel but runs elsewhere, so it only uses addresses
// relative to its own PC.
    .section .rodata.user, "a"
    .balign 4
user_start:
    adr     x0, user_hello
    svc     #SYS_PRINT

    mov     x0, #40
    mov     x1, #2
    svc     #SYS_ADD
    sub     sp, sp, #16
    str     x0, [sp]                    // our stack is ours
    ldr     x1, [sp]
    cmp     x1, #42
    b.ne    1f
    adr     x0, user_sum
    svc     #SYS_PRINT

    adr     x0, user_reach
    svc     #SYS_PRINT
    mov     x1, #0x40000000
    mov     x2, #0x5eed
    mov     x3, x2
    ldr     x2, [x1]                    // the kernel's memory
    cmp     x2, x3                      // refused, the load leaves X2 as it was
    b.ne    1f

    mov     x0, #0
    svc     #SYS_EXIT
1:  mov     x0, #1
    svc     #SYS_EXIT

user_hello:
    .asciz  "hello from EL0.\n"
user_sum:
    .asciz  "the kernel says 42, and I agree.\n"
user_reach:
    .asciz  "now I read the kernel's memory at 0x40000000.\n"
    .balign 4
user_end:

    .section .bss.tables, "aw", %nobits
    .balign 4096
level1:
    .skip   4096
level2:
    .skip   4096
