// The interrupt controller, version 2 or 3 as the boot information says, in four routines that hide
// the difference: gic_init, gic_enable, gic_ack, gic_done.
#include "monitor.inc"

// Distributor, the same offsets in both versions.
.equ GICD_CTLR,         0x0000
.equ GICD_IGROUPR,      0x0080
.equ GICD_ISENABLER,    0x0100
.equ GICD_IPRIORITYR,   0x0400
.equ GICD_ITARGETSR,    0x0800          // GICv2
.equ GICD_IROUTER,      0x6000          // GICv3
// GICv2 CPU interface.
.equ GICC_CTLR,         0x00
.equ GICC_PMR,          0x04
.equ GICC_IAR,          0x0c
.equ GICC_EOIR,         0x10
// GICv3 redistributor: its second 64 KiB frame has the private interrupts, at GICD's offsets.
.equ GICR_WAKER,        0x0014
.equ GICR_SGI_BASE,     0x10000
// GICv3 CPU interface: system registers.
#define ICC_SRE_EL1     s3_0_c12_c12_5
#define ICC_PMR_EL1     s3_0_c4_c6_0
#define ICC_IGRPEN1_EL1 s3_0_c12_c12_7
#define ICC_IAR1_EL1    s3_0_c12_c12_0
#define ICC_EOIR1_EL1   s3_0_c12_c12_1

// Branches to `label` if the interrupt controller is a GICv3.
.macro if_v3 label
    ldr     w7, [x28, #INFO_GIC_KIND]
    cmp     w7, #3
    b.eq    \label
.endm

// Switches the distributor and this CPU's interface on. Scratch: X1 to X7.
routine gic_init
    ldr     x1, [x28, #INFO_GICD]
    ldr     x2, [x28, #INFO_GICC]
    if_v3   2f

    mov     w3, #1
    str     w3, [x1, #GICD_CTLR]        // forward interrupts to the CPU interfaces
    mov     w4, #0xff
    str     w4, [x2, #GICC_PMR]         // let every priority through
    str     w3, [x2, #GICC_CTLR]        // signal them to the CPU
    ret

2:  mov     w3, #(1 << 4 | 1 << 1)
    str     w3, [x1, #GICD_CTLR]        // affinity routing, group 1 enabled
    ldr     w3, [x2, #GICR_WAKER]
    and     w3, w3, #~(1 << 1)          // this CPU's redistributor shall not sleep,
    str     w3, [x2, #GICR_WAKER]
1:  ldr     w3, [x2, #GICR_WAKER]
    tbnz    w3, #2, 1b                  // and we wait until it is awake
    mov     x3, #1
    msr     ICC_SRE_EL1, x3             // the CPU interface is system registers
    isb
    mov     x3, #0xff
    msr     ICC_PMR_EL1, x3             // let every priority through
    mov     x3, #1
    msr     ICC_IGRPEN1_EL1, x3         // signal group 1 to the CPU
    isb
    ret

// Enables the interrupt W0 (16 or above) for this CPU. Scratch: X1 to X7.
routine gic_enable
    ldr     x1, [x28, #INFO_GICD]
    lsr     w2, w0, #5                  // 32 interrupts to a register:
    lsl     w2, w2, #2                  // W2 = offset of the register
    mov     w3, #1
    lsl     w3, w3, w0                  // W3 = the bit in it (the shift counts modulo 32)
    mov     w4, #0xa0                   // priority: the lower, the more urgent
    if_v3   3f

    add     x5, x1, x0                  // one byte to an interrupt
    strb    w4, [x5, #GICD_IPRIORITYR]
    cmp     w0, #32
    b.lo    1f                          // private interrupts are ours anyway
    mov     w6, #1
    strb    w6, [x5, #GICD_ITARGETSR]   // shared ones go to CPU 0
1:  add     x5, x1, x2
    str     w3, [x5, #GICD_ISENABLER]
    ret

3:  cmp     w0, #32
    b.lo    4f
    add     x5, x1, #GICD_IROUTER       // shared interrupts are routed by affinity: 0.0.0.0, CPU 0
    str     xzr, [x5, x0, lsl #3]
    b       5f
4:  ldr     x1, [x28, #INFO_GICC]       // private interrupts live in the redistributor
    add     x1, x1, #GICR_SGI_BASE
5:  add     x5, x1, x0
    strb    w4, [x5, #GICD_IPRIORITYR]
    add     x5, x1, x2
    ldr     w6, [x5, #GICD_IGROUPR]
    orr     w6, w6, w3
    str     w6, [x5, #GICD_IGROUPR]     // group 1: an IRQ, not an FIQ
    str     w3, [x5, #GICD_ISENABLER]
    ret

// Acknowledges the pending interrupt; its id in W0 (1020 and above: there was none).
// Scratch: X1, X7.
routine gic_ack
    if_v3   1f
    ldr     x1, [x28, #INFO_GICC]
    ldr     w0, [x1, #GICC_IAR]
    and     w0, w0, #0x3ff
    ret
1:  mrs     x0, ICC_IAR1_EL1
    dsb     sy
    ret

// Tells the controller that interrupt W0 has been dealt with. Scratch: X1, X7.
routine gic_done
    if_v3   1f
    ldr     x1, [x28, #INFO_GICC]
    str     w0, [x1, #GICC_EOIR]
    ret
1:  and     x0, x0, #0xffffff
    msr     ICC_EOIR1_EL1, x0
    isb
    ret
