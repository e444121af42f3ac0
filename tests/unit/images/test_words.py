"""What people read: failed pulls, progress without a terminal, the budget of a class."""

from __future__ import annotations

import io
import json

import pytest

from tutor.engine.images import commands as image_commands
from tutor.engine.images.budget import Budget
from tutor.engine.images.progress import Step, counted, shown_on, size
from tutor.engine.images.pull import failure
from tutor.engine.images.registry_api import Registry
from tutor.problems import Problem


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ('Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host', "no-registry"),
        ("net/http: request canceled (Client.Timeout exceeded while awaiting headers)", "no-registry"),
        ("tls: failed to verify certificate: x509: certificate signed by unknown authority", "no-registry"),
        ("toomanyrequests: You have reached your pull rate limit.", "rate-limited"),
        ("manifest for x/y:1 not found: manifest unknown: manifest unknown", "not-in-registry"),
        ("pull access denied for x, repository does not exist or may require 'docker login'", "not-in-registry"),
        ("write /var/lib/docker/tmp/x: no space left on device", "disk-full"),
        ("something else", "pull-failed"),
    ],
)
def test_a_failed_pull_says_what_to_do(said: str, code: str) -> None:
    problem = failure("nginx:1.26", said)
    assert problem.code == code
    assert "nginx:1.26" in problem.sentence
    assert problem.next_step
    if code == "no-registry":
        assert "images build" in problem.next_step
        assert "images load FILE" in problem.next_step


def test_without_a_terminal_progress_is_a_line_at_each_end_and_each_quarter() -> None:
    out = io.StringIO()
    with shown_on(out) as report:
        report(Step("nginx:1.26", "pulling"))
        for done in range(0, 73, 3):
            report(Step("nginx:1.26", "pulling", done * 1_000_000, 72_000_000))
        report(Step("nginx:1.26", "pulling", finished="pulled, 72 MB"))
    assert out.getvalue().splitlines() == [
        "Pulling nginx:1.26 …",
        "Pulling nginx:1.26 … 25 % of 72 MB",
        "Pulling nginx:1.26 … 50 % of 72 MB",
        "Pulling nginx:1.26 … 75 % of 72 MB",
        "nginx:1.26: pulled, 72 MB",
    ]


def test_several_are_counted_as_they_begin() -> None:
    out = io.StringIO()
    with shown_on(out) as report:
        numbered = counted(report, 2)
        for name in ("a", "b"):
            numbered(Step(name, "building"))
        for name in ("b", "a"):
            numbered(Step(name, "building", finished="built"))
    assert out.getvalue().splitlines() == ["Building a (1 of 2) …", "Building b (2 of 2) …", "b: built", "a: built"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_progress_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    out = Terminal()
    with shown_on(out) as report:
        report(Step("nginx:1.26", "pulling", 30_000_000, 72_000_000))
        report(Step("nginx:1.26", "pulling", finished="pulled, 72 MB"))
    assert "\x1b[" in out.getvalue()
    assert "pulled, 72 MB" in out.getvalue()


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    out = Terminal()
    with shown_on(out) as report:
        report(Step("a", "building"))
    assert out.getvalue() == "Building a …\n"


@pytest.mark.parametrize(
    ("number", "text"), [(0, "1 kB"), (4_730, "5 kB"), (3_110_000, "3 MB"), (1_234_000_000, "1.2 GB")]
)
def test_size(number: int, text: str) -> None:
    assert size(number) == text


def test_budget_sums() -> None:
    small = Budget(learners=8, images=12, megabytes=1)
    assert (small.pulls, small.fits, small.hours, small.at_once) == (96, True, 0, 8)
    large = Budget(learners=25, images=12, megabytes=1)
    assert (large.pulls, large.fits, large.hours) == (300, False, 12)
    assert Budget(learners=3, images=0, megabytes=0).fits


def test_the_budget_command() -> None:
    out = io.StringIO()
    assert image_commands.budget(out, 30) == 1
    assert "docs.docker.com/docker-hub/usage/pulls" in out.getvalue()
    assert "images pack" in out.getvalue()
    out = io.StringIO()
    assert image_commands.budget(out, 2, [17], as_json=True) == 0
    assert json.loads(out.getvalue())["fits"] is True


@pytest.mark.parametrize("address", ["registry.example:5000", "10.0.0.1:5000", "127.0.0.1", "127.0.0.1:x", ""])
def test_only_a_registry_on_loopback_is_spoken_to(address: str) -> None:
    with pytest.raises(Problem, match="not a registry on this machine"):
        Registry(address)


def test_no_registry_answers() -> None:
    with pytest.raises(Problem, match="No registry answers") as caught:
        Registry("127.0.0.1:1").manifest("library/nginx", "latest")
    assert caught.value.code == "no-registry"
