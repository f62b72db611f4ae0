// wfi: sleeping until something happens. WFI gives the CPU back until an interrupt is pending.
#include "monitor.inc"

    .section .text.start, "ax"
    .globl  _start
_start:
    begin
    use_vectors table
    bl      gic_init
    mov     w0, #VIRTUAL_TIMER
    bl      gic_enable

    say     "Setting an alarm: the virtual timer, 200 ms from now.\n"
    mrs     x19, cntfrq_el0             // counts per second
    mov     x0, #5
    udiv    x0, x19, x0                 // a fifth of a second
    isb
    mrs     x20, cntvct_el0             // now
    msr     cntv_tval_el0, x0
    mov     x0, #1
    msr     cntv_ctl_el0, x0
    isb

    say     "Going to sleep with WFI. The host is free to do other things.\n"
    mov     x21, #0                     // set by the interrupt handler
    mov     x22, #0                     // how often WFI returned
1:  wfi
    add     x22, x22, #1
    isb
    mrs     x23, cntvct_el0             // when we woke
    mrs     x0, cntv_ctl_el0
    tbz     x0, #2, 1b                  // WFI may return early: sleep again if the alarm did not ring

    say     "Awake. The interrupt is pending but still masked, so nothing has handled it yet.\n"
    msr     daifclr, #2                 // now take it
    isb
    msr     daifset, #2
    cbz     x21, 2f
    say     "Unmasked it, and the handler ran: interrupt "
    say_dec x21
    say     ".\n"
2:  say     "Slept for "
    sub     x0, x23, x20
    mov     x1, #1000
    mul     x0, x0, x1
    udiv    x0, x0, x19
    bl      uart_dec
    say     " ms; WFI returned "
    say_dec x22
    say     " time(s).\n"
    cbz     x21, 3f
    hvc_exit 0
3:  say     "But the interrupt never came.\n"
    hvc_exit 1

// Acknowledges the timer's interrupt and switches the timer off. X21 = its id.
on_irq:
    stp     x0, x1, [sp, #-80]!
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    str     x30, [sp, #64]
    bl      gic_ack
    cmp     w0, #1020
    b.hs    1f
    mov     w21, w0
    msr     cntv_ctl_el0, xzr           // the timer lets go of its line
    isb
    bl      gic_done
1:  ldr     x30, [sp, #64]
    ldp     x6, x7, [sp, #48]
    ldp     x4, x5, [sp, #32]
    ldp     x2, x3, [sp, #16]
    ldp     x0, x1, [sp], #80
    eret

    vectors table, irq=on_irq
