"""The classic builder's context, and the images that its Dockerfile may read."""

from __future__ import annotations

import asyncio
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from tutor.sandbox import _context, _dockerfile, _ownaddress, _strict
from tutor.sandbox.ask import Ask, quoted
from tutor.sandbox.policy import Refused
from tutor.sandbox.references import familiar, is_reference, normal
from tutor.sandbox.upstream import EngineError

_MAX_SENT = _context.MAX_CONTEXT


@dataclass(slots=True)
class Context:
    """What a classic build is made from.

    Attributes:
        spool: The archive for the engine.
        text: The Dockerfile.
        arguments: Build arguments that the client gives.
        unread: Images it may name that are not on the engine yet.
    """

    spool: BinaryIO
    text: str
    arguments: dict[str, str]
    unread: list[str]


async def take_context(ask: Ask) -> Context:
    """Read the request's body and judge its Dockerfile; the request goes on with what was judged.

    Raises:
        Refused: It would read an image of somebody else, or cannot be read.
    """
    sent, room, judged = _temporary(ask), _temporary(ask), _temporary(ask)
    try:
        size = 0
        while (part := await ask.chunk()) is not None:
            size += len(part)
            if size > _MAX_SENT:
                raise Refused("The build's context is too large for a lab.", 413)
            sent.write(part)
        text = await asyncio.to_thread(_context.rewrite, sent, room, judged, ask.head.first("dockerfile"))
        arguments = _arguments(ask)
        unread = await _judge(ask, text, arguments)
        ask.head.length = judged.tell()
        judged.seek(0)
    except BaseException:
        judged.close()
        raise
    finally:
        sent.close()
        room.close()
    ask.head.headers = [item for item in ask.head.headers if item[0] not in {b"content-encoding", b"content-type"}]
    ask.head.headers.append((b"content-type", b"application/x-tar"))
    return Context(judged, text, arguments, unread)


def _temporary(ask: Ask) -> BinaryIO:
    # Beside the workspace, which is on a disk; the folder for temporary files may be memory. It has no name.
    return cast(BinaryIO, tempfile.TemporaryFile(dir=Path(ask.scope.folder).parent))


def _arguments(ask: Ask) -> dict[str, str]:
    raw: Any = _strict.loads((ask.head.first("buildargs") or "{}").encode()) or {}
    if not isinstance(raw, dict):
        raise Refused("buildargs must be a JSON object.", 400, "malformed")
    return {str(name): str(value) for name, value in raw.items() if value is not None}


async def _judge(ask: Ask, text: str, arguments: dict[str, str]) -> list[str]:
    unread: list[str] = []
    texts = [text]
    done: set[_dockerfile.Named] = set()
    here = re.compile(_ownaddress.pattern(_ownaddress.names()))
    while texts:
        text = texts.pop()
        for address in _dockerfile.addresses(text, arguments):
            if here.match(address):
                raise Refused(
                    f"{address} is on this machine itself, where the engine would fetch it for the build. "
                    "Download it, and add the file.",
                    rule="remote",
                )
        for named in _dockerfile.images(text, arguments):
            if named in done:
                continue
            done.add(named)
            try:
                info = await ask.api.get(quoted("images", named.name, "json"))
            except EngineError as error:
                if error.status == 502:
                    raise Refused(error.message, 502, "engine") from None
                if is_reference(named.name):
                    unread.append(named.name)
                continue
            try:
                image = await ask.objects.image(named.name)
            except Refused:
                raise _outside(named.name, info) from None
            if named.base:
                # Steps that the image brings along run as if they stood in this Dockerfile.
                triggers = (image.info.get("Config") or {}).get("OnBuild") or ()
                texts.append("\n".join(str(line) for line in triggers))
    return unread


def _outside(name: str, info: dict[str, Any]) -> Refused:
    shown = familiar(normal(name)) if name not in str(info.get("Id")) else name
    return Refused(
        f"{shown} is an image outside of this lab, so the lab does not build from it. Name one of the course's images "
        "or of the lab's own.",
        rule="foreign-image",
    )
