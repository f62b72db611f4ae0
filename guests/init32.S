@ The first program of a guest whose root is a directory of the host, for arm kernels. See init.inc.
.macro WORD values:vararg
    .word \values
.endm
.set SYS_read, 3
.set SYS_write, 4
.set SYS_execve, 11
.set SYS_chdir, 12
.set SYS_mount, 21
.set SYS_chroot, 61
.set SYS_reboot, 88
.set SYS_openat, 322
.set SYS_finit_module, 379

    .include "init.inc"

@ Argument \n of the call at R6.
.macro argument n
    ldr     r\n, [r6, #4 + 4 * \n]
    cmn     r\n, #-LAST
    moveq   r\n, r8
    cmn     r\n, #-ARGUMENTS
    moveq   r\n, r9
    cmn     r\n, #-ENVIRONMENT
    moveq   r\n, r10
.endm

    .arch armv7-a
    .arm
    .text
    .global _start
_start:
    ldr     r0, [sp]                    @ the number of arguments; they and the environment follow
    add     r9, sp, #4
    add     r10, r9, r0, lsl #2
    add     r10, r10, #4
    ldr     r6, =list
run:
    ldr     r7, [r6]
    argument 0
    argument 1
    argument 2
    argument 3
    argument 4
    cmn     r7, #-GIVE_UP
    beq     give_up
    cmn     r7, #-SET_NAME
    beq     set_name
    svc     #0
    mov     r8, r0
    cmn     r0, #4096                   @ -1 to -4095 are errors
    bls     1f
    ldr     r1, [r6, #24]
    cmp     r1, #0
    bne     give_up
1:  add     r6, r6, #28
    b       run
set_name:
    str     r0, [r9]
    b       1b
give_up:
    ldr     r1, [r6, #24]               @ says why, and turns the machine off
    mov     r2, #0
1:  ldrb    r3, [r1, r2]
    cmp     r3, #0
    addne   r2, r2, #1
    bne     1b
    mov     r0, #1
    mov     r7, #SYS_write
    svc     #0
    ldr     r0, =0xfee1dead             @ LINUX_REBOOT_MAGIC1, _MAGIC2, _CMD_POWER_OFF
    ldr     r1, =672274793
    ldr     r2, =0x4321fedc
    mov     r7, #SYS_reboot
    svc     #0
    b       .
