// sysreg: registers a guest may not touch. One belongs to the hypervisor, one does not exist at all.
// On hardware the first may be caught by the monitor, which then makes us believe it is undefined.
#include "monitor.inc"

#define VTTBR_EL2   s3_4_c2_c1_0        // where the hypervisor keeps its page tables
#define NO_REGISTER s3_7_c15_c15_7      // in the range left to CPU makers; unused on the CPUs we know

    .section .text.start, "ax"
    .globl  _start
_start:
    begin
    use_vectors table
    mov     x20, #0

    say     "We run at EL"
    mrs     x0, currentel
    lsr     x0, x0, #2
    bl      uart_dec
    say     " on a CPU that calls itself "
    mrs     x0, midr_el1                // allowed: identification registers
    bl      uart_hex
    say     " (MIDR_EL1).\n"

    say     "Reading VTTBR_EL2, a register of the hypervisor's own level.\n"
    mrs     x0, VTTBR_EL2

    say     "Reading S3_7_C15_C15_7, a register that does not exist.\n"
    mrs     x0, NO_REGISTER

    cmp     x20, #2
    b.ne    1f
    say     "Both were refused, both times we went on with the next instruction.\n"
    hvc_exit 0
1:  say     "A read went through that should not have.\n"
    hvc_exit 1

// The handler: tell what came, show the instruction, step over it. X20 counts.
on_sync:
    add     x20, x20, #1
    say     "The CPU took an exception to our vector table:\n"
    bl      report_exception
    mrs     x0, esr_el1
    ubfx    x0, x0, #26, #6             // the exception class
    cbz     x0, 1f
    cmp     x0, #0x18
    b.ne    unexpected_sync
    say     "  That is a trapped system register access.\n"
    b       2f
1:  say     "  Class 0 means unknown reason: to us the instruction is undefined.\n"
2:  mrs     x21, elr_el1
    ldr     w22, [x21]                  // the instruction itself
    say     "  The instruction there is "
    say_hex x22
    say     ": MRS"
    ubfx    x2, x22, #0, #5
    say     " to X"
    say_dec x2
    say     ".\n"
    add     x21, x21, #4
    msr     elr_el1, x21
    eret

    vectors table, sync=on_sync
