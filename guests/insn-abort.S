// insn-abort: a branch to where there is no code. The branch itself works; the fetch after it fails.
#include "monitor.inc"

.equ NOWHERE, 0x50000000                // above the machine's RAM

    .section .text.start, "ax"
    .globl  _start
_start:
    begin
    use_vectors table
    mov     x19, #NOWHERE
    mov     x20, #0

    say     "Calling a function at "
    say_hex x19
    say     ", where nothing is mapped.\n"
    blr     x19                         // X30 = the next instruction, PC = nowhere

    cbz     x20, 1f
    say     "Back from a call that never ran.\n"
    hvc_exit 0
1:  say     "The call returned by itself: something answered at that address.\n"
    hvc_exit 1

// The handler: tell what came and return to the caller instead of to the missing code.
on_sync:
    mov     x20, #1
    mov     x22, x30                    // where the call should have returned to
    say     "The CPU took an exception to our vector table:\n"
    bl      report_exception
    mrs     x21, esr_el1
    ubfx    x0, x21, #26, #6            // the exception class
    cmp     x0, #0x21
    b.ne    unexpected_sync
    say     "  That is an instruction abort from EL1. Its fault status is "
    and     x2, x21, #0x3f
    say_hex x2
    and     x2, x21, #0x3f
    cmp     x2, #0x10
    b.ne    1f
    say     ": external abort, the bus did not answer"
1:  say     ".\n  ELR and FAR agree: the address that failed is the one we wanted to run.\n"
    msr     elr_el1, x22
    eret

    vectors table, sync=on_sync
