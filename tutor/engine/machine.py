"""What an engine says of the machine that it runs on, and of the programs that it is made of."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tutor.engine.connect import Engine


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """The machine below the containers; texts are empty, and numbers 0, where the engine does not tell.

    Attributes:
        system: The host's operating system, as it calls itself.
        kernel: The version of the one kernel.
        cpus: How many processors the engine may use.
        memory: Bytes of memory that it may use.
        engine: The engine's version; `containerd` and `runc`: those of the programs that it works with.
        virtual: The engine's host is a virtual machine itself, as Docker sets one up where there is no Linux.
    """

    system: str = ""
    kernel: str = ""
    cpus: int = 0
    memory: int = 0
    engine: str = ""
    containerd: str = ""
    runc: str = ""
    virtual: bool = False


def machine(engine: Engine) -> Machine:
    """Ask an engine, by two calls.

    Raises:
        Problem: `engine-gone`.
    """
    with engine.guard():
        info, version = engine.api.info(), engine.api.version()
    return told(info, version, here=sys.platform)


def told(info: Mapping[str, Any], version: Mapping[str, Any], *, here: str) -> Machine:
    """Read the engine's two answers, `GET /info` and `GET /version`.

    Args:
        info: The first.
        version: The second.
        here: Python's name of the system that the tutor runs on: where it is no Linux, the engine's is a machine in it.
    """
    parts = {
        str(part.get("Name", "")).lower(): str(part.get("Version", "")) for part in version.get("Components") or ()
    }
    system = str(info.get("OperatingSystem") or "")
    return Machine(
        system=system,
        kernel=_short(str(info.get("KernelVersion") or ""), "-"),
        cpus=int(info.get("NCPU") or 0),
        memory=int(info.get("MemTotal") or 0),
        engine=_short(str(version.get("Version") or "")),
        containerd=_short(parts.get("containerd", "")),
        runc=_short(parts.get("runc", "")),
        virtual=here != "linux" or "docker desktop" in system.lower(),
    )


def _short(version: str, more_ends: str = "") -> str:
    """`1.7.24` of `v1.7.24~ds1`: without what a distribution adds."""
    for end in "+~" + more_ends:
        version = version.partition(end)[0]
    return version.removeprefix("v")
