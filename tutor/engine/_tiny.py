"""The smallest image that can run: one static program that prints a line. It needs no registry and no compiler."""

from __future__ import annotations

import io
import struct
import tarfile

GREETING = b"docker tutor\n"
COMMAND = "/greet"

_BASE = 0x400000
_HEADERS = 64 + 56
_X86_64, _AARCH64 = 62, 183

# What `uname`, Go and Docker call the two.
MACHINES = {"amd64": _X86_64, "x86_64": _X86_64, "arm64": _AARCH64, "aarch64": _AARCH64}


def root_file_system(arch: str) -> bytes | None:
    """A tar file for `docker import` that holds the program.

    Args:
        arch: The engine's architecture as it names it.

    Returns:
        The tar file; None for an architecture whose machine code is not known here.
    """
    machine = MACHINES.get(arch)
    if machine is None:
        return None
    program = _program(machine)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(COMMAND.lstrip("/"))
        entry.size, entry.mode = len(program), 0o755
        tar.addfile(entry, io.BytesIO(program))
    return buffer.getvalue()


def _program(machine: int) -> bytes:
    """An ELF file with one loaded segment: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html."""
    code = _x86_64(len(GREETING)) if machine == _X86_64 else _aarch64(len(GREETING))
    size = _HEADERS + len(code) + len(GREETING)
    # 64-bit, little-endian; an executable file whose code begins after the headers.
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return header + segment + code + GREETING


def _x86_64(length: int) -> bytes:
    """Machine code for: write(1, greeting, length); exit(0)."""
    code_size = 33
    return (
        b"\xb8\x01\x00\x00\x00"  # mov eax, 1 (write)
        b"\xbf\x01\x00\x00\x00"  # mov edi, 1
        + b"\xbe"  # mov esi, greeting
        + struct.pack("<I", _BASE + _HEADERS + code_size)
        + b"\xba"  # mov edx, length
        + struct.pack("<I", length)
        + b"\x0f\x05"  # syscall
        + b"\xb8\x3c\x00\x00\x00"  # mov eax, 60 (exit)
        + b"\x31\xff"  # xor edi, edi
        + b"\x0f\x05"  # syscall
        + b"\x90\x90"  # nop, nop
    )


def _aarch64(length: int) -> bytes:
    """Machine code for: write(1, greeting, length); exit(0)."""
    words = [
        0xD2800020,  # mov x0, 1
        0x100000E1,  # adr x1, greeting (28 bytes on)
        0xD2800002 | length << 5,  # mov x2, length
        0xD2800808,  # mov x8, 64 (write)
        0xD4000001,  # svc 0
        0xD2800000,  # mov x0, 0
        0xD2800BA8,  # mov x8, 93 (exit)
        0xD4000001,  # svc 0
    ]
    return struct.pack("<8I", *words)
