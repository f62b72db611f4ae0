"""Runs A32 and T32 test cases on Unicorn: cases on standard input, results on standard output.

The state block is 17 32-bit words: R0-R14, CPSR, unused. A request is: u32 number of bytes of
code, the code, whose last 4 are not run, the state block, and MEM_LEN bytes of memory at MEM. The answer is: u32 0, or 1 + the
exception number if one was raised, the state block, the memory. No bytes of code end the server. The layout is that of
tests/oracle32/mod.rs in the engine.
"""
import struct
import sys

import unicorn
from unicorn import arm_const as c

CODE, MEM, MEM_LEN = 0x100000, 0x200E00, 0x400
STATE = 17 * 4

uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_ARM)
uc.ctl_set_cpu_model(c.UC_CPU_ARM_MAX)
uc.mem_map(0, 0x400000)
raised = 0


def on_interrupt(_uc, number, _data):
    global raised
    raised = 1 + number
    uc.emu_stop()


uc.hook_add(unicorn.UC_HOOK_INTR, on_interrupt)
doubles = [getattr(c, f"UC_ARM_REG_D{n}") for n in range(32)]
# CPACR lets everybody have floating point, and FPEXC turns it on.
uc.reg_write(c.UC_ARM_REG_C1_C0_2, 0xF << 20)
uc.reg_write(c.UC_ARM_REG_FPEXC, 1 << 30)
regs = [getattr(c, f"UC_ARM_REG_R{n}") for n in range(15)] + [c.UC_ARM_REG_CPSR]


def need(stream, count):
    data = stream.read(count)
    if len(data) != count:
        raise SystemExit(0)
    return data


def main():
    global raised
    read, write = sys.stdin.buffer, sys.stdout.buffer
    while True:
        (length,) = struct.unpack("<I", need(read, 4))
        if length == 0:
            return
        code = need(read, length)
        state = struct.unpack("<17I", need(read, STATE))
        uc.mem_write(MEM, need(read, MEM_LEN))
        uc.mem_write(CODE, code)
        uc.ctl_remove_cache(CODE, CODE + 4096)
        uc.reg_write(c.UC_ARM_REG_CPSR, state[15])
        for reg, value in zip(regs, state):
            uc.reg_write(reg, value)
        if state[16]:
            *values, fpscr = struct.unpack("<32QI", need(read, 260))
            for reg, value in zip(doubles, values):
                uc.reg_write(reg, value)
            uc.reg_write(c.UC_ARM_REG_FPSCR, fpscr)
        raised = 0
        try:
            uc.emu_start(CODE | state[15] >> 5 & 1, CODE + length - 4, count=256)
        except unicorn.UcError as error:
            raised = raised or 1 + 1000 + error.errno
        values = [uc.reg_read(reg) for reg in regs]
        write.write(struct.pack("<18I", raised, *values, 0) + bytes(uc.mem_read(MEM, MEM_LEN)))
        if state[16]:
            values = [uc.reg_read(reg) for reg in doubles]
            write.write(struct.pack("<32QI", *values, uc.reg_read(c.UC_ARM_REG_FPSCR)))
        write.flush()


main()
