"""One untrusted program and its tests, run in this process, which gives up what it can do to the machine first.

Started by ``trials.py`` as ``python -I -S confined.py``, in an empty folder and a session of its own; imports nothing but the standard
library. Standard input holds a JSON object: ``program``, ``check``, ``token`` and ``limits``. Standard output gets a line that names what
could not be enforced here, and the token once program and tests have ended without an error.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import sys
from typing import Any

NOBODY = 65534
_NEWUSER, _NEWNET = 0x10000000, 0x40000000  # unshare(2)
_KEEP_CAPABILITIES, _NO_NEW_PRIVILEGES = 8, 38  # prctl(2)
_READ_ANY_FILE = 1 << 2  # CAP_DAC_READ_SEARCH
_CAPABILITIES_3 = 0x20080522  # capget(2)
_CREATE_RULES, _ADD_RULE, _RESTRICT = 444, 445, 446  # Landlock's system calls, of the same number on every architecture
_WRITES = 0b111_1111_1111_0010  # Landlock: writing, removing, making of every kind, moving and truncating, of ABI 3
_BELOW = 1  # LANDLOCK_RULE_PATH_BENEATH
_SCOPES = 6  # the version of Landlock that knows scopes


def main() -> None:
    """Confines itself, runs, and tells; whatever the program does, it cannot tell for itself, because it never learns the token."""
    job = json.loads(sys.stdin.buffer.read())
    told = os.dup(1)
    for stream in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), stream)
    missing = confine(job["limits"])
    os.write(told, f"{','.join(missing)}\n".encode())
    try:
        namespace: dict[str, Any] = {"__name__": "program"}
        exec(compile(job["program"], "program", "exec"), namespace)
        exec(compile(job["check"], "check", "exec"), namespace)
    except BaseException:  # SystemExit too: a program that ends before its tests has not passed them
        os._exit(1)
    os.write(told, job["token"].encode())
    os._exit(0)


def confine(limits: dict[str, int]) -> list[str]:
    """Gives up privileges, network, writing outside this folder, and all but ``limits``; returns what this platform does not enforce."""
    libc = ctypes.CDLL(None, use_errno=True)
    linux = sys.platform == "linux"
    root = os.getuid() == 0
    network = linux and libc.unshare(_NEWNET if root else _NEWUSER | _NEWNET) == 0
    if root:
        _become_nobody(libc, linux)
    landlock = _write_here_alone(libc) if linux and libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0 else 0
    wanted = {
        "CPU time": (resource.RLIMIT_CPU, limits["seconds"]),
        "memory": (resource.RLIMIT_AS, limits["memory"]),
        "file size": (resource.RLIMIT_FSIZE, limits["file"]),
        "processes": (resource.RLIMIT_NPROC, 0),
        "core dumps": (resource.RLIMIT_CORE, 0),
    }
    kept = {name: _limited(*limit) for name, limit in wanted.items()}
    kept |= {"network": network, "writing to other folders": landlock > 0, "signals to other processes": root or landlock >= _SCOPES}
    return [name for name, enforced in kept.items() if not enforced]


def _limited(kind: int, most: int) -> bool:
    try:
        resource.setrlimit(kind, (most, most))
    except (ValueError, OSError):  # macOS refuses some
        return False
    return True


def _become_nobody(libc: Any, linux: bool) -> None:
    """A user without rights; the system's limit of processes does not hold root. The right to read files stays, where there is one:
    the standard library may lie where only root reads."""
    os.chown(".", NOBODY, NOBODY)
    if linux:
        libc.prctl(_KEEP_CAPABILITIES, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    if linux:
        header, held = (ctypes.c_uint32 * 2)(_CAPABILITIES_3, 0), (ctypes.c_uint32 * 6)()
        libc.capget(header, held)
        kept = held[1] & _READ_ANY_FILE
        libc.capset(header, (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0))


def _write_here_alone(libc: Any) -> int:
    """Landlock: no file outside this folder can be made, changed or removed, and, from version 6 on, no other process be signalled. The
    version that is in force; 0 where there is none."""
    version = libc.syscall(_CREATE_RULES, None, 0, 1)
    if version < 1:
        return 0
    writes = _WRITES & ((1 << (13, 14, 15)[min(version, 3) - 1]) - 1)
    asked = (ctypes.c_uint64 * 3)(writes, 0, 0b11)  # files, network (cut off already), and scopes: sockets by name, signals
    rules = libc.syscall(_CREATE_RULES, asked, 24 if version >= _SCOPES else 8, 0)
    here = os.open(".", os.O_RDONLY)
    below = ctypes.create_string_buffer(writes.to_bytes(8, sys.byteorder) + here.to_bytes(4, sys.byteorder))
    done = rules >= 0 and libc.syscall(_ADD_RULE, rules, _BELOW, below, 0) == 0 and libc.syscall(_RESTRICT, rules, 0) == 0
    os.close(here)
    return version if done else 0


if __name__ == "__main__":
    main()
