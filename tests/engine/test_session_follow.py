"""Following a lab: the verdict comes by itself, in time, and not on the states in between; engines come and go."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tutor.course.loader import load_course
from tutor.course.models import Course, Lab
from tutor.engine.address import EngineAddress
from tutor.engine.connect import Engine, connect
from tutor.engine.images import resolve
from tutor.lab import open_labs
from tutor.lab.session import close as session_close
from tutor.lab.session.follow import Update
from tutor.lab.session.session import Session
from tutor.lab.verdict import NotYet, Passed, Unattempted, Unavailable

pytestmark = pytest.mark.engine

SAMPLE = Path(__file__).parent.parent / "course" / "sample"


class Screen:
    """Keeps the updates, and waits for one."""

    def __init__(self) -> None:
        self.updates: list[tuple[float, Update]] = []
        self._condition = threading.Condition()

    def __call__(self, update: Update) -> None:
        with self._condition:
            self.updates.append((time.monotonic(), update))
            self._condition.notify_all()

    def wait(self, fits: Callable[[Update], bool], limit: float = 15.0, since: float = 0.0) -> tuple[float, Update]:
        """The first update that fits, and when it came."""

        def found() -> tuple[float, Update] | None:
            return next(((at, u) for at, u in self.updates if at >= since and fits(u)), None)

        with self._condition:
            self._condition.wait_for(lambda: found() is not None, limit)
        result = found()
        assert result is not None, [u for _, u in self.updates]
        return result

    def verdicts(self) -> list[object]:
        """The verdicts so far."""
        return [update.verdict for _, update in self.updates if update.verdict is not None]


def _open(course: Course, engine: Engine) -> Session:
    lab = next(part for part in course.chapters[0].sections if isinstance(part, Lab))
    return Session.open(course, course.chapters[0], engine=engine, lab=lab, labs=SAMPLE / "labs")


@pytest.fixture
def course() -> Course:
    return load_course(SAMPLE)


@pytest.fixture
def session(home: Path, engine: Engine, course: Course) -> Iterator[Session]:
    opened = _open(course, engine)
    yield opened
    opened.close()


def test_a_step_is_judged_by_itself(session: Session) -> None:
    box = session.bindings.names["box"]
    step = session.begin("start")
    screen = Screen()
    session.follow(screen)
    screen.wait(lambda u: u.verdict == Unattempted())
    session.run(step.mistakes[1].made_by)
    _, update = screen.wait(lambda u: isinstance(u.verdict, NotYet))
    assert isinstance(update.verdict, NotYet) and update.verdict.mistake and update.verdict.settled
    assert (update.verdict.mistake.id, update.step) == ("only-created", "start")
    begun = time.monotonic()
    session.run(f"docker start {box}")
    running, _ = screen.wait(lambda u: any(c.state == "running" for c in u.world.containers.values()), since=begun)
    passed, _ = screen.wait(lambda u: u.verdict == Passed(), since=begun)
    assert passed - running < 5.0
    session.begin("write")
    screen.wait(lambda u: u.step == "write" and u.verdict == Unattempted())
    session.run(session.step.solutions[0] if session.step else "")
    screen.wait(lambda u: u.step == "write" and u.verdict == Passed())


def test_a_container_that_ends_at_once_never_passes(session: Session) -> None:
    session.begin("start")
    screen = Screen()
    session.follow(screen)
    for number in range(3):
        begun = time.monotonic()
        session.run(f"docker run -d --name {session.bindings.names['box']} {resolve('shell')} sleep 0.0{number}")
        _, update = screen.wait(lambda u: isinstance(u.verdict, NotYet) and bool(u.verdict.mistake), since=begun)
        assert isinstance(update.verdict, NotYet) and update.verdict.mistake
        assert update.verdict.mistake.id == "ended"
        session.run(f"docker rm {session.bindings.names['box']}")
        gone = time.monotonic()
        screen.wait(lambda u: isinstance(u.verdict, NotYet) and not u.verdict.mistake, since=gone)
    assert Passed() not in screen.verdicts()


def test_a_command_that_still_works_is_not_judged(session: Session) -> None:
    """Between create and start of one `docker run` lies the state that is the mistake `only-created`."""
    session.begin("start")
    screen = Screen()
    session.follow(screen)
    screen.wait(lambda u: u.verdict == Unattempted())
    for _ in range(3):
        begun = time.monotonic()
        session.run(f"docker run -d --name {session.bindings.names['box']} {resolve('shell')} sleep 1000")
        screen.wait(lambda u: u.verdict == Passed(), since=begun)
        begun = time.monotonic()
        session.run(f"docker rm -f {session.bindings.names['box']}")
        screen.wait(lambda u: isinstance(u.verdict, NotYet), since=begun)
    mistakes = [v.mistake.id for v in screen.verdicts() if isinstance(v, NotYet) and v.mistake]
    assert mistakes == []


def test_a_file_in_the_workspace_is_seen(session: Session) -> None:
    step = session.begin("start")
    session.run("rm prepared.txt")
    session.run(step.solutions[0])
    screen = Screen()
    session.follow(screen)
    screen.wait(lambda u: isinstance(u.verdict, NotYet))
    (session.workspace / "prepared.txt").write_text("prepared")
    screen.wait(lambda u: u.verdict == Passed(), limit=5)


def test_following_goes_on_over_a_reset_and_ends_with_the_lab(home: Path, engine: Engine, course: Course) -> None:
    session = _open(course, engine)
    screen = Screen()
    try:
        step = session.begin("start")
        session.follow(screen)
        session.run(step.solutions[0])
        screen.wait(lambda u: u.verdict == Passed())
        begun = time.monotonic()
        session.reset()
        screen.wait(lambda u: u.verdict == Unattempted() and not u.world.containers, since=begun)
        begun = time.monotonic()
        session.run(step.solutions[0])
        screen.wait(lambda u: u.verdict == Passed(), since=begun)
    finally:
        session.close()
    count = len(screen.updates)
    assert not [t for t in threading.enumerate() if session.lab_id in t.name]
    assert len(screen.updates) == count


class Daemon:
    """A daemon of the test's own, to be killed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.host = f"unix://{root}/d.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                "dockerd",
                *("--host", self.host, "--data-root", str(self.root / "data"), "--exec-root", str(self.root / "exec")),
                *("--pidfile", str(self.root / "pid"), "--bridge", "none", "--iptables=false"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=(self.root / "log").open("ab"),
        )
        deadline = time.monotonic() + 60
        while subprocess.run(["docker", "-H", self.host, "version"], capture_output=True).returncode:
            assert time.monotonic() < deadline, (self.root / "log").read_text()[-2000:]
            time.sleep(0.1)

    def end(self, number: int = signal.SIGKILL) -> None:
        if self.process:
            self.process.send_signal(number)
            self.process.wait(60)
            self.process = None


