"""No build reads an image of somebody else, by whatever name, builder and way it is asked for."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from sandbox_lab import Foreign, Lab, foreign_secret, open_kind

from tutor.engine.images import resolve

pytestmark = pytest.mark.engine

_OUTSIDE = "is an image outside of this lab"


@pytest.fixture(scope="module", params=("lab", "lab in a seat"))
def lab(engine_host: str, request: pytest.FixtureRequest) -> Iterator[Lab]:
    with open_kind(request.param, engine_host, resolve("shell")) as opened:
        yield opened


@pytest.fixture(scope="module")
def foreign(engine_host: str) -> Iterator[Foreign]:
    with foreign_secret(engine_host, resolve("shell")) as planted:
        yield planted


def _dockerfiles(lab: Lab, foreign: Foreign) -> dict[str, str]:
    own, other, name = lab.image, f"{foreign.name}:secret", foreign.name
    half = len(name) // 2
    return {
        "from": f"FROM {other}\nRUN env",
        "latest": f"FROM {name}\nRUN env",
        "full": f"FROM docker.io/library/{other}\nRUN env",
        "index": f"FROM index.docker.io/library/{other}\nRUN env",
        "short": f"FROM library/{other}\nRUN env",
        "lower": f"from {other}\nrun env",
        "platform": f"FROM --platform=linux/amd64 {other}\nRUN env",
        "argument": f"ARG WHICH={other}\nFROM $WHICH\nRUN env",
        "braces": f"ARG A={name[:half]}\nARG B=${{A}}{name[half:]}\nFROM ${{B}}:secret\nRUN env",
        "default": f"FROM ${{NOBODY:-{other}}}\nRUN env",
        "given": "ARG GIVEN\nFROM $GIVEN\nRUN env",
        "second stage": f"FROM {own} AS one\nFROM {other} AS two\nRUN env",
        "copy": f"FROM {own}\nCOPY --from={other} /etc /x\nRUN ls /x",
        "copy before its stage": f"FROM {own}\nCOPY --from={name} /etc /x\nFROM {own} AS {name}\nCOPY --from=0 /x /x",
        "continued": f"FROM {name[:half]}\\\n{name[half:]}:secret\nRUN env",
        "escape": f"# escape=`\nFROM {name[:half]}`\n{name[half:]}:secret\nRUN env",
        "comment between": f"FROM {own}\nCOPY \\\n# nothing\n--from={other} /etc /x\nRUN ls /x",
        "quoted flag": f"FROM {own}\nCOPY --fr\\om={other} /etc /x\nRUN ls /x",
    }


@pytest.mark.parametrize("builder", ["0", "1"])
def test_a_dockerfile_that_names_a_foreign_image(lab: Lab, foreign: Foreign, builder: str) -> None:
    before = foreign.state(lab.direct)
    texts = _dockerfiles(lab, foreign)
    if builder == "1":
        texts |= {
            "mount": f"FROM {lab.image}\nRUN --mount=from={foreign.name}:secret,target=/x ls /x",
            "mount two": f"FROM {lab.image}\nRUN --mount=type=bind,source=/etc,from={foreign.name},target=/x ls /x",
            "heredoc": f"FROM {lab.image}\nRUN <<E\nls \\\nE\nFROM {foreign.name}:secret\nRUN env",
        }
    for case, text in texts.items():
        (lab.workspace / "Dockerfile").write_text(text + "\n")
        given = ("--build-arg", f"GIVEN={foreign.name}:secret")
        done = lab.docker("build", "-t", f"{lab.name}:x", *given, ".", env={"DOCKER_BUILDKIT": builder})
        assert done.returncode != 0, (case, done.stdout, done.stderr)
        said = done.stderr + done.stdout
        # BuildKit itself takes no such flag, and finds a circle where the classic builder finds an image.
        if builder == "0" or case not in {"quoted flag", "copy before its stage"}:
            assert _OUTSIDE in said, (case, said)
        assert foreign.secret not in said
        call = [item for item in lab.calls() if item.template in {"POST /build", "POST /grpc"}][-1]
        if builder == "0" and lab.near is None:  # in a seat, it is the seat's sandbox that refuses
            assert call.status == 403
            assert call.refusal is not None
            assert _OUTSIDE in call.refusal
    assert lab.api.ask("GET", f"/images/{lab.name}:x/json").status == 404
    assert foreign.state(lab.direct) == before
    if builder == "1":
        # A denied build ends its talk with the builder, and the trace has the reason.
        refusals = [item.refusal for item in lab.calls() if item.template == "POST /grpc" and item.refusal]
        assert any(_OUTSIDE in refusal and f"{foreign.name}:secret" in refusal for refusal in refusals)


@pytest.mark.parametrize("builder", ["0", "1"])
def test_what_a_lab_may_build_from(lab: Lab, foreign: Foreign, builder: str) -> None:
    """Catalogue, own images, stages that are called as somebody's image is, links to the Dockerfile, arguments."""
    env = {"DOCKER_BUILDKIT": builder}
    own = f"{lab.name}-base{builder}:1"
    lab.ok("tag", lab.image, own)
    for text in (
        f"FROM {lab.image}\nRUN true", f"FROM {own}\nRUN true", f"ARG TAG=1\nFROM {own[:-2]}:${{TAG}}\nRUN true",
        f"FROM {lab.image} AS {foreign.name}\nRUN touch /x\nFROM {own}\nCOPY --from={foreign.name} /x /y\n",
        f"FROM {lab.image} AS {foreign.name}\nFROM {foreign.name}\nRUN true",
        f"FROM scratch\nCOPY --from={own} /etc /e",
        f"FROM {lab.image}\nCOPY --from=docker.io/library/{lab.image} /etc/passwd /p",
    ):  # fmt: skip
        (lab.workspace / "Dockerfile").write_text(text + "\n")
        lab.ok("build", "-t", f"{lab.name}:y", ".", env=env)
    (lab.workspace / "deep").mkdir(exist_ok=True)
    (lab.workspace / "deep" / "other").write_text(f"FROM {lab.image}\nCOPY deep /d\n")
    link = lab.workspace / "Linked"
    link.unlink(missing_ok=True)
    link.symlink_to("deep/other")
    lab.ok("build", "-f", "Linked", ".", env=env)
    lab.ok("build", "-f", "deep/other", ".", env=env)
    lab.ok("build", "-f", "-", ".", stdin=f"FROM {lab.image}\nCOPY deep /d\n", env=env)
    lab.ok("build", "-", stdin=f"FROM {lab.image}\nRUN true\n", env=env)


