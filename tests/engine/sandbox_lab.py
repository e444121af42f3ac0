"""A lab behind a sandbox, and a foreign object of each kind beside it, for tests."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tutor.engine.address import EngineAddress
from tutor.engine.routes import of_machine
from tutor.lab.session.engine import upstream
from tutor.sandbox.cleanup import Receipt, close
from tutor.sandbox.policy import LAB, OWNER, SEAT_KEYS, Scope
from tutor.sandbox.proxy import Sandbox
from tutor.sandbox.trace import Call, Trace
from tutor.sandbox.upstream import Upstream


class _Unix(http.client.HTTPConnection):
    def __init__(self, way: Upstream) -> None:
        super().__init__("docker", timeout=60)
        self._way = way

    def connect(self) -> None:
        self.sock = self._way.socket(60)


@dataclass
class Answer:
    """An answer of the API."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        return str(self.json["message"])


class Api:
    """Plain HTTP to the engine or to a sandbox."""

    def __init__(self, way: Upstream) -> None:
        self.way = way

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        connection = _Unix(self.way)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        extra = {"Content-Type": "application/json"} if data is not None else {}
        connection.request(method, path, data, extra | (headers or {}))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return Answer(answer.status, {key.lower(): value for key, value in answer.getheaders()}, content)

    def good(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.ask(method, path, body)
        assert answer.status < 400, answer.body
        return answer.json if answer.body.strip() else None

    def raw(self, data: bytes, *, shut: bool = True, timeout: float = 20) -> bytes:
        """Bytes in, and all bytes out until the other side closes."""
        with self.way.socket(timeout) as plain:
            plain.sendall(data)
            if shut:
                plain.shutdown(socket.SHUT_WR)
            parts = []
            while part := plain.recv(65536):
                parts.append(part)
            return b"".join(parts)


@dataclass
class Lab:
    """A sandbox that runs, and ways to use it."""

    name: str
    engine: Upstream
    sandbox: Sandbox
    folder: Path
    image: str
    keys: tuple[str, str] = (LAB, OWNER)
    near: Upstream | None = None
    api: Api = field(init=False)
    direct: Api = field(init=False)

    def __post_init__(self) -> None:
        self.api = Api(Upstream(unix=str(self.sandbox.socket)))
        self.direct = Api(self.engine)

    @property
    def workspace(self) -> Path:
        return self.folder / "ws"

    @property
    def record(self) -> Path:
        return self.folder / "sandbox.json"

    @property
    def host(self) -> str:
        return f"unix://{self.sandbox.socket}"

    def environment(self, *, direct: bool = False) -> dict[str, str]:
        gone = ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
        env = {key: value for key, value in os.environ.items() if key not in gone}
        env["DOCKER_CONFIG"] = str(self.folder / "config")
        env["DOCKER_HOST"] = (os.environ.get("DOCKER_HOST") or f"unix://{self.engine.unix}") if direct else self.host
        env["BUILDX_NO_DEFAULT_ATTESTATIONS"] = "1"
        return env

    def docker(
        self, *words: str, direct: bool = False, stdin: str | bytes = "", env: dict[str, str] | None = None,
        program: str = "docker", timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:  # fmt: skip
        """Run the docker command as the lab's shell does."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            (program, *words), input=data, capture_output=True, timeout=timeout, cwd=self.workspace,
            env=self.environment(direct=direct) | (env or {}), check=False,
        )  # fmt: skip
        out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    def ok(self, *words: str, **options: Any) -> str:
        done = self.docker(*words, **options)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout.strip()

    def calls(self) -> tuple[Call, ...]:
        return self.sandbox.trace.calls()

    def allow(self, *names: str) -> None:
        self.sandbox.set_scope(self.scope.allowing(*names))

    @property
    def scope(self) -> Scope:
        return Scope(self.name, "tests", frozenset({self.image}), str(self.workspace), keys=self.keys)

    def close(self) -> Receipt:
        return close(self.near or self.engine, self.name, "tests", self.record, keys=self.keys)


@contextmanager
def open_lab(
    engine_host: str, image: str, *allow: str, keys: tuple[str, str] = (LAB, OWNER), within: Lab | None = None
) -> Iterator[Lab]:
    """A lab on the engine, or in a seat's part of it; closed afterwards, whatever the test did."""
    near = Upstream(unix=str(within.sandbox.socket)) if within else None
    way = upstream(EngineAddress.parse(engine_host))
    folder = Path(tempfile.mkdtemp(prefix="sb-", dir="/tmp"))
    (folder / "ws").mkdir()
    name = f"99-{secrets.token_hex(3)}"
    scope = Scope(name, "tests", frozenset({image}), str(folder / "ws"), frozenset(allow), keys)
    sandbox = Sandbox(
        near or way, scope, folder / "s" / "docker.sock", Trace(folder / "trace.jsonl"), record=folder / "sandbox.json",
        routes=lambda: of_machine(EngineAddress.parse(engine_host)),
    )  # fmt: skip
    sandbox.start()
    lab = Lab(name, way, sandbox, folder, image, keys, near)
    try:
        yield lab
    finally:
        sandbox.stop()
        receipt = lab.close()
        shutil.rmtree(folder, ignore_errors=True)
    assert receipt.clean, receipt.words()


KINDS = ("lab", "seat", "lab in a seat")


@contextmanager
def open_kind(kind: str, engine_host: str, image: str) -> Iterator[Lab]:
    """A lab, a seat of a workshop, or a lab as a seat has it: behind two sandboxes."""
    if kind == "lab":
        with open_lab(engine_host, image) as lab:
            yield lab
        return
    with open_lab(engine_host, image, keys=SEAT_KEYS) as seat:
        if kind == "seat":
            yield seat
            return
        with open_lab(engine_host, image, within=seat) as lab:
            yield lab


@dataclass
class Foreign:
    """Objects of the learner's, made on the engine itself."""

    name: str
    running: str
    stopped: str
    network: str
    image: str
    image_id: str
    volume: str
    exec: str
    anonymous: str
    secret: str = ""

    def state(self, api: Api) -> list[Any]:
        """All that inspect says of them, without what changes by itself."""
        seen = [api.good("GET", f"/containers/{item}/json") for item in (self.running, self.stopped)]
        seen.append(api.good("GET", f"/networks/{self.network}"))
        seen += [api.good("GET", f"/volumes/{item}") for item in (self.volume, self.anonymous)]
        for item in seen[:2]:
            item.pop("ExecIDs")  # the engine forgets a command that nobody starts
            item["Mounts"].sort(key=lambda mount: mount["Destination"])  # listed in any order
        image = api.good("GET", f"/images/{self.image}/json")
        return [*seen, image["Id"], self.image in image["RepoTags"]]


@contextmanager
def foreign_objects(engine_host: str, image: str) -> Iterator[Foreign]:
    """Plant them, and remove them by id."""
    api = Api(upstream(EngineAddress.parse(engine_host)))
    name = f"foreign-{secrets.token_hex(3)}"
    undo: list[Callable[[], Any]] = []

    def later(method: str, path: str) -> None:
        undo.append(lambda: api.ask(method, path))

    try:
        volume = api.good("POST", "/volumes/create", {"Name": f"{name}-v"})["Name"]
        later("DELETE", f"/volumes/{volume}")
        network = api.good("POST", "/networks/create", {"Name": f"{name}-n"})["Id"]
        later("DELETE", f"/networks/{network}")
        api.good("POST", f"/images/{image}/tag?repo={name}&tag=1")
        later("DELETE", f"/images/{name}:1?noprune=1")
        host = {"Binds": [f"{volume}:/v"], "NetworkMode": f"{name}-n"}
        body = {"Image": f"{name}:1", "Cmd": ["sleep", "3600"], "StopSignal": "SIGKILL", "HostConfig": host}
        running = api.good("POST", f"/containers/create?name={name}", {**body, "Volumes": {"/anon": {}}})["Id"]
        later("DELETE", f"/containers/{running}?force=1&v=1")
        api.good("POST", f"/containers/{running}/start")
        stopped = api.good("POST", f"/containers/create?name={name}-stopped", body)["Id"]
        later("DELETE", f"/containers/{stopped}?force=1&v=1")
        command = api.good("POST", f"/containers/{running}/exec", {"Cmd": ["sleep", "3600"]})["Id"]
        mounts = api.good("GET", f"/containers/{running}/json")["Mounts"]
        anonymous = next(item["Name"] for item in mounts if item["Destination"] == "/anon")
        image_id = api.good("GET", f"/images/{name}:1/json")["Id"]
        yield Foreign(name, running, stopped, network, f"{name}:1", image_id, volume, command, anonymous)
    finally:
        for step in reversed(undo):
            step()


@contextmanager
def foreign_secret(engine_host: str, image: str) -> Iterator[Foreign]:
    """With an image that holds a secret, which no output may show: `NAME:secret`, and once more as `NAME:latest`."""
    api = Api(upstream(EngineAddress.parse(engine_host)))
    with foreign_objects(engine_host, image) as planted:
        planted.secret = f"secret-{secrets.token_hex(8)}"
        made = api.good("POST", "/containers/create", {"Image": planted.image, "Cmd": ["true"]})["Id"]
        try:
            change = quote(f"ENV HUSH={planted.secret}") + "&changes=" + quote("LABEL hush=1")
            path = f"/commit?container={made}&repo={planted.name}&tag=secret&changes={change}"
            planted.image_id = api.good("POST", path)["Id"]
            api.good("POST", f"/images/{planted.image_id}/tag?repo={planted.name}&tag=latest")
            yield planted
        finally:
            api.ask("DELETE", f"/containers/{made}?force=1")
            for tag in ("secret", "latest"):
                api.ask("DELETE", f"/images/{planted.name}:{tag}?noprune=1")
