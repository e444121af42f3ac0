"""What the learner's commands asked of the engine, as the sandbox's trace has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tutor.course.expectations import AskedExpectation
from tutor.lab.findings import words
from tutor.lab.findings.found import Context, Found, Weight
from tutor.lab.findings.match import fits
from tutor.lab.findings.words import code
from tutor.lab.observations import ApiCall


def asked_findings(e: AskedExpectation, ctx: Context) -> tuple[Found, ...]:
    """Whether the call was made as often as expected."""
    number = sum(1 for call in ctx.observations.calls if matches(e, call))
    least = e.at_least if e.at_least is not None else (None if e.at_most is not None else 1)
    if (least is None or number >= least) and (e.at_most is None or number <= e.at_most):
        return ()
    what = f"{e.method or ''} {e.path}".strip()
    parts = []
    if least is not None and (least != 1 or e.at_most is not None):
        parts.append(f"at least {words.times(least)}")
    if e.at_most is not None:
        parts.append(f"at most {words.times(e.at_most)}")
    with_what = f" by {code(e.program)}" if e.program else ""
    close = _nearly(e, ctx) if number == 0 else None
    found = words.times(number)
    if close is not None:
        summary = f"The call {code(what)} was made, but in another way: {close[0]}."
        found = close[1]
    else:
        how_often = f"was made {words.times(number)}" if number else "was not made"
        summary = f"The call {code(what)} {how_often}{with_what} since the step began."
    return (
        Found(
            summary,
            f"{what} {' and '.join(parts)}".rstrip(),
            found,
            "",
            ("asked", what, str(e.query), str(e.body), str(e.status), str(e.program)),
            weight=Weight.ASKED,
        ),
    )


def matches(e: AskedExpectation, call: ApiCall) -> bool:
    """Whether a call is the one meant."""
    return _same_call(e, call) and _difference(e, call) is None


def _same_call(e: AskedExpectation, call: ApiCall) -> bool:
    return (e.method is None or e.method == call.method) and fits(e.path, call.path)


def _difference(e: AskedExpectation, call: ApiCall) -> tuple[str, str] | None:
    """What is other with a call to the right path: in words, and what was found."""
    if e.status is not None and call.status != e.status:
        return f"the answer was {call.status or 'not there yet'}", f"status {call.status or '—'}"
    for name, pattern in (e.query or {}).items():
        if not _any_fits(pattern, call.query.get(name)):
            return f"the parameter {code(name)} is another", f"{name}={_text(call.query.get(name))}"
    for name, pattern in (e.body or {}).items():
        value = field(call.body, name)
        if not _any_fits(pattern, value):
            return f"the field {code(name)} is another", f"{name}: {_text(value)}"
    program = program_of(call)
    if e.program is not None and not fits(e.program, program):
        return f"{code(program) if program else 'an unknown program'} made it", program or "unknown"
    return None


def _nearly(e: AskedExpectation, ctx: Context) -> tuple[str, str] | None:
    for call in reversed(ctx.observations.calls):
        if _same_call(e, call) and (difference := _difference(e, call)) is not None:
            return difference
    return None


def program_of(call: ApiCall) -> str:
    """The client's name: what the trace says, else the first word of the command."""
    program = getattr(call, "program", None)
    if isinstance(program, str) and program:
        return program
    command = getattr(call, "command", None)
    text = command if isinstance(command, str) else ""
    return text.split()[0].rpartition("/")[2] if text.split() else ""


def field(body: Any, dotted: str) -> Any:
    """A field of a JSON body by its dotted path; keys that hold dots themselves (labels) are found too."""
    if not dotted:
        return body
    if isinstance(body, Mapping):
        parts = dotted.split(".")
        for end in range(len(parts), 0, -1):
            name = ".".join(parts[:end])
            if name in body:
                return field(body[name], ".".join(parts[end:]))
    if isinstance(body, list):
        first, _, rest = dotted.partition(".")
        if first.isdigit() and int(first) < len(body):
            return field(body[int(first)], rest)
    return None


def _any_fits(pattern: str, value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_any_fits(pattern, entry) for entry in value) or fits(pattern, " ".join(map(_text, value)))
    return value is not None and fits(pattern, _text(value))


def _text(value: Any) -> str:
    if value is None:
        return "not given"
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, msgspec.MsgspecError, RecursionError):
        return str(value)