@pytest.fixture
def daemon(engine_host: str) -> Iterator[Daemon]:
    root = Path(tempfile.mkdtemp(prefix="dtd-", dir="/tmp"))
    own = Daemon(root)
    try:
        own.start()
        save = subprocess.Popen(["docker", "-H", engine_host, "save", resolve("shell")], stdout=subprocess.PIPE)
        subprocess.run(["docker", "-H", own.host, "load"], stdin=save.stdout, check=True, capture_output=True)
        assert save.wait() == 0
        yield own
    finally:
        if own.process is None:
            own.start()
        ids = subprocess.run(["docker", "-H", own.host, "ps", "-aq"], capture_output=True, text=True).stdout.split()
        if ids:
            subprocess.run(["docker", "-H", own.host, "rm", "-f", *ids], capture_output=True)
        own.end(signal.SIGTERM)
        _until_ended(root)
        shutil.rmtree(root, ignore_errors=True)


def _until_ended(root: Path) -> None:
    """containerd of a killed daemon is its own process: end it by its own pid file."""
    for path in root.rglob("*containerd*.pid"):
        try:
            os.kill(int(path.read_text()), signal.SIGTERM)
        except (ValueError, ProcessLookupError):
            continue
    # A killed daemon leaves its data folder mounted on itself.
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        if line.split()[1].startswith(f"{root}/"):
            subprocess.run(["umount", line.split()[1]], check=True)


def test_an_engine_that_dies_in_the_middle_of_a_lab_and_comes_back(home: Path, daemon: Daemon, course: Course) -> None:
    engine = connect(EngineAddress.parse(daemon.host))
    session = _open(course, engine)
    box = session.bindings.names["box"]
    session.begin("start")
    screen = Screen()
    session.follow(screen)
    screen.wait(lambda u: u.verdict == Unattempted())

    daemon.end()
    _, update = screen.wait(lambda u: isinstance(u.verdict, Unavailable))
    assert update.state.kind == "gone" and "does not answer" in update.state.reason
    assert isinstance(session.judge(), Unavailable)
    assert session.run(f"docker create --name {box} --network none {resolve('shell')} sleep 1000").exit_code != 0
    with pytest.raises(Exception, match="does not answer"):
        session.reset()

    back = time.monotonic()
    daemon.start()
    screen.wait(lambda u: u.state.kind == "back", since=back, limit=30)
    session.begin("start")
    begun = time.monotonic()
    # This daemon has no bridge network.
    done = session.run(f"docker run -d --name {box} --network none {resolve('shell')} sleep 1000")
    assert done.exit_code == 0, done.output
    screen.wait(lambda u: u.verdict == Passed(), since=begun)

    daemon.end()
    with pytest.raises(Exception, match="does not answer"):
        session.close()
    assert [record.state for record in open_labs.every()] == ["closing"], "it stays, to be closed later"
    daemon.start()
    (receipt,) = session_close.recover(engine).closed
    assert receipt.removed["containers"] == (box,)
    assert open_labs.every() == ()