def _archive(files: dict[str, str | tuple[str, str]], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name.split("#")[0])
            if isinstance(content, tuple):
                info.type, info.linkname = (tarfile.SYMTYPE if content[0] == "sym" else tarfile.LNKTYPE), content[1]
                tar.addfile(info)
            else:
                data = content.encode()
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
def test_archives_of_the_classic_builder(lab: Lab, foreign: Foreign, compression: str) -> None:
    bad, good = f"FROM {foreign.name}:secret\n", f"FROM {lab.image}\n"
    mode = f"w:{compression}"
    for query, files in (
        ("", {"Dockerfile": bad}), ("", {"dockerfile": bad}), ("", {"./Dockerfile": bad}), ("", {"/Dockerfile": bad}),
        ("?dockerfile=a/b", {"a/b": bad, "Dockerfile": good}), ("?dockerfile=./a//b", {"a/b": bad}),
        ("?dockerfile=/a", {"a": bad}), ("?dockerfile=x/../a", {"a": bad}),
        ("", {"Dockerfile": ("sym", "a"), "a": bad}), ("", {"Dockerfile": ("sym", "/a/../b"), "b": bad}),
        ("?dockerfile=d/f", {"d": ("sym", "e"), "e/f": bad}), ("", {"a": bad, "Dockerfile": ("link", "a")}),
        ("", {"Dockerfile": "\ufeff" + bad}), ("", {"Dockerfile": bad.replace("\n", "\r\n")}),
        ("?buildargs=" + quote(json.dumps({"X": f"{foreign.name}:secret"})), {"Dockerfile": "ARG X\nFROM ${X}\n"}),
    ):  # fmt: skip
        answer = lab.api.ask("POST", f"/build{query}", _archive(files, mode), {"Content-Type": "application/x-tar"})
        assert answer.status == 403, (query, files, answer.body)
        assert _OUTSIDE in answer.message
    for files in (
        {"Dockerfile": good, "Dockerfile#2": bad}, {"d": ("sym", "."), "d/Dockerfile": bad, "Dockerfile": good},
        {"../Dockerfile": bad}, {"a/../../Dockerfile": bad},
    ):  # fmt: skip
        answer = lab.api.ask("POST", "/build", _archive(files, mode), {"Content-Type": "application/x-tar"})
        assert answer.status == 400, (files, answer.body)
    answer = lab.api.ask("POST", "/build", _archive({"Dockerfile": good}, mode), {"Content-Type": "application/x-tar"})
    assert b"Successfully built" in answer.body
    missing = lab.api.ask("POST", "/build", _archive({"x": good}, mode), {"Content-Type": "application/x-tar"})
    assert "Cannot locate specified Dockerfile" in missing.message
    for junk in (b"", b"no archive at all", b"\x28\xb5\x2f\xfdzstd", b"\x1f\x8bbroken"):
        assert lab.api.ask("POST", "/build", junk, {"Content-Type": "application/x-tar"}).status in {400, 500}


