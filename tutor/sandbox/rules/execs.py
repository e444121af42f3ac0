"""Commands inside running containers."""

from __future__ import annotations

from typing import Any

from tutor.sandbox import _redact, _strict
from tutor.sandbox.ask import Ask, Plan
from tutor.sandbox.policy import Refused
from tutor.sandbox.rules.containers import as_named

_CREATE = dict.fromkeys(
    ("User", "Privileged", "Tty", "Container", "ConsoleSize", "AttachStdin", "AttachStderr", "AttachStdout", "Detach",
     "DetachKeys", "Env", "WorkingDir", "Cmd")
)  # fmt: skip
_START = dict.fromkeys(("Detach", "Tty", "ConsoleSize"))


async def exec_create(ask: Ask) -> Plan:
    """Prepare a command in an own container."""
    container = await ask.objects.container(ask.ref)
    ask.touched.append(container)
    body = _strict.struct(await ask.json(), _CREATE, "the command")
    if body.get("Privileged") and "privileged" not in ask.scope.allow:
        raise Refused(
            "--privileged gives the command all rights over this machine, whatever its container may do. "
            "The lab does not allow it.",
            rule="privileged",
        )
    body.pop("Container", None)
    command = " ".join(_redact.words([str(word) for word in body.get("Cmd") or ()]))

    async def answer(value: Any) -> Any:
        ask.objects.own_exec(value["Id"], container, command)
        return value

    return Plan(path=ask.path(container), body=_strict.dumps(body), answer=answer, failed=as_named(ask.ref, container))


async def exec_start(ask: Ask) -> Plan:
    """Run it; the connection becomes its input and output."""
    container = await ask.objects.exec(ask.ref)
    ask.touched.append(container)
    command = ask.objects.commands.get(ask.ref)
    if command:
        ask.says = f"run `{command}` inside `{ask.objects.name(container)}`"
    return Plan(body=_strict.dumps(_strict.struct(await ask.json(), _START, "the start")), stream=True)


async def exec_use(ask: Ask) -> Plan:
    """Resize and inspect."""
    ask.touched.append(await ask.objects.exec(ask.ref))
    return Plan()


RULES = {"exec_create": exec_create, "exec_start": exec_start, "exec_use": exec_use}
