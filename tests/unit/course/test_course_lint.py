# ruff: noqa: E501  (tables of changes, each on its line)
"""Every rule of the lint, fired by one change of a chapter that has nothing wrong, at the changed line."""

from __future__ import annotations

from pathlib import Path

import pytest
from course_samples import NAME, TEMPLATE, changed, put

from tutor.course.lint import run
from tutor.course.lint.run import Issue
from tutor.problems import Problem

MISTAKES = """\
mistakes:
  - id: ports-swapped
    title: Ports swapped
    chapter: 7
    when:
      - container: {name: "${with.container}", publishes: {"${with.port}/tcp": "*"}}
    say: The container's port comes second.
"""
USE = """\
            - use: ports-swapped
              with: {container: "${name.web}", port: "8080"}
              made_by: docker run -d --name ${name.web} -p ${port.web}:8080 ${image.nginx} && echo
"""
HERE = "            # One of the mistakes"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course of one chapter and one shared mistake, in its own folder with its own catalogue."""
    lessons = tmp_path / "lessons"
    (tmp_path / "labs" / "22-site").mkdir(parents=True)
    (tmp_path / "labs" / "images.yaml").write_text("images:\n  shell: {reference: a}\n  nginx: {reference: b}\n")
    lessons.mkdir()
    put(lessons, MISTAKES, "mistakes.yaml")
    put(lessons, changed(HERE, USE + HERE)[0])
    return lessons


def issues(course: Path, text: str, severity: str | None = None) -> list[Issue]:
    put(course, text)
    return [one for one in run.lint(course).issues if severity in (None, one.severity)]


def test_the_sample_has_nothing_wrong(course: Path) -> None:
    assert run.lint(course) == run.Report((), 1)


# What is changed, into what, the code, the text whose place must be told (the change's own when empty).
ERRORS = [
    ("id: door\n", "id: doors\n", "id-twice", "doors\n"),
    ("id: close\n", "id: publish\n", "id-twice", ""),
    ("id: wrong-inside", "id: no-door", "id-twice", "no-door"),
    ("{id: files, text", "{id: name, text", "id-twice", "name, text: Its name"),
    ("container: {name: \"${name.job}\"", "container: {name: \"${name.jobs}\"", "undeclared", "${name.jobs}"),
    ("--publish 127.0.0.1:${port.web}", "--publish 127.0.0.1:${port.wbe}", "undeclared", "${port.wbe}"),
    ("run: docker run --rm ${image.shell} echo", "run: docker run --rm ${img.shell} echo", "unknown-variable", "${img"),
    ("- http: {url: \"http://localhost:${port.web}/", "- http: {url: \"http://localhost:${port}/", "unknown-variable", "${port}"),
    ("say: The server runs", "say: The ${with.what} runs", "unknown-variable", "${with"),
    ("images: [shell, nginx]", "images: [shell, nginx, ngnix]", "unknown-image", "ngnix]"),
    ("names: [web, job]", "names: [web, job, job]", "declared-twice", "job] #"),
    ("# builds_on: [1, 2]     chapters", "builds_on: [9] # chapters", "builds-on", "9] # chapters"),
    ("      # files: 00-folder ", "      files: 22-side # ", "files", "22-side"),
    ("      # files: 00-folder ", "      files: ../x # ", "files", "../x"),
    ("proved_by: publish", "proved_by: publsh", "proved-by", "publsh"),
    ("taught: doors #", "taught: a-dor #", "taught", "a-dor #"),
    ("run: docker run --rm ${image.shell} sh -c", "run: docker compose run ${image.shell} sh -c", "need", "docker compose run"),
    ("            - use: ports-swapped", "            - use: port-swapped", "unknown-mistake", "port-swapped"),
    (", port: \"8080\"}", "}", "with-missing", "use: ports-swapped"),
    (", port: \"8080\"}", ", port: \"8080\", hots: \"1\"}", "with-surplus", "hots"),
    ("- absent: {container: \"${name.web}\"}", "- absent: {}", "expects-nothing", "{}"),
    ("- absent: {container: \"${name.web}\"}", "- container: {}", "expects-nothing", "{}"),
    ("- absent: {container: \"${name.web}\"}", "- count: {of: containers}", "no-bound", "{of: containers}"),
    ("- absent: {container: \"${name.web}\"}", "- count: {of: volumes, exactly: 1, at_least: 1}", "contradiction", "1, at_least"),
    ("- absent: {container: \"${name.web}\"}", "- count: {of: volumes, at_least: 0}", "always-true", "0}"),
    ("- absent: {container: \"${name.web}\"}", "- count: {of: volumes, at_most: -1}", "never-true", "-1}"),
    ("- absent: {container: \"${name.web}\"}", "- logs: {container: x}", "expects-nothing", "{container: x}"),
    ("- absent: {container: \"${name.web}\"}", "- changes: {container: x}", "expects-nothing", "{container: x}"),
    ("- absent: {container: \"${name.web}\"}", "- exec: {container: x, command: [a], exit_code: null}", "expects-nothing", "{container: x, command"),
    ("- absent: {container: \"${name.web}\"}", "- file: {path: /etc/passwd}", "outside", "/etc/passwd"),
    ("- absent: {container: \"${name.web}\"}", "- file: {path: a/../../b}", "outside", "a/../../b"),
    ("- absent: {container: \"${name.web}\"}", "- file: {path: a, content: \"(\"}", "bad-pattern", "\"(\""),
    ("- absent: {container: \"${name.web}\"}", "- file: {path: a, exists: false, content: b}", "contradiction", "b}"),
    ("- absent: {container: \"${name.web}\"}", "- asked: {path: /v1.45/info}", "bad-path", "/v1.45"),
    ("- absent: {container: \"${name.web}\"}", "- asked: {path: info}", "bad-path", "info}"),
    ("- absent: {container: \"${name.web}\"}", "- tcp: {port: web}", "bad-port", "web}\n            - tcp"),
    ("- absent: {container: \"${name.web}\"}", "- compose: {services: {}}", "expects-nothing", "{}}"),
    ("- absent: {container: \"${name.web}\"}", "- image: {reference: a, shared_layers: 2}", "expects-nothing", "2}"),
    ("- absent: {container: \"${name.web}\"}", "- image: {reference: a, new_layers: 2}", "expects-nothing", "2}"),
    ("- absent: {container: \"${name.web}\"}", "- image: {reference: a, shares_layers_with: b, new_layers: -1}", "never-true", "-1}"),
    ("- absent: {container: \"${name.web}\"}", "- container: {state: running, exit_code: 0}", "contradiction", "0}"),
    ("- absent: {container: \"${name.web}\"}", "- container: {mounts: [{at: /a, volume: v, bind: b}]}", "contradiction", "{at:"),
    ("- absent: {container: \"${name.web}\"}", "- container: {name: xy, say: \" \"}", "empty-say", "\" \"}"),
    ("http://localhost:${port.web}/", "http://example.com/", "not-loopback", "\"http://example"),
    ("http://localhost:${port.web}/", "http://${name.web}:${port.web}/", "not-loopback", "\"http://${name"),
    ("http://localhost:${port.web}/", "ftp://localhost/", "bad-url", "\"ftp"),
    ("http://localhost:${port.web}/", "http://[localhost/", "bad-url", "\"http://["),
    ("status: 200}", "status: refused, body: x}", "contradiction", "refused"),
    ("status: 200}", "status: 20}", "never-true", "20}"),
    ("status: 200}", "status: 200, body: \"[\"}", "bad-pattern", "\"[\""),
    ("output: '\\Ahello\\s*\\Z'", "output: '*hello'", "bad-pattern", "'*hello'"),
    ("when: {exit_code: 127}", "when: {}", "no-outcome", "{}"),
    ("when: {exit_code: 127}", "when: {exit_code: 0, output: '\\A\\s*\\Z'}", "same-outcome", "{exit_code: 0, output: '\\A\\s*\\Z'}, because: \"It"),
    ("text: An error message", "text: nothing at all", "same-text", "nothing at all"),
    ("text: In the container, right: true, because", "text: In the container, because", "right-answers", "- {id: host"),
    ("text: On both sides, because", "text: On both sides, right: true, because", "right-answers", "- {id: host"),
    (", because: The host's port comes first.}", "}", "no-reason", "{id: host, text: On your machine}"),
    ("text: Its process ends}\n              - {id: remove, text: It is removed", "text: It is removed}\n              - {id: remove, text: it is  removed", "same-text", "it is  removed"),
    ("line: 5", "line: 6", "no-such-line", "6"),
    ("\"3\": An image", "\"9\": An image", "no-such-line", "\"9\""),
    ("\"3\": An image", "\"5\": An image", "no-such-line", "\"5\""),
    ("\"3\": An image", "x: An image", "no-such-line", "x: An"),
    ("run: \"docker create --name ${name.job}", "run: \"docker run -d --name ${name.job}", "wrong-is-right", "\"docker run -d --name ${name.job}"),
    ("text: In the container, right", "text: In the container and nowhere else but in the container, right", "gives-away", "In the container and"),
    ("        - choose_all:", "    id: x\n        - choose_all:", "format", None),
    ("            - A container that has stopped is still there.", "            - docker rm -f ${name.web}", "hint-is-solution", "docker rm -f ${name.web}\n            - A"),
    ("            - The flag is `-p`. The host's port comes first.", "            - A container's port is closed to your machine until you publish it.", "hint-twice", "A container's port is closed to your machine until you publish it.\n            - \"`"),
    ("            - docker stop -t 1 ${name.web} && docker rm ${name.web}", "            - docker  rm -f ${name.web}", "same-script", "docker  rm"),
    ("made_by: docker stop -t 1 ${name.web}\n", "made_by: docker rm -f ${name.web}\n", "mistake-is-solution", "docker rm -f ${name.web}\n\n"),
    ("- container: {name: \"${name.web}\", state: running, publishes: {}}", "- container: {name: \"${name.web}\", state: running}\n                - not: {all: [container: {name: \"${name.web}\", publishes: {80/tcp: \"*\"}}]}", "same-when", None),
    ("          hints: # from a nudge", "          cause:\n            - container: {name: \"${name.web}\", restarted: true}\n          hints: # from a nudge", "tells-cause", None),
    ("    body: |\n        A container has", "    body: |\n        ```\n        A container has", "open-fence", "```"),
    ("  - recap: # the last section", "  - recap: {id: r2, idea: x, remember: z}\n  - recap: # the last section", "second-recap", "id: recap\n"),
    ("            distractors: # reasons for lines that look wrong and are not\n              \"3\": An image without a tag is the one tagged `latest`.\n", "", "no-distractor", None),
    ("    wrong:\n              - {run: \"docker create --name ${name.job} ${image.shell} sleep 60\", because: A container that was only created does not run.}\n", "    explain: x\n", "no-wrong-command", None),
    ("            taught: doors # the section that teaches it\n", "", "no-taught", None),
    ("taught: doors # the section", "taught: quiz # the section", "taught-later", "quiz # the section"),
    ("taught: doors # the section", "taught: recap # the section", "taught-later", "recap # the section"),
    ("{id: name, text: Its name, right: true}\n              - {id: process, text: Its main process,", "{id: name, text: The name that it was given, right: true}\n              - {id: process, text: x,", "gives-away", None),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code", "place"), ERRORS, ids=[f"{row[2]}-{n}" for n, row in enumerate(ERRORS)])
def test_an_error(course: Path, old: str, new: str, code: str, place: str | None) -> None:
    base = (course / NAME).read_text()
    text = changed(old, new, base)[0]
    found = [one for one in issues(course, text, "error") if one.code == code]
    assert found, issues(course, text)
    if place is not None:
        place = place or new.split(": ", 1)[1]
        at = base.index(old) + new.index(place) if place in new else text.index(place)
        expected = (text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
        assert expected in [(one.line, one.column) for one in found], (expected, found)


WARNINGS = [
    ("# builds_on: [1, 2]     chapters", "builds_on: [3] # chapters", "builds-on", "3]"),
    ("ports: [web] # free", "ports: [web, db] # free", "unused", "db]"),
    ("publishes: {80/tcp: \"${port.web}\"}}\n            - http", "publishes: {80/tcp: \"8080\"}}\n            - http", "fixed-port", "\"8080\""),
    ("- docker run -d --name ${name.web} -p ${port.web}:80 ${image.nginx}\n          also", "- docker run -d --name ${name.web} -p 3000:80 ${image.nginx}\n          also", "fixed-port", "-p 3000"),
    ("http://localhost:${port.web}/", "http://localhost:8080/", "fixed-port", "\"http://localhost:8080"),
    ("          also:\n            - docker stop -t 1 ${name.web} && docker rm ${name.web}\n", "", "no-alternative", "id: close"),
    ("goal: The container is gone", "goal: Type `docker rm -f web` so that it is gone", "goal-is-command", "`docker rm -f web"),
    ("- absent: {container: \"${name.web}\"}\n            - tcp: {port: \"${port.web}\", open: false}", "- container: {name: \"${name.web}\"}", "weak-expectation", "{name"),
    ("        A container has a network", "        You simply see: a container has a network", "belittling", "simply see"),
    ("explain: The door is the engine's", "explain: It is obviously the engine's", "belittling", "obviously"),
    ("        A container has a network", "        This `code never ends. A container has a network", "open-code", None),
    ("        A container has a network", "        " + "A word. " * 60 + "A container has a network", "long-text", None),
    ("        A container has a network", "        " + "very " * 31 + "long. A container has a network", "long-sentence", None),
    ("        browser ──▶", "        " + "-" * 80 + "browser ──▶", "wide-drawing", "-" * 80),
    ("text: Its main process, because", "text: Its main process, right: true, because", "right-answers", None),
    ("  - fact_check:\n      id: expose", "  - text:\n      id: expose", "format", None),
    ("            - A container that has stopped is still there.", "            - You type docker rm -f ${name.web} here.", "hint-is-solution", "You type"),
    ("            - A container that has stopped is still there.", "            - " + "There is much to say about this. " * 5, "hints-shrink", "There is much"),
    ("commands: [docker run --rm, docker", "commands: [docker run --rm, docker pull, docker", "introduced-unused", "docker pull, docker"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "code", "place"), WARNINGS, ids=[f"{row[2]}-{n}" for n, row in enumerate(WARNINGS)]
)
def test_a_warning(course: Path, old: str, new: str, code: str, place: str | None) -> None:
    base = (course / NAME).read_text()
    text = changed(old, new, base)[0]
    found = [one for one in issues(course, text) if one.code == code]
    assert found, issues(course, text)
    assert code == "format" or all(one.severity == "warning" for one in found)
    if place is not None:
        at = base.index(old) + new.index(place) if place in new else text.index(place)
        expected = (text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
        assert expected in [(one.line, one.column) for one in found], (expected, found)


@pytest.mark.parametrize("section", ["predict", "lab", "quiz", "recap", "fact_check"])
def test_what_a_chapter_must_have(course: Path, section: str) -> None:
    """A section is cut out; what pointed into it may be told as well."""
    text = (course / NAME).read_text()
    start = text.index(f"  - {section}:")
    end = text.find("\n  - ", start) + 1 or len(text)
    found = issues(course, text[:start] + text[end:])
    code = f"no-{section.replace('_', '-')}"
    assert [one.severity for one in found if one.code == code] == ["warning" if section == "fact_check" else "error"]


def test_the_recap_is_last(course: Path) -> None:
    text = (course / NAME).read_text()
    found = issues(course, text + "  - text: {id: after, body: More.}\n")
    assert [one.code for one in found] == ["recap-not-last"]


def test_a_small_pool(course: Path) -> None:
    text = (course / NAME).read_text()
    start, end = text.index("        - choose:\n"), text.index("        # Run in a sandbox")
    assert [one.code for one in issues(course, text[:start] + text[end:])] == ["small-pool"]


def quiz(rights: list[int], texts: list[list[str]]) -> str:
    """A quiz of `choose` questions with the right answer at the given places."""
    out = "  - quiz:\n      id: more\n      questions:\n"
    for number, (right, options) in enumerate(zip(rights, texts, strict=True)):
        out += f"        - choose:\n            id: m{number}\n            ask: Which?\n"
        out += "            taught: doors\n            options:\n"
        for place, text in enumerate(options):
            more = "right: true" if place == right else "because: No."
            out += f"              - {{id: o{place}, text: {text}, {more}}}\n"
    return out


@pytest.mark.parametrize(
    ("rights", "texts", "said"),
    [
        ([0, 0, 0, 0], [["aa", "bb"]] * 4, "in all 4 questions answer 1 is the right one"),
        ([0, 1, 0, 1], [["aaa", "bb"], ["aa", "bbb"]] * 2, "in all 4 questions the longest answer is the right one"),
        ([1, 0, 1, 0], [["aaa", "bb"], ["aa", "bbb"]] * 2, "in all 4 questions the shortest answer is the right one"),
        ([0, 1, 0, 1], [["aa", "bbb"], ["aa", "bbb"]] * 2, None),
    ],
)
def test_answers_that_give_themselves_away(
    course: Path, rights: list[int], texts: list[list[str]], said: str | None
) -> None:
    text = (course / NAME).read_text()
    found = issues(course, text.replace("  - recap:", quiz(rights, texts) + "  - recap:"))
    assert [one.wrong for one in found] == ([said] if said else [])


def test_a_step_that_passes_before_anything_was_done(course: Path) -> None:
    text = (course / NAME).read_text()
    start, end = (
        text.index('            - container: {name: "${name.web}", state: running, image'),
        text.index("          hints: # from"),
    )
    found = issues(course, text[:start] + "            - absent: {container: x}\n" + text[end:], "error")
    assert [one.code for one in found] == ["passes-empty"]


def second(introduces: str, body: str) -> str:
    """Chapter 8: short, complete, without warnings of its own."""
    text = TEMPLATE.replace("chapter: 7 #", "chapter: 8 #").replace("id: sample", "id: second")
    start, end = text.index("introduces:"), text.index("# sources:")
    text = text[:start] + f"introduces: {introduces}\n" + text[end:]
    return text.replace("        A container has a network", f"        {body}\n\n        A container has a network")


def test_nothing_is_used_before_it_was_taught(course: Path) -> None:
    put(
        course, second("{commands: [docker logs -f], words: [socket]}", "Look: `docker logs -f web`."), "08-second.yaml"
    )
    text = (course / NAME).read_text()
    base = issues(course, text)
    assert base == []
    early = "A container's socket. Try `docker logs --follow web`, `docker logs -f web`.\n\n        A container has a network"
    found = issues(course, text.replace("A container has a network", early))
    assert [(one.code, one.severity, one.wrong) for one in found] == [
        ("not-taught", "warning", "the word “socket” is used, and chapter 8 introduces it"),
        ("not-taught", "warning", "`docker logs` is used, and chapter 8 introduces it"),
        ("not-taught", "warning", "`-f` of `docker logs` is used, and chapter 8 introduces it"),
    ]
    line = text.split("\n").index(next(one for one in text.split("\n") if "A container has a network" in one)) + 1
    assert [(one.line, one.column) for one in found] == [(line, 23), (line, 36), (line, 64)]


def test_nothing_is_asked_before_it_was_taught(course: Path) -> None:
    put(course, second("{commands: [docker logs -f]}", "Look: `docker logs -f web`."), "08-second.yaml")
    text = (course / NAME).read_text()
    early = text.replace("ask: What is the exit code?", "ask: What is the exit code? See `docker logs web`.")
    assert [(one.code, one.severity) for one in issues(course, early)] == [("not-taught", "error")]


def test_introduced_twice(course: Path) -> None:
    put(course, second("{commands: [docker run -d]}", "Look."), "08-second.yaml")
    found = run.lint(course).issues
    assert [(one.code, Path(one.file).name) for one in found] == [("introduced-twice", "08-second.yaml")]


def test_two_chapters_of_one_id(course: Path) -> None:
    put(course, TEMPLATE.replace("chapter: 7 #", "chapter: 8 #"), "08-sample.yaml")
    found = [one for one in run.lint(course).issues if one.code == "id-twice"]
    assert [(Path(one.file).name, one.path) for one in found] == [("08-sample.yaml", "id")]


def test_shared_mistakes_are_checked(course: Path) -> None:
    more = MISTAKES + MISTAKES.replace("mistakes:\n", "").replace("ports-swapped", "never-used").replace(
        "chapter: 7", "chapter: 9"
    )
    put(course, more.replace("say: The container's port comes second.", "say: See ${who.knows}."), "mistakes.yaml")
    found = run.lint(course / "mistakes.yaml").issues
    assert sorted(one.code for one in found) == ["no-chapter", "unknown-variable", "unknown-variable"]
    put(course, MISTAKES + MISTAKES.replace("mistakes:\n", "").replace("ports-swapped", "never-used"), "mistakes.yaml")
    assert [one.code for one in run.lint(course).issues] == ["unused"]


def test_one_file_in_the_company_of_the_others(course: Path) -> None:
    put(
        course,
        second("{commands: [docker logs -f]}", "Look: `docker logs -f x`.").replace("minutes: 20", "minutes: x"),
        "08-second.yaml",
    )
    put(course, "chapter: [", "09-broken.yaml")
    assert run.lint(course / NAME) == run.Report((), 1)
    report = run.lint(course)
    assert {Path(one.file).name for one in report.issues} == {"08-second.yaml", "09-broken.yaml"}
    assert report.chapters == 3


def test_broken_shared_mistakes_blame_no_chapter(course: Path) -> None:
    put(course, "mistakes: [", "mistakes.yaml")
    assert {Path(one.file).name for one in run.lint(course).issues} == {"mistakes.yaml"}


def test_a_course_that_has_its_chapters_in_lessons(course: Path) -> None:
    assert run.lint(course.parent) == run.Report((), 1)


def test_a_catalogue_that_is_no_help(course: Path) -> None:
    (course.parent / "labs" / "images.yaml").write_text("images: [")
    assert run.lint(course) == run.Report((), 1)


def test_there_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no file or folder"):
        run.lint(tmp_path / "none")
    with pytest.raises(Problem, match="no chapter in"):
        run.lint(tmp_path)
