"""The rules: one function for each name in the endpoint table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tutor.sandbox.ask import Ask, Plan
from tutor.sandbox.rules import builds, containers, creation, execs, images, networks, swarm, system, tags, volumes

Rule = Callable[[Ask], Awaitable[Plan]]

RULES: dict[str, Rule] = {
    name: rule
    for module in (builds, containers, creation, execs, images, networks, swarm, system, tags, volumes)
    for name, rule in module.RULES.items()
}
"""Rule name → rule."""