def test_ids_of_foreign_images(lab: Lab, foreign: Foreign) -> None:
    """The classic builder takes ids and the beginnings of ids for names."""
    plain = foreign.image_id.removeprefix("sha256:")
    for ref in (plain, plain[:12], foreign.image_id):
        for text in (f"FROM {ref}\nRUN env\n", f"FROM {lab.image}\nCOPY --from={ref} /etc /x\n"):
            for builder in "01":
                (lab.workspace / "Dockerfile").write_text(text)
                done = lab.docker("build", ".", env={"DOCKER_BUILDKIT": builder})
                assert done.returncode != 0, (ref, done.stderr)
                assert foreign.secret not in done.stdout + done.stderr
                assert builder == "1" or _OUTSIDE in done.stderr + done.stdout


@pytest.mark.parametrize("builder", ["0", "1"])
def test_triggers_that_a_base_brings(lab: Lab, foreign: Foreign, builder: str) -> None:
    env = {"DOCKER_BUILDKIT": builder}
    base = f"{lab.name}-onbuild{builder}:1"
    (lab.workspace / "Dockerfile").write_text(f"FROM {lab.image}\nONBUILD COPY --from={foreign.name}:secret /etc /x\n")
    made = lab.docker("build", "-t", base, ".", env=env)
    if made.returncode:  # the classic builder's reader looks through what is only remembered, too
        assert builder == "0"
        lab.ok("create", "--name", f"{lab.name}-on", lab.image)
        change = f"ONBUILD COPY --from={foreign.name}:secret /etc /x"
        lab.ok("commit", "--change", change, f"{lab.name}-on", base)
    (lab.workspace / "Dockerfile").write_text(f"FROM {base}\nRUN ls /x\n")
    done = lab.docker("build", ".", env=env)
    assert done.returncode != 0
    # This builder takes --from in triggers for stages only; newer ones for images too, and then the policy stands.
    assert _OUTSIDE in done.stderr + done.stdout or (builder == "1" and "cannot copy from stage" in done.stderr)


