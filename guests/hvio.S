// hvio: the smallest guest that says something. Six instructions, three exits; no device, no call.
.include "hvio.inc"

    .section .text.start, "ax"
    .globl  _start
_start:
    adr     r1, text
    str     r1, [r0, #WRITE_STRING]     // 1. A store that we may not do: the monitor prints the text for us.

    ldr     r1, [r0, #VERSION]          // A load is allowed. It is plain memory, and no monitor notices.
    sub     r1, r1, #1                  // Version 1, as we expect? Then this is 0,

    str     r1, [r0, #EXIT]             // 2. and success is what we leave with.
    b       .                           // Nobody comes back here.

    .balign 4
text:
    .asciz  "Hello from the guest, by a store that is not allowed.\n"
