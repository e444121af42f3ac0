"""An instructor's connection to the hub: the board as it is, and instructions."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tutor.problems import Problem
from tutor.workshop import names, protocol, trust
from tutor.workshop.events import Instruction
from tutor.workshop.rooms import Keys
from tutor.workshop.seen import Board, SeatRow
from tutor.workshop.shoulder import Copy, cleaned

_TIMEOUT = 10.0  # seconds


@dataclass(frozen=True)
class LookView:
    """What became of the wish to look at a seat's shell; `copy`: what is seen while `state` is `on`."""

    seat: str
    state: str
    why: str = ""
    copy: Copy | None = None


@dataclass(frozen=True)
class BoardStatus:
    """How things stand; `board` is None until the hub has told it."""

    connected: bool = False
    code: str = ""
    board: Board | None = None
    trouble: str = "Connecting …"
    ended: str = ""
    look: LookView | None = None


class BoardLink:
    """Keeps an instructor connected.

    Args:
        keys: The room's keys; `link` is where the hub is.
        name: Who instructs, as learners see it.
        told: Called, on the event loop, whenever something has changed.
    """

    def __init__(self, keys: Keys, name: str, told: Callable[[BoardStatus], None] = lambda _: None) -> None:
        self.keys, self.name = keys, name
        self.status = BoardStatus()
        self.refused: Problem | None = None
        """What is wrong with the hub's certificate, where the latest try failed for that."""
        self._told = told
        self._socket: ClientConnection | None = None
        self._waiting: dict[str, asyncio.Future[str]] = {}

    async def run(self) -> None:
        """Stay connected until the hub does not want us any more."""
        while not self.status.ended:
            try:
                await self._once()
            except (OSError, TimeoutError, WebSocketException) as error:
                self.refused = trust.refusal(self.keys.link, error)
                words = str(self.refused or "The hub cannot be reached. Trying again …")
                self._set(replace(self.status, connected=False, trouble=words))
            except msgspec.DecodeError:
                self._set(replace(self.status, ended="Hub and tutor are of different versions: upgrade the older one."))
            if not self.status.ended:
                await asyncio.sleep(random.uniform(0.5, 1.5))

    async def do(self, what: Instruction) -> str:
        """Give an instruction; why it was refused, or nothing. One that was not acknowledged is not given again."""
        if self._socket is None:
            return "The hub is not connected now. Try again."
        identity = secrets.token_hex(8)
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[identity] = done
        try:
            await self._socket.send(protocol.encode(protocol.Do(id=identity, what=what)).decode())
            async with asyncio.timeout(_TIMEOUT):
                return await done
        except (WebSocketException, TimeoutError, OSError):
            return "The connection broke off: look whether it was done."
        finally:
            self._waiting.pop(identity, None)

    async def look(self, seat: str, on: bool) -> None:
        """Ask to look at a seat's shell, or end it; `status.look` tells what became of it."""
        self._set(replace(self.status, look=LookView(seat, "asked") if on else None))
        try:
            if self._socket is None:
                raise OSError
            await self._socket.send(protocol.encode(protocol.LookAt(seat=seat, on=on)).decode())
        except (WebSocketException, OSError):
            if on:
                self._set(replace(self.status, look=LookView(seat, "over", "The hub is not connected now.")))

    async def _once(self) -> None:
        url = f"ws{self.keys.link.removeprefix('http')}/ws"
        async with connect(
            url, ssl=trust.context(url), compression=None, proxy=None, open_timeout=_TIMEOUT, max_size=2**24
        ) as socket:
            async with asyncio.timeout(_TIMEOUT):
                challenge = protocol.to_instructor(await socket.recv())
                if not isinstance(challenge, protocol.Challenge):
                    raise msgspec.DecodeError
                proof = names.proof(self.keys.secret, challenge.nonce, "instructor", self.name)
                await socket.send(
                    protocol.encode(protocol.Hello(role="instructor", id=self.name, proof=proof)).decode()
                )
            self._socket = socket
            try:
                async for text in socket:
                    self._hear(protocol.to_instructor(text))
            finally:
                self._socket = None
                for done in self._waiting.values():
                    if not done.done():
                        done.set_result("The connection broke off: look whether it was done.")
                if not self.status.ended and self.status.connected:
                    gone = "The connection to the hub is gone; trying again …"
                    self._set(replace(self.status, connected=False, trouble=gone))
                if self.status.look is not None:
                    seat = self.status.look.seat
                    self._set(replace(self.status, look=LookView(seat, "over", "The connection is gone.")))

    def _hear(self, message: protocol.ToInstructor) -> None:
        board = self.status.board
        match message:
            case protocol.Full():
                self._set(BoardStatus(True, message.code, message.board, trouble="", look=self.status.look))
            case protocol.Rows() if board is not None:
                self._set(replace(self.status, board=msgspec.structs.replace(board, seats=merged(board, message.rows))))
            case protocol.Changed() if board is not None:
                self._set(replace(self.status, board=board.with_summary(message.summary)))
            case protocol.Done():
                done = self._waiting.get(message.id)
                if done is not None and not done.done():
                    done.set_result(message.refused)
            case protocol.LookState() if self._looks_at(message.seat):
                self._set(
                    replace(self.status, look=LookView(message.seat, message.state, names.clean(message.why, 200)))
                )
            case protocol.LookSeen() if self._looks_at(message.seat):
                self._set(replace(self.status, look=LookView(message.seat, "on", copy=cleaned(message.copy))))
            case protocol.Bye():
                why = names.clean(message.why, 200)
                final = why if message.code in ("not-you", "version", "too-many-tries") else ""
                self._set(replace(self.status, connected=False, trouble=why, ended=final))
            case _:
                pass

    def _looks_at(self, seat: str) -> bool:
        return self.status.look is not None and self.status.look.seat == seat and self.status.look.state != "over"

    def _set(self, status: BoardStatus) -> None:
        self.status = status
        self._told(status)


def merged(board: Board, rows: tuple[SeatRow, ...]) -> tuple[SeatRow, ...]:
    """The rows of a board with those that have changed; new seats come last."""
    changed = {row.seat: row for row in rows}
    kept = [changed.pop(row.seat, row) for row in board.seats]
    return (*kept, *changed.values())


async def once(keys: Keys, name: str = "Instructor") -> BoardStatus:
    """The board as it is now.

    Raises:
        Problem: `no-hub`, `not-you`, `not-trusted`.
    """
    there = asyncio.Event()

    def told(status: BoardStatus) -> None:
        if status.board is not None or status.trouble:
            there.set()

    link = BoardLink(keys, name, told)
    task = asyncio.create_task(link.run())
    try:
        async with asyncio.timeout(_TIMEOUT):
            await there.wait()
    except TimeoutError:
        pass
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    if link.status.board is None and link.refused is not None:
        raise link.refused
    if link.status.board is None:
        code = "not-you" if link.status.ended else "no-hub"
        raise Problem(link.status.trouble, "Host it again: docker tutor workshop host", code=code)
    return link.status
