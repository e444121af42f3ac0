"""What the learner's commands have asked of the engine, read from the sandbox's trace. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tutor.sandbox.trace import Call

# Calls that only wait or show, whatever their method: a foreground `docker run` attaches and waits until it ends.
_LASTING = ("/attach", "/attach/ws", "/wait", "/resize")
_LASTING_TEMPLATES = frozenset(
    {
        "POST /exec/{id}/start",
        "POST /exec/{id}/resize",
        "POST /session",
        "POST /grpc",
        "POST /auth",
    }
)


def changing(call: Call) -> bool:
    """Whether a call may change something on the engine, or was meant to and was refused."""
    if call.method in {"GET", "HEAD"}:
        return False
    if not call.template:
        return call.refusal is not None  # no endpoint that the sandbox knows, or nothing that it can read
    return call.template not in _LASTING_TEMPLATES and not call.template.endswith(_LASTING)


def touched_nothing(calls: Iterable[Call]) -> bool:
    """Whether these calls have certainly left everything as it was: they only read, or the engine refused them.

    What runs inside a container or a builder is not in the trace; an exec or a builder's stream counts as a change.
    """
    for call in calls:
        if call.method in {"GET", "HEAD"}:
            if call.template.endswith("/attach/ws"):
                return False
        elif call.status is None or call.status < 400:
            return False
    return True


def in_flight(calls: Iterable[Call], since: float) -> tuple[str, ...]:
    """The changing calls under way, in words.

    Args:
        calls: Of the lab's trace.
        since: When the sandbox began to serve, in seconds since the epoch: what was under way before broke off.
    """
    return tuple(call.words for call in calls if call.status is None and call.at >= since and changing(call))


def count(calls: Iterable[Call]) -> int:
    """How many of these calls were meant to change something."""
    return sum(map(changing, calls))
