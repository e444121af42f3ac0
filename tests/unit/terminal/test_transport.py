from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tutor.terminal.keys import encode_paste
from tutor.terminal.transport import Shell, Transport

_ENV = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PS1": "> "}


class Log:
    """A receiver that keeps everything and lets a test wait for a condition."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.status: int | None = None
        self.over = False
        self.pieces: list[int] = []
        self._changed = asyncio.Event()

    def received(self, data: bytes) -> None:
        self.data += data
        self.pieces.append(len(data))
        self._changed.set()

    def ended(self, status: int | None) -> None:
        self.status, self.over = status, True
        self._changed.set()

    async def until(self, condition: Callable[[Log], object], seconds: float = 20) -> None:
        async with asyncio.timeout(seconds):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()


async def start(*argv: str, log: Log, **options: object) -> Shell:
    return await Shell.start(argv, log, env={**_ENV, **options.pop("env", {})}, **options)  # type: ignore[arg-type, dict-item]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def eventually(condition: Callable[[], object]) -> None:
    """Wait for something the kernel tells nobody about."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def children() -> set[str]:
    """Pids of our children, zombies too."""
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that ends meanwhile
            found.update((task / "children").read_text().split())
    return found


@pytest.fixture(autouse=True)
def no_leaks():
    files, processes = open_files(), children()
    yield
    assert open_files() <= files
    assert children() <= processes, "a child or a zombie is left"


async def test_output_and_status():
    log = Log()
    shell: Transport = await start("/bin/sh", "-c", "printf 'one two'; exit 7", log=log)
    await log.until(lambda it: it.over)
    assert bytes(log.data) == b"one two"
    assert log.status == 7
    await shell.close()
    await shell.close()


async def test_end_by_a_signal_is_told():
    log = Log()
    shell = await start("/bin/sh", "-c", "kill -TERM $$", log=log)
    await log.until(lambda it: it.over)
    assert log.status == -signal.SIGTERM
    await shell.close()


async def test_all_output_before_the_end_arrives():
    log = Log()
    shell = await start("/bin/sh", "-c", "yes 0123456789 | head -n 200000", log=log)
    await log.until(lambda it: it.over)
    assert len(log.data) == 200000 * 12
    assert max(log.pieces) <= 64 * 1024 + 4096
    await shell.close()


async def test_environment_folder_and_size_are_as_asked(tmp_path: Path):
    log = Log()
    script = "env; pwd; stty size; tty"
    shell = await Shell.start(
        ["/bin/sh", "-c", script], log, env={"PATH": _ENV["PATH"], "ONLY": "this"}, cwd=tmp_path, cols=91, rows=17
    )
    await log.until(lambda it: it.over)
    lines = bytes(log.data).decode().split("\r\n")
    names = {line.partition("=")[0] for line in lines if "=" in line}
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == {"PATH", "ONLY"}
    assert str(tmp_path) in lines
    assert "17 91" in lines
    await shell.close()


async def test_program_leads_a_session_with_a_controlling_terminal():
    log = Log()
    shell = await start("bash", "-c", "read -r _ < /dev/tty; cat /proc/$$/stat; sleep 60", log=log)
    shell.write(b"go\n")
    await log.until(lambda it: it.data.count(b"\n") >= 2)
    stat = bytes(log.data).split(b"\r\n")[1]
    group, session, tty = map(int, stat.rpartition(b")")[2].split()[2:5])
    assert group == session == shell.pid == int(stat.split()[0])
    assert tty != 0
    await shell.close()


async def test_job_control_works():
    log = Log()
    shell = await start("bash", "--norc", "--noprofile", "-i", log=log)
    await log.until(lambda it: b"> " in it.data)
    assert b"no job control" not in log.data
    shell.write(b"sleep 60\n")
    await eventually(lambda: shell.foreground() not in (shell.pid, None))
    shell.write(b"\x1a")
    await log.until(lambda it: b"Stopped" in it.data)
    await shell.close()


async def test_resize_is_told():
    log = Log()
    shell = await start(
        "/bin/sh", "-c", "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done", log=log
    )
    await log.until(lambda it: b"ready" in it.data)
    shell.resize(133, 44)
    await log.until(lambda it: it.over)
    assert b"44 133" in log.data
    await shell.close()


async def test_ctrl_c_in_a_flood():
    log = Log()
    shell = await start("bash", "--norc", "--noprofile", "-i", log=log)
    await log.until(lambda it: b"> " in it.data)
    shell.write(b"yes flood\n")
    await log.until(lambda it: len(it.data) > 1_000_000)
    before = len(log.data)
    shell.write(b"\x03")
    await log.until(lambda it: it.data.rstrip().endswith(b">"))
    assert len(log.data) - before < 2_000_000  # what was on the way, not what `yes` could still have said
    await shell.close()


