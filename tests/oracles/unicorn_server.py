"""Runs A64 test cases on Unicorn: cases on standard input, results on standard output.

The state block is 36 64-bit words (X0-X30, SP, NZCV, FPCR, FPSR, unused) and V0-V31, little-endian.
A request is: u32 number of instruction words (at most 32), the words, the state block, and MEM_LEN bytes of memory
at MEM. The answer is: u32 0, or 1 + the exception number if one was raised, the state block, the memory.
Zero words asks for nothing and ends the server. The layout is that of tests/oracle/mod.rs in the engine.
"""
import ctypes
import struct
import sys

import unicorn
from unicorn import arm64_const as c

CODE, MEM, MEM_LEN = 0x100000, 0x200E00, 0x400
STATE = 36 * 8 + 32 * 16

uc = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
uc.ctl_set_cpu_model(c.UC_CPU_ARM64_MAX)
uc.mem_map(0, 0x400000)
raised = 0


def on_interrupt(_uc, number, _data):
    global raised
    raised = 1 + number
    uc.emu_stop()


uc.hook_add(unicorn.UC_HOOK_INTR, on_interrupt)

lib = unicorn.unicorn_py3.unicorn.uclib if hasattr(unicorn, "unicorn_py3") else unicorn.unicorn.uclib
handle = uc._uch
regs = [getattr(c, f"UC_ARM64_REG_X{n}") for n in range(31)]
regs += [c.UC_ARM64_REG_SP, c.UC_ARM64_REG_NZCV, c.UC_ARM64_REG_FPCR, c.UC_ARM64_REG_FPSR]
regs += [getattr(c, f"UC_ARM64_REG_Q{n}") for n in range(32)]
offsets = [n * 8 for n in range(35)] + [36 * 8 + n * 16 for n in range(32)]
sizes = [8] * 35 + [16] * 32
COUNT = len(regs)
buffer = ctypes.create_string_buffer(STATE)
base = ctypes.addressof(buffer)
c_regs = (ctypes.c_int * COUNT)(*regs)
c_vals = (ctypes.c_void_p * COUNT)(*[base + offset for offset in offsets])
c_sizes = (ctypes.c_size_t * COUNT)(*sizes)
for name in ("uc_reg_write_batch2", "uc_reg_read_batch2"):
    getattr(lib, name).argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]


def batch(name):
    status = getattr(lib, name)(handle, c_regs, c_vals, c_sizes, COUNT)
    if status != 0:
        raise SystemExit(f"{name}: unicorn error {status}")


def need(stream, count):
    data = stream.read(count)
    if len(data) != count:
        raise SystemExit(0)
    return data


def main():
    global raised
    read, write = sys.stdin.buffer, sys.stdout.buffer
    while True:
        (words,) = struct.unpack("<I", need(read, 4))
        if words == 0:
            return
        code = need(read, words * 4)
        ctypes.memmove(buffer, need(read, STATE), STATE)
        uc.mem_write(MEM, need(read, MEM_LEN))
        uc.mem_write(CODE, code)
        uc.ctl_remove_cache(CODE, CODE + 4096)
        batch("uc_reg_write_batch2")
        raised = 0
        try:
            uc.emu_start(CODE, CODE + words * 4, count=64)
        except unicorn.UcError as error:
            raised = raised or 1 + 1000 + error.errno
        ctypes.memset(buffer, 0, STATE)
        batch("uc_reg_read_batch2")
        write.write(struct.pack("<I", raised) + buffer.raw + bytes(uc.mem_read(MEM, MEM_LEN)))
        write.flush()


main()
