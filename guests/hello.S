// hello: the smallest complete guest. It speaks twice, once by hypercall and once by UART, and leaves.
#include "monitor.inc"

    .section .text.start, "ax"
    .globl  _start
_start:
    begin

    // 1. A hypercall. The CPU executes HVC and stops being ours: the monitor sees the function id in
    //    W0, reads the string out of our memory and prints it. One exit for the whole sentence.
    hvc_write by_hypercall

    // 2. A device. No call here: we store bytes to an address that is not memory. Each store leaves
    //    the guest, and the monitor's UART model prints the byte. One exit for each character.
    adr     x0, by_uart
    bl      uart_puts

    // 3. Leave. The status becomes the exit status of the monitor's process.
    hvc_exit 0

by_hypercall:
    .asciz  "Hello from the guest, by hypercall.\n"
by_uart:
    .asciz  "Hello from the guest, by UART.\n"