@pytest.mark.parametrize("bracketed", [True, False])
async def test_a_paste_of_100_kb_arrives_whole(tmp_path: Path, bracketed: bool):
    text = "".join(f"line {number:05d} with ünïcode …\n" for number in range(3600))
    assert len(text.encode()) > 100_000
    target = tmp_path / "pasted"
    log = Log()
    reader = (
        "import os, sys, tty\n"
        "tty.setraw(0)\n"
        "sys.stdout.write('ready'); sys.stdout.flush()\n"
        "data = b''\n"
        "while not data.endswith(b'\\x04'):\n"
        "    data += os.read(0, 65536)\n"
        f"open({str(target)!r}, 'wb').write(data[:-1])\n"
    )
    shell = await start("python3", "-c", reader, log=log)
    await log.until(lambda it: b"ready" in it.data)
    sent = encode_paste(text, bracketed=bracketed)
    shell.write(sent)
    shell.write(b"\x04")
    await log.until(lambda it: it.over)
    assert target.read_bytes() == sent
    await shell.close()


async def test_a_paste_into_readline_arrives_whole(tmp_path: Path):
    text = "".join(f"{number:05d} abcdefghijklmnop" for number in range(4600))
    log = Log()
    shell = await start("bash", "--norc", "--noprofile", "-i", log=log, cwd=tmp_path)
    await log.until(lambda it: b"\x1b[?2004h" in it.data)
    shell.write(b"cat > pasted <<'END'\r")
    await log.until(lambda it: it.data.count(b"> ") >= 2)
    shell.write(encode_paste(text[:100_000], bracketed=True) + b"\rEND\rexit\r")
    await log.until(lambda it: it.over, seconds=60)
    assert (tmp_path / "pasted").read_text() == text[:100_000] + "\n"
    await shell.close()


async def test_held_output_waits_and_then_comes(tmp_path: Path):
    log = Log()
    done = tmp_path / "done"
    shell = await start("/bin/sh", "-c", f"read x; yes 0123456789 | head -n 100000; touch {done}", log=log)
    shell.hold(True)
    shell.write(b"\n")
    with pytest.raises(TimeoutError):
        await log.until(lambda it: it.data, seconds=0.3)
    assert not done.exists()  # the program waits, the output is not piled up anywhere
    shell.hold(False)
    await log.until(lambda it: it.over)
    assert log.data.count(b"0123456789\r\n") == 100000
    await shell.close()


async def test_close_ends_what_ignores_a_hang_up(tmp_path: Path):
    pids = tmp_path / "pids"
    script = (
        f"trap '' HUP TERM; echo $$ >> {pids};"
        f"(trap '' HUP; echo $BASHPID >> {pids}; while :; do sleep 1; done) &"
        f"set -m; (trap '' HUP; echo $BASHPID >> {pids}; while :; do sleep 1; done) &"
        "echo up; while :; do sleep 1; done"
    )
    log = Log()
    shell = await start("bash", "-c", script, log=log)
    await log.until(lambda it: b"up" in it.data)
    await eventually(lambda: len(pids.read_text().split()) == 3)
    await shell.close()
    for pid in map(int, pids.read_text().split()):
        await eventually(lambda pid=pid: not alive(pid))
    assert log.over and log.status == -signal.SIGKILL


async def test_what_the_shell_leaves_behind_ends_with_it():
    log = Log()
    shell = await start("bash", "-c", 'set -m; nohup sleep 300 & echo "pid $!"; exit 3', log=log)
    await log.until(lambda it: it.over)
    assert log.status == 3
    left = int(bytes(log.data).partition(b"pid ")[2].split()[0])
    await eventually(lambda: not alive(left))
    await shell.close()


@pytest.mark.parametrize("left", ["sleep 300 &", "setsid sleep 0.5 &", ""])
async def test_last_words_arrive(left: str):
    for _ in range(10):
        log = Log()
        shell = await start("bash", "-c", f"{left} echo last words; exit 3", log=log)
        await log.until(lambda it: it.over)
        assert bytes(log.data) == b"last words\r\n"
        await shell.close()


async def test_a_flood_that_is_left_behind_does_not_keep_the_shell():
    log = Log()
    shell = await start("bash", "-c", "trap '' HUP; yes & sleep 0.1; exit 4", log=log)
    await log.until(lambda it: it.over, seconds=10)
    assert log.status == 4
    await shell.close()


async def test_writing_after_the_end_is_harmless():
    log = Log()
    shell = await start("/bin/sh", "-c", "exit 0", log=log)
    await log.until(lambda it: it.over)
    shell.write(b"x" * 10000)
    shell.resize(10, 10)
    shell.hold(True)
    assert shell.unsent == 0 and not shell.running and shell.foreground() is None
    await shell.close()


@pytest.mark.parametrize("argv", [["/no/such/program"], ["no-such-program-anywhere"]])
async def test_missing_program_is_said_before_anything_starts(argv: list[str]):
    with pytest.raises(FileNotFoundError, match="no program"):
        await Shell.start(argv, Log(), env=_ENV)


async def test_missing_folder_is_said():
    with pytest.raises(FileNotFoundError, match="no folder"):
        await Shell.start(["/bin/sh"], Log(), env=_ENV, cwd="/no/such/folder")
