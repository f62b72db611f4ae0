// psci-off: turns the machine off the way real firmware has it, by a PSCI call.
.include "hvio.inc"

    .section .text.start, "ax"
    .globl  _start
_start:
    movw    r0, #:lower16:SYSTEM_OFF    // which function,
    movt    r0, #:upper16:SYSTEM_OFF
    hvc     #0                          // and the call: the one exit of this guest
    b       .                           // Nobody comes back here.