def test_named_contexts_bake_and_compose(lab: Lab, foreign: Foreign) -> None:
    other = f"{foreign.name}:secret"
    (lab.workspace / "Dockerfile").write_text(f"FROM {lab.image}\nCOPY --from=q /etc /x\nRUN ls /x\n")
    bake = {"target": {"t": {"context": ".", "contexts": {"q": f"docker-image://{other}"}}}}
    (lab.workspace / "bake.json").write_text(json.dumps(bake))
    linked = {"target": {"u": {"dockerfile-inline": f"FROM {other}\n"},
                         "t": {"context": ".", "contexts": {"q": "target:u"}}}}  # fmt: skip
    (lab.workspace / "linked.json").write_text(json.dumps(linked))
    service = {"services": {"s": {"build": {"dockerfile_inline": f"FROM {other}\nRUN env\n"}}}}
    (lab.workspace / "compose.yaml").write_text(json.dumps(service))
    for words in (
        ("build", "--build-context", f"q=docker-image://{other}", "."),
        ("build", "--build-context", f"q=docker-image://docker.io/library/{other}", "."),
        ("build", "--build-context", f"{lab.image}=docker-image://{other}", "--build-context", "q=.", "."),
        ("buildx", "bake", "-f", "bake.json", "t"), ("buildx", "bake", "-f", "linked.json", "t"),
        ("compose", "build"), ("compose", "up", "--build"),
    ):  # fmt: skip
        done = lab.docker(*words)
        assert done.returncode != 0, words
        assert _OUTSIDE in done.stderr + done.stdout, (words, done.stderr)
        assert foreign.secret not in done.stderr + done.stdout
    lab.ok("build", "--build-context", f"q=docker-image://{lab.image}", ".")
    # Linked targets hand the graph of one build to the next, cache mounts and all.
    inline = f"FROM {lab.image}\nRUN --mount=type=cache,target=/c touch /c/x && mkdir /etc/y\n"
    linked["target"]["u"]["dockerfile-inline"] = inline
    (lab.workspace / "linked.json").write_text(json.dumps(linked))
    lab.ok("buildx", "bake", "-f", "linked.json", "t")
    policy = lab.workspace / "policy.json"
    source = f"docker-image://docker.io/library/{lab.image}"
    rule = {
        "action": "CONVERT",
        "selector": {"identifier": source},
        "updates": {"identifier": f"docker-image://{other}"},
    }
    policy.write_text(json.dumps({"rules": [rule]}))
    done = lab.docker("build", "--build-context", "q=.", ".", env={"EXPERIMENTAL_BUILDKIT_SOURCE_POLICY": str(policy)})
    assert done.returncode != 0
    assert "leave yours out" in done.stderr


def test_only_the_builders_own_front_end_reads(lab: Lab, foreign: Foreign) -> None:
    """`# syntax` fetches nothing: an image that the lab calls so cannot make steps that nobody sees."""
    lab.ok("tag", lab.image, "docker/dockerfile:1")
    for line in ("docker/dockerfile:1", f"{lab.name}/nowhere:1", f"{foreign.name}:secret"):
        (lab.workspace / "Dockerfile").write_text(f"# syntax={line}\nFROM {lab.image}\nRUN true\n")
        lab.ok("build", ".")
    lab.ok("rmi", "docker/dockerfile:1")
    # Some clients ask for the front end themselves, others leave it to the builder, which does not look.
    done = lab.docker("build", "--build-arg", f"BUILDKIT_SYNTAX={foreign.name}:secret", ".")
    assert done.returncode == 0 or "not by another front end" in done.stderr
    assert foreign.secret not in done.stdout + done.stderr


def test_builds_do_not_fetch_from_the_machine_itself(lab: Lab) -> None:
    for address in ("http://127.0.0.1:1/x", "http://localhost:1/x", "http://[::1]:1/x", "http://me@127.1/x"):
        (lab.workspace / "Dockerfile").write_text(f"FROM {lab.image}\nADD {address} /\n")
        done = lab.docker("build", ".")
        assert done.returncode != 0
        assert "denied by policy" in done.stderr, done.stderr


def test_buildkit_in_the_old_way_is_refused(lab: Lab) -> None:
    answer = lab.api.ask("POST", "/build?version=2&remote=client-session&session=x&buildid=y")
    assert answer.status == 403
    assert "docker buildx build" in answer.message
    # Unless told otherwise, such a client takes the builder that the engine asks for.
    for agent, builder in (("Docker-Client/20.10.24 (linux)", "1"), ("Docker-Client/28.5.2 (linux)", "2"), ("x", "2")):
        for method in ("GET", "HEAD"):
            told = lab.api.ask(method, "/_ping", None, {"User-Agent": agent}).headers
            assert told["builder-version"] == builder
    assert lab.direct.ask("GET", "/_ping").headers["builder-version"] == "2"
