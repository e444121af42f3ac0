"""Variables, shared mistakes, content hashes, and what unquoted scalars mean."""

from __future__ import annotations

from pathlib import Path

import pytest
from course_samples import TEMPLATE, put
from hypothesis import given
from hypothesis import strategies as st

from tutor.course._scalars import Odd, plain
from tutor.course.expectations import ContainerExpectation, HttpExpectation
from tutor.course.identity import content_hash
from tutor.course.mistakes import UnknownMistake, parameters, resolve, resolve_step, shared, title
from tutor.course.models import Chapter, Course, Lab, Option, SharedMistake, Step, UseMistake
from tutor.course.needs import needs_of
from tutor.course.reading import load_chapter
from tutor.course.variables import Bindings, UnknownVariable, bind, preview, used

BINDINGS = Bindings(
    images={"nginx": "nginx:1.26", "shell": "busybox:1.37"},
    names={"web": "web-3fa9c1"},
    ports={"web": 49160},
    workspace="/home/me/workspace",
    lab="22-3fa9c1",
)
COMMON = SharedMistake(
    id="swapped",
    title="Ports swapped",
    chapter=22,
    when=(ContainerExpectation(name="${with.container}", publishes={"${with.port}/tcp": "*"}),),
    say="You opened ${with.port} of ${with.container}.",
)
COURSE = Course(chapters=(), mistakes={"swapped": COMMON})


@pytest.fixture(scope="module")
def chapter(tmp_path_factory: pytest.TempPathFactory) -> Chapter:
    return load_chapter(put(tmp_path_factory.mktemp("course"), TEMPLATE))


@pytest.fixture(scope="module")
def step(chapter: Chapter) -> Step:
    return next(one for one in chapter.sections if isinstance(one, Lab)).steps[0]


def test_a_whole_step_is_bound(step: Step) -> None:
    bound = bind(step, BINDINGS)
    container, http = bound.expect
    assert isinstance(container, ContainerExpectation) and isinstance(http, HttpExpectation)
    assert (container.name, container.image) == ("web-3fa9c1", "nginx:1.26")
    assert container.publishes == {"80/tcp": "49160"}
    assert http.url == "http://localhost:49160/"
    assert bound.solutions[0] == "docker run -d --name web-3fa9c1 -p 49160:80 nginx:1.26"
    assert not used(bound)
    assert used(step) == {"name.web", "image.nginx", "port.web"}
    assert type(bound) is Step and step.expect[0] != container


def test_keys_are_bound_and_the_shell_keeps_its_own() -> None:
    assert bind(ContainerExpectation(publishes={"${port.web}/tcp": "*"}), BINDINGS).publishes == {"49160/tcp": "*"}
    script = 'echo ${HOME} ${x:-${name.web}} "$name" ${#x} $((1+2)) > ${workspace}/${lab}'
    assert bind(script, BINDINGS) == (
        'echo ${HOME} ${x:-web-3fa9c1} "$name" ${#x} $((1+2)) > /home/me/workspace/22-3fa9c1'
    )


@pytest.mark.parametrize("text", ["${name.none}", "${port.none}", "${image.none}", "${with.none}"])
def test_a_variable_without_a_value(text: str) -> None:
    with pytest.raises(UnknownVariable) as caught:
        bind(f"docker run {text}", BINDINGS)
    assert text in str(caught.value)


@given(st.text())
def test_texts_without_variables_stay(text: str) -> None:
    if not any(f"${{{family}" in text for family in ("image.", "name.", "port.", "with.", "workspace", "lab")):
        assert bind(text, BINDINGS) == text


def test_nothing_to_bind_makes_no_copy() -> None:
    option = Option(id="a", text="none", right=True)
    assert bind(option, BINDINGS) is option


def test_a_shared_mistake_in_a_step() -> None:
    use = UseMistake(use="swapped", with_={"container": "${name.web}", "port": "8080"}, made_by="docker run ${with.x}")
    mistake = resolve(use, COURSE)
    assert mistake.id == "swapped"
    assert mistake.say == "You opened 8080 of ${name.web}."
    assert mistake.made_by == "docker run ${with.x}"
    assert bind(mistake.when, BINDINGS)[0] == ContainerExpectation(name="web-3fa9c1", publishes={"8080/tcp": "*"})
    assert shared(use, COURSE).title == "Ports swapped"
    assert parameters(COMMON) == {"container", "port"}
    other = UseMistake(use="swapped", with_={"container": "a", "port": "1"}, say="Better ${with.port}.", made_by="x")
    assert resolve(other, COURSE).say == "Better 1."


