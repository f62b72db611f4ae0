// The first program of a guest whose root is a directory of the host, for arm64 kernels. See init.inc.
.macro WORD values:vararg
    .xword \values
.endm
.set SYS_mount, 40
.set SYS_chdir, 49
.set SYS_chroot, 51
.set SYS_openat, 56
.set SYS_read, 63
.set SYS_write, 64
.set SYS_reboot, 142
.set SYS_execve, 221
.set SYS_finit_module, 273

    .include "init.inc"

// Argument \n of the call at X22.
.macro argument n
    ldr     x\n, [x22, #8 + 8 * \n]
    cmn     x\n, #-LAST
    csel    x\n, x23, x\n, eq
    cmn     x\n, #-ARGUMENTS
    csel    x\n, x20, x\n, eq
    cmn     x\n, #-ENVIRONMENT
    csel    x\n, x21, x\n, eq
.endm

    .text
    .global _start
_start:
    ldr     x0, [sp]                    // the number of arguments; they and the environment follow
    add     x20, sp, #8
    add     x21, x20, x0, lsl #3
    add     x21, x21, #8
    adr     x22, entry
    ldr     x22, [x22]
run:
    ldr     x8, [x22]
    argument 0
    argument 1
    argument 2
    argument 3
    argument 4
    cmn     x8, #-GIVE_UP
    b.eq    give_up
    cmn     x8, #-SET_NAME
    b.eq    set_name
    svc     #0
    mov     x23, x0
    tbz     x0, #63, 1f
    ldr     x1, [x22, #48]
    cbnz    x1, give_up
1:  add     x22, x22, #56
    b       run
set_name:
    str     x0, [x20]
    b       1b
give_up:
    ldr     x1, [x22, #48]              // says why, and turns the machine off
    mov     x2, #0
1:  ldrb    w3, [x1, x2]
    cbz     w3, 2f
    add     x2, x2, #1
    b       1b
2:  mov     x0, #1
    mov     x8, #SYS_write
    svc     #0
    adr     x3, magic
    ldp     w0, w1, [x3]
    ldr     w2, [x3, #8]
    mov     x8, #SYS_reboot
    svc     #0
    b       .

    .balign 8
entry: .xword list
magic: .word 0xfee1dead, 672274793, 0x4321fedc   // LINUX_REBOOT_MAGIC1, _MAGIC2, _CMD_POWER_OFF
