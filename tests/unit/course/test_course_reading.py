"""The small helpers of the lint: commands in scripts and texts, and how hard a text is to read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.course.lint import _commands
from tutor.course.lint._readability import grade, prose, sentences, syllables, words

SCRIPTS = [
    ("docker run -d --name web -p 8080:80 nginx -x", [("docker run", ["-d", "--name", "-p"])]),
    ("docker run -it --rm busybox sh -c 'ls -l'", [("docker run", ["-it", "--rm"])]),
    ("docker run --name=web -v a:/b nginx", [("docker run", ["--name", "-v"])]),
    ("docker container ls -a && docker  ps -q", [("docker container ls", ["-a"]), ("docker ps", ["-q"])]),
    ("docker rm -f $(docker ps -aq)", [("docker rm", ["-f"]), ("docker ps", ["-aq"])]),
    ("docker compose -f x.yaml up -d | cat", [("docker compose up", ["-f", "-d"])]),
    ("docker -H tcp://x ps", [("docker ps", ["-H"])]),
    ("sudo X=1 docker stop -t 1 web", [("docker stop", ["-t"])]),
    ("# docker run -d x\ndocker pull \\\n  -q nginx", [("docker pull", ["-q"])]),
    ("cat > Dockerfile <<'E'\nRUN docker run -x\nE\ndocker build -t a .", [("docker build", ["-t"])]),
    ("echo docker run; echo 'docker rm'", []),
    ("docker exec -i web sh -c 'docker ps -a'", [("docker exec", ["-i"])]),
    ("docker --version", [("docker", ["--version"])]),
    ("docker", [("docker", [])]),
    ("if docker info; then docker ps; fi", [("docker info", []), ("docker ps", [])]),
]


@pytest.mark.parametrize(("script", "found"), SCRIPTS, ids=[script[:24] for script, _ in SCRIPTS])
def test_commands_in_scripts(script: str, found: list[tuple[str, list[str]]]) -> None:
    uses = list(_commands.in_script(script))
    assert [(use.command, list(use.options)) for use in uses] == found
    assert all(script[use.offset :].startswith("docker") for use in uses)


def test_commands_in_texts() -> None:
    text = "Use `docker ps -a`, not docker rm.\n\n```console\n$ docker run -d x\n```\n\n```yaml\ndocker stop x\n```\n"
    uses = list(_commands.in_prose(text))
    assert sorted((use.command, use.options) for use in uses) == [("docker ps", ("-a",)), ("docker run", ("-d",))]
    assert all(text[use.offset :].startswith("docker") for use in uses)


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    for use in (*_commands.in_script(text), *_commands.in_prose(text)):
        assert text[use.offset :].startswith("docker")


def test_introduced_parts() -> None:
    assert list(_commands.parts("docker run -it --name")) == [
        "docker run",
        "docker run -i",
        "docker run -t",
        "docker run --name",
    ]
    assert list(_commands.parts("-p")) == ["-p"]
    assert _commands.family("docker container create") == "docker run"


def test_prose_has_no_code() -> None:
    text = "Type `docker ps` here.\n\n```\nno words\n```\n\nSee [the page](https://example.com/words)."
    assert words(prose(text)) == ["Type", "it", "here", "See", "the", "page"]
    kept = prose(text, keep_length=True)
    assert len(kept) == len(text) and kept.index("here") == text.index("here")


@given(st.text(alphabet="ab `~\n[]()"))
def test_prose_of_any_text(text: str) -> None:
    assert len(prose(text, keep_length=True)) == len(text)
    prose(text)


def test_sentences_end() -> None:
    assert len(sentences("One. Two! Three: four\n\nFive\n- six\n- seven 1.5 e.g.")) == 7
    assert len(sentences("| One | two |\n|---|---|\n| three | four |\n  | five | six |")) == 3


@pytest.mark.parametrize(
    ("word", "count"),
    [("the", 1), ("make", 1), ("table", 2), ("container", 3), ("worked", 1), ("wanted", 2), ("isolation", 4), ("x", 1)],
)
def test_syllables(word: str, count: int) -> None:
    assert syllables(word) == count


def test_grades() -> None:
    easy = "A container is a process. It has its own files. You start it. You stop it. It is gone."
    hard = (
        "Notwithstanding architectural considerations, contemporary containerization infrastructures necessitate "
        "comprehensive understanding of virtualization methodologies, particularly regarding isolation guarantees."
    )
    assert grade(easy) < 3 < 15 < grade(hard)
    assert grade("") == 0.0
