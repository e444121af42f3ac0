"""How fast the terminal's screen is.

    python tests/bench/terminal_throughput.py [--json]

Parsing is told in MB/s and as a ratio to the least any program could do with the same bytes, decoding
and splitting them, taken in the same run; both in processor time, so that other work on the machine
counts little. A frame is what one drawing takes: feed what came in a
thirtieth of a second, ask for the damage, take the runs of the rows in it.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time

from tutor.terminal.emulator import Damage, Screen

COLS, ROWS = 100, 40
PIECE = 64 * 1024
ROUNDS = 5
LOG_FLOOR = 6.0  # MB/s, the design's budget
_RECORDINGS = Path(__file__).parents[1] / "unit" / "terminal" / "recordings"


def log_lines() -> bytes:
    return b"".join(
        b"2024-05-01T12:00:%02d.%03dZ INFO [worker-%d] request handled path=/api/items/%d status=200 took=%dms\r\n"
        % (n % 60, n % 1000, n % 8, n, n % 97)
        for n in range(20_000)
    )


def coloured() -> bytes:
    return b"".join(
        b"\x1b[32m%05d\x1b[0m \x1b[1;34mname-%d\x1b[0m \x1b[38;5;%dmsome kind of text\x1b[0m and more\r\n"
        % (n, n, n % 256)
        for n in range(15_000)
    )


def regions() -> bytes:
    return b"\x1b[2;30r" + b"".join(b"\x1b[30;1H\nline %d of a scrolling region\x1b[K" % n for n in range(20_000))


def mixed_scripts() -> bytes:
    return "".join(f"│ {n:05d} ✔ größer… ⠋ 你好 👍🏽 │\r\n" for n in range(15_000)).encode()


def recorded(name: str) -> Callable[[], bytes]:
    def read() -> bytes:
        data = gzip.decompress(next(_RECORDINGS.glob(f"{name}.*.gz")).read_bytes())
        return data * (1_000_000 // len(data) + 1)

    return read


WORK: dict[str, Callable[[], bytes]] = {
    "log lines": log_lines,
    "coloured text": coloured,
    "scrolling region": regions,
    "mixed scripts": mixed_scripts,
    "vim, recorded": recorded("vim"),
    "docker build, recorded": recorded("docker-build"),
}


def seconds(work: Callable[[], object]) -> float:
    """The median of some rounds, so that one interruption does not count."""
    taken = []
    for _ in range(ROUNDS):
        start = process_time()
        work()
        taken.append(process_time() - start)
    return median(taken)


def parse(data: bytes) -> None:
    screen = Screen(COLS, ROWS)
    for start in range(0, len(data), PIECE):
        screen.feed(data[start : start + PIECE])


def least(data: bytes) -> None:
    for start in range(0, len(data), PIECE):
        data[start : start + PIECE].decode("utf-8", "replace").splitlines()


def frames(data: bytes, piece: int) -> tuple[float, float]:
    """Median and 99th percentile of a frame, in milliseconds."""
    screen, damage = Screen(COLS, ROWS), Damage()
    taken = []
    for start in range(0, len(data), piece):
        began = process_time()
        screen.feed(data[start : start + piece])
        for row in damage.update(screen, screen.first_on_screen, ROWS):
            screen.line_at(screen.first_on_screen + row).runs()
        taken.append(1000 * (process_time() - began))
    taken.sort()
    return median(taken), taken[int(len(taken) * 0.99)]


def main() -> int:
    results: dict[str, dict[str, float]] = {}
    for name, make in WORK.items():
        data = make()
        ours, floor = seconds(lambda data=data: parse(data)), seconds(lambda data=data: least(data))
        results[name] = {"MB/s": len(data) / ours / 1e6, "times the least": ours / floor}
    for name, make, piece in (
        ("frame: an echoed key", lambda: b"x\b \b" * 300, 4),
        ("frame: log flood", log_lines, PIECE),
        ("frame: vim, recorded", recorded("vim"), 2048),
    ):
        middle, worst = frames(make(), piece)
        results[name] = {"median ms": middle, "p99 ms": worst}
    if "--json" in sys.argv:
        print(json.dumps(results, indent=2))  # noqa: T201
    else:
        for name, values in results.items():
            print(f"{name:24}" + "".join(f"{value:10.2f} {unit}" for unit, value in values.items()))  # noqa: T201
    fast = results["log lines"]["MB/s"] >= LOG_FLOOR
    if not fast:
        print(f"log lines are parsed slower than {LOG_FLOOR} MB/s", file=sys.stderr)  # noqa: T201
    return 0 if fast else 1


if __name__ == "__main__":
    sys.exit(main())
