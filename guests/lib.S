// Routines the guests share. Each is in a section of its own; the linker keeps what a guest uses.
#include "monitor.inc"

// ---- UART --------------------------------------------------------------------------------------

// Switches the UART on.
routine uart_init
    ldr     x1, [x28, #INFO_UART]
    mov     w2, #UARTCR_ON
    str     w2, [x1, #UARTCR]
    ret

// Sends the byte in W0. Scratch: X6, X7.
routine uart_putc
    ldr     x6, [x28, #INFO_UART]
1:  ldr     w7, [x6, #UARTFR]
    tbnz    w7, #UARTFR_TXFF_BIT, 1b    // wait for room in the FIFO
    str     w0, [x6, #UARTDR]
    ret

// Sends the NUL-terminated string at X0. Scratch: X0, X1, X5 to X7.
routine uart_puts
    mov     x5, x30
    mov     x1, x0
1:  ldrb    w0, [x1], #1
    cbz     w0, 2f
    bl      uart_putc
    b       1b
2:  ret     x5

// Sends X0 in hexadecimal, without leading zeros. Scratch: X0 to X7.
routine uart_hex
    mov     x5, x30
    mov     x1, x0
    mov     w0, #'0'
    bl      uart_putc
    mov     w0, #'x'
    bl      uart_putc
    orr     x2, x1, #1                  // zero has one digit too
    clz     x2, x2
    mov     w3, #63
    sub     w2, w3, w2                  // number of the highest bit set
    and     w2, w2, #~3                 // W2 = shift of the first digit
1:  lsr     x0, x1, x2
    and     w0, w0, #15
    add     w3, w0, #'0'
    add     w4, w0, #('a' - 10)
    cmp     w0, #10
    csel    w0, w3, w4, lo
    bl      uart_putc
    subs    w2, w2, #4
    b.pl    1b
    ret     x5

// Sends X0 in decimal. Scratch: X0 to X7.
routine uart_dec
    stp     x29, x30, [sp, #-48]!       // 32 bytes of digits above the frame
    add     x1, sp, #48
    mov     x3, #10
    strb    wzr, [x1, #-1]!
1:  udiv    x2, x0, x3
    msub    x4, x2, x3, x0              // the remainder is the lowest digit
    add     w4, w4, #'0'
    strb    w4, [x1, #-1]!
    mov     x0, x2
    cbnz    x0, 1b
    mov     x0, x1
    bl      uart_puts
    ldp     x29, x30, [sp], #48
    ret

// ---- Exceptions --------------------------------------------------------------------------------

// Prints ESR, FAR and ELR, each with what it tells. Scratch: X0 to X7.
routine report_exception
    stp     x29, x30, [sp, #-16]!
    mrs     x2, esr_el1
    str     x2, [sp, #-16]!
    say     "  ESR_EL1 = "
    ldr     x2, [sp]
    say_hex x2
    say     "  why: exception class "
    ldr     x2, [sp]
    ubfx    x2, x2, #26, #6
    say_hex x2
    say     "\n  FAR_EL1 = "
    mrs     x2, far_el1
    say_hex x2
    say     "  which address (for aborts)\n  ELR_EL1 = "
    mrs     x2, elr_el1
    say_hex x2
    say     "  where: the instruction to return to\n"
    add     sp, sp, #16
    ldp     x29, x30, [sp], #16
    ret

// A synchronous exception nobody expected.
routine unexpected_sync
    say     "An exception that this guest did not expect:\n"
    bl      report_exception
    hvc_exit 1

// An interrupt nobody expected.
routine unexpected_irq
    say     "An interrupt that this guest did not expect.\n"
    hvc_exit 1
