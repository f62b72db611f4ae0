// data-abort: a load and a store where there is nothing. The CPU tells us what, where and why.
#include "monitor.inc"

.equ NOWHERE, 0x50000000                // above the machine's RAM, and no device either

    .section .text.start, "ax"
    .globl  _start
_start:
    begin
    use_vectors table
    mov     x19, #NOWHERE

    say     "Loading from "
    say_hex x19
    say     ", where nothing is mapped.\n"
    ldr     w0, [x19]                   // the machine has no answer: an external abort

    say     "Storing 8 bytes further on.\n"
    str     w0, [x19, #8]

    say     "Two aborts taken, and we are still running.\n"
    cmp     x20, #2
    b.ne    1f
    hvc_exit 0
1:  hvc_exit 1

// The handler: tell what came, step over the instruction, go on. X20 counts.
on_sync:
    add     x20, x20, #1
    say     "The CPU took an exception to our vector table:\n"
    bl      report_exception
    mrs     x21, esr_el1
    ubfx    x0, x21, #26, #6            // the exception class
    cmp     x0, #0x25
    b.ne    unexpected_sync
    say     "  That is a data abort from EL1, on a "
    tbnz    x21, #6, 1f                 // WnR
    say     "load"
    b       2f
1:  say     "store"
2:  say     ". Its fault status is "
    and     x2, x21, #0x3f
    say_hex x2
    and     x2, x21, #0x3f
    cmp     x2, #0x10
    b.ne    3f
    say     ": external abort, the bus did not answer"
3:  say     ".\n"
    mrs     x0, elr_el1                 // a data abort returns to the same instruction;
    add     x0, x0, #4                  // we want the next one
    msr     elr_el1, x0
    eret

    vectors table, sync=on_sync
