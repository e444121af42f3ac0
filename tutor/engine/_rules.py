"""Packet filter rules of engines that share a machine.

A daemon that starts empties the chains `DOCKER` and `DOCKER-ISOLATION-STAGE-*`, which it takes for its own (seen with
Engine 26.1: another daemon's published ports and network isolation are gone). So what others had there is put back.
A daemon that ends leaves its rules behind; those that name our interfaces are taken away.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable

from tutor.engine._process import system_environment

_TABLES = ("filter", "nat")

Rule = tuple[str, str]
"""Table, and the rule as `iptables -S` prints it."""


def snapshot() -> list[Rule]:
    """Every rule of the chains that daemons believe to be their own; empty where there is no iptables."""
    return [(table, rule) for table, rule in _all_rules() if re.match(r"-A DOCKER(?!-USER)", rule)]


def put_back(before: list[Rule]) -> int:
    """Put back what has vanished since, in its old order before what is there now.

    Returns:
        How many rules were put back.
    """
    now = set(_all_rules())
    lost = [rule for rule in before if rule not in now and _names_interface(rule[1])]
    return sum(_apply(table, rule, "-I") for table, rule in reversed(lost))


def forget(interfaces: Iterable[str]) -> int:
    """Take away every rule that names one of the interfaces.

    Returns:
        How many rules were taken away.
    """
    names = set(interfaces)
    if not names:
        return 0
    ours = [(table, rule) for table, rule in _all_rules() if names & set(rule.split())]
    return sum(_apply(table, rule, "-D") for table, rule in ours)


def _names_interface(rule: str) -> bool:
    return bool(re.search(r" -[io] ", rule))


def _all_rules() -> list[Rule]:
    found: list[Rule] = []
    for table in _TABLES:
        answer = _iptables("-t", table, "-S") or ""
        found += [(table, line) for line in answer.splitlines() if line.startswith("-A ")]
    return found


def _apply(table: str, rule: str, verb: str) -> bool:
    _, chain, *rest = shlex.split(rule)
    return _iptables("-t", table, verb, chain, *rest) is not None


def _iptables(*arguments: str) -> str | None:
    """What iptables says; None where it is missing or refuses."""
    environ = system_environment()
    program = shutil.which("iptables", path=environ["PATH"])
    if program is None:
        return None
    done = subprocess.run(
        [program, "--wait", "10", *arguments], capture_output=True, text=True, env=environ, check=False, timeout=30
    )
    return done.stdout if done.returncode == 0 else None