def test_shared_mistakes_that_do_not_fit() -> None:
    with pytest.raises(UnknownMistake, match="no shared mistake called `none`"):
        resolve(UseMistake(use="none", made_by="x"), COURSE)
    with pytest.raises(UnknownVariable, match=r"with\.port"):
        resolve(UseMistake(use="swapped", with_={"container": "a"}, made_by="x"), COURSE)


def test_the_mistakes_of_a_step(step: Step) -> None:
    assert [mistake.id for mistake in resolve_step(step, COURSE)] == ["no-door", "wrong-inside"]


def test_preview_binds_a_whole_chapter(chapter: Chapter) -> None:
    bound = bind(chapter, preview(chapter, {"nginx": "nginx:1.26"}))
    assert not used(bound)
    assert "docker run -d --name web -p 8080:80 nginx:1.26" in bound.sections[0].body  # type: ignore[union-attr]


def test_a_hash_is_the_content_s(step: Step, tmp_path: Path) -> None:
    again = load_chapter(put(tmp_path, TEMPLATE.replace("  # all must hold", "  # other comment")))
    assert content_hash(next(one for one in again.sections if isinstance(one, Lab)).steps[0]) == content_hash(step)
    other = load_chapter(put(tmp_path, TEMPLATE.replace("goal: A web server", "goal: Some web server")))
    assert content_hash(next(one for one in other.sections if isinstance(one, Lab)).steps[0]) != content_hash(step)


def test_a_hash_never_changes_by_itself() -> None:
    """This value is in people's journals: a change of it tells all of them that everything was updated."""
    assert content_hash(Option(id="a", text="one", because="two")) == "50aa6655c886c818"
    assert content_hash(ContainerExpectation(name="web", cpus=1)) == content_hash(
        ContainerExpectation(name="web", cpus=1.0)
    )
    # A field with its default is as good as none: a later version may add fields.
    assert content_hash(Option(id="a", text="x", right=False)) == content_hash(Option(id="a", text="x"))
    # What differs only by kind is different.
    assert content_hash(HttpExpectation(url="x", say="s")) != content_hash(ContainerExpectation(name="x", say="s"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("hello", "hello"),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("0.5", 0.5),
        ("true", True),
        ("false", False),
        ("null", None),
        ("80/tcp", "80/tcp"),
        ("8080:80", "8080:80"),
        ("127.0.0.1", "127.0.0.1"),
        ("nothing", "nothing"),
        ("yesterday", "yesterday"),
        ("1.2.3", "1.2.3"),
        ("64m", "64m"),
        ("-d", "-d"),
        ("...", "..."),
    ],
)
def test_plain_scalars(text: str, value: object) -> None:
    assert plain(text) == value
    assert type(plain(text)) is type(value)


SURPRISES = "~ Null yes No ON off y N True FALSE 010 1_000 0x1F 0b11 0o17 22:22 1:2:3.5 +1 1e3 1. .5 .inf -.INF .NaN"
SURPRISES += " 2024-01-01 2001-12-14t21:59:43.10-05:00 = << -0 00 08 123456789012345678901234567890"


@pytest.mark.parametrize("text", SURPRISES.split())
def test_surprises(text: str) -> None:
    assert isinstance(plain(text), Odd)


@given(st.text(alphabet="0123456789+-._:eExobTZ yYnNtruefals~", max_size=12))
def test_whatever_pyyaml_reads_otherwise_is_odd(text: str) -> None:
    """The resolver of PyYAML is the oracle: what is not a text there is the same value here, or odd."""
    import yaml

    resolved = yaml.SafeLoader("").resolve(yaml.ScalarNode, text, (True, False))
    value = plain(text)
    if resolved != "tag:yaml.org,2002:str":
        assert not isinstance(value, str)
        if not isinstance(value, Odd):
            assert value == yaml.safe_load(text)


def test_mistakes_in_words() -> None:
    known = {COMMON.id: COMMON}
    words = [title(name, known) for name in ("swapped", "door-to-smtp", "the-page-s-port", "first-cmd-lost", "by-id")]
    assert words == ["Ports swapped", "Door to SMTP", "The page's port", "First CMD lost", "By ID"]


def test_what_scripts_need() -> None:
    assert set(needs_of("docker compose up -d && docker  service ls")) == {"compose", "swarm"}
    assert not needs_of("docker run compose; docker-compose up")
    for script in (
        "RUN --mount=type=cache,target=/a x",
        "COPY --chmod=755 a b",
        "docker build -q --secret id=k .",
        "dockerfile_inline: |",
    ):
        assert set(needs_of(script)) == {"buildkit"}
    for script in ("docker run --privileged busybox", '{"HostConfig": {"Privileged": true}}', "privileged: true"):
        assert set(needs_of(script)) == {"privileged"}
    assert not needs_of("docker run --mount type=volume,source=a,target=/a busybox; docker inspect secret")
