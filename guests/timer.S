// timer: interrupts from two clocks. First a device of the machine, a memory-mapped timer, then the
// timer inside the CPU. Both reach us the same way: through the interrupt controller, as an IRQ.
#include "monitor.inc"

.equ TICKS, 3                           // of each timer
.equ PER_SECOND, 20                     // 50 ms apart

    .section .text.start, "ax"
    .globl  _start
_start:
    begin
    use_vectors table
    say     "Setting up interrupts: GICv"
    ldr     w0, [x28, #INFO_GIC_KIND]
    bl      uart_dec
    say     ".\n"
    bl      gic_init

    // ---- The memory-mapped timer. Its registers are device memory: each access is an exit.
    ldr     w0, [x28, #INFO_TIMER_INTID]
    bl      gic_enable
    say     "The memory-mapped timer is interrupt "
    ldr     w0, [x28, #INFO_TIMER_INTID]
    bl      uart_dec
    ldr     x20, [x28, #INFO_TIMER]
    ldr     w21, [x20, #CNTFRQ]
    say     ", its counter runs at "
    say_dec x21
    say     " Hz.\n"
    mov     w0, #PER_SECOND
    udiv    w21, w21, w0                // W21 = counts between ticks
    str     w21, [x20, #CNTP_TVAL]
    mov     w0, #1
    str     w0, [x20, #CNTP_CTL]
    bl      wait_for_ticks
    str     wzr, [x20, #CNTP_CTL]

    // ---- The CPU's virtual timer. Its registers are system registers: no exit is needed.
    mov     w0, #VIRTUAL_TIMER
    bl      gic_enable
    say     "The CPU's own virtual timer is interrupt 27.\n"
    mrs     x21, cntfrq_el0
    mov     w0, #PER_SECOND
    udiv    x21, x21, x0
    msr     cntv_tval_el0, x21
    mov     x0, #1
    msr     cntv_ctl_el0, x0
    isb
    bl      wait_for_ticks
    msr     cntv_ctl_el0, xzr

    say     "Six ticks, none lost.\n"
    hvc_exit 0

// Sleeps until TICKS interrupts have been counted in X22, telling each.
wait_for_ticks:
    mov     x27, x30
    mov     x22, #0                     // counted by the interrupt handler
    mov     x23, #0                     // told so far
1:  // Look for news with interrupts masked, then WFI: a pending interrupt ends WFI even while it is
    // masked, so one that comes between the look and the WFI is not slept over.
    cmp     x23, x22
    b.lo    2f
    wfi
    msr     daifclr, #2                 // take the interrupt that woke us
    isb
    msr     daifset, #2
    b       1b
2:  add     x23, x23, #1
    say     "  tick "
    say_dec x23
    say     ": interrupt "
    say_dec x24
    say     "\n"
    cmp     x23, #TICKS
    b.lo    1b
    ret     x27

// The interrupt handler. It owns X22 (count) and X24 (the last interrupt's id) and must give back
// everything else as it was.
on_irq:
    stp     x0, x1, [sp, #-80]!
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    str     x30, [sp, #64]
    bl      gic_ack                     // who was it?
    cmp     w0, #1020
    b.hs    3f                          // nobody: it went away before we asked
    mov     w24, w0
    add     x22, x22, #1
    // Both timers hold their line until the next deadline is set: do that first, or the interrupt
    // would come again at once.
    cmp     w0, #VIRTUAL_TIMER
    b.eq    1f
    str     w21, [x20, #CNTP_TVAL]
    ldr     w1, [x20, #CNTP_CTL]        // the read makes sure that the write has arrived
    b       2f
1:  msr     cntv_tval_el0, x21
    isb
2:  bl      gic_done
3:  ldr     x30, [sp, #64]
    ldp     x6, x7, [sp, #48]
    ldp     x4, x5, [sp, #32]
    ldp     x2, x3, [sp, #16]
    ldp     x0, x1, [sp], #80
    eret

    vectors table, irq=on_irq
