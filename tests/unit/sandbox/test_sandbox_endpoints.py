from __future__ import annotations

from pathlib import Path

import pytest

from tutor.sandbox.endpoints import ENDPOINTS, find
from tutor.sandbox.rules import RULES
from tutor.sandbox.words import words

_LINES = (Path(__file__).parent / "api_endpoints.txt").read_text().splitlines()
_KNOWN = [line.split() for line in _LINES if line[0] != "#"]
_LISTED = {line.split()[2]: int(line.split()[3]) for line in _LINES if line.startswith("# listed ")}
_BESIDE = {
    "POST /build/cancel", "POST /grpc", "GET /containers/{id}/checkpoints", "POST /containers/{id}/checkpoints",
    "DELETE /containers/{id}/checkpoints/{name}",
}  # fmt: skip


def test_the_lists_are_whole() -> None:
    """As many endpoints as each version's reference has, and each once."""
    assert list(_LISTED) == [f"1.{minor}" for minor in range(41, 52)]
    assert len({(method, path) for _, method, path in _KNOWN}) == len(_KNOWN)
    for version, number in _LISTED.items():
        known = {f"{method} {path}" for since, method, path in _KNOWN if int(since[2:]) <= int(version[2:])}
        assert len(known - _BESIDE) == number


@pytest.mark.parametrize("version", [f"1.{minor}" for minor in range(41, 52)])
def test_no_endpoint_is_without_a_rule(version: str) -> None:
    table = {item.template for item in ENDPOINTS if not item.since or int(item.since[2:]) <= int(version[2:])}
    known = {f"{method} {path}" for since, method, path in _KNOWN if int(since[2:]) <= int(version[2:])}
    assert table == known


def test_every_rule_exists_and_is_used() -> None:
    assert {item.rule for item in ENDPOINTS} == set(RULES)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda item: item.template)
def test_every_endpoint_is_found_and_has_words(endpoint: object) -> None:
    from tutor.sandbox.endpoints import Endpoint

    assert isinstance(endpoint, Endpoint)
    path = endpoint.path.replace("{id}", "web").replace("{name}", "web")
    found = find(endpoint.method, path)
    assert found is not None
    assert found[0] is endpoint
    assert found[1] in {"", "web"}
    said = words(endpoint, "web", {}, None)
    assert said != endpoint.template
    assert "{" not in said
    assert endpoint.does


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/images/localhost:5000/a/b:1/json", "localhost:5000/a/b:1"), ("GET", "/images/get/json", "get"),
        ("DELETE", "/images/a/json", "a/json"), ("GET", "/images/a/json/json", "a/json"),
        ("POST", "/images/a/push/tag", "a/push"),
    ],
)  # fmt: skip
def test_names_with_slashes(method: str, path: str, name: str) -> None:
    found = find(method, path)
    assert found is not None
    assert found[1] == name


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nosuch"), ("PATCH", "/containers/json"), ("POST", "/containers/a/copy"),
        ("GET", "/containers/a/b/json"),
        ("GET", "/debug/pprof/heap"), ("OPTIONS", "/info"), ("GET", "/networks/"),
        ("GET", "/debug/vars"), ("PUT", "/containers/a"), ("GET", "/"), ("POST", "/grpc/x"),
    ],
)  # fmt: skip
def test_what_is_not_listed_is_not_found(method: str, path: str) -> None:
    assert find(method, path) is None


def test_words_say_what_screens_show() -> None:
    def say(method: str, path: str, query: dict[str, str], body: object = None) -> str:
        found = find(method, path)
        assert found is not None
        return words(found[0], found[1], query, body)

    made = say("POST", "/containers/create", {"name": "web"}, {"Image": "nginx"})
    assert made == "create container `web` from `nginx`"
    assert say("POST", "/images/create", {"fromImage": "nginx", "tag": "1.26"}) == "pull image `nginx:1.26`"
    assert say("POST", f"/containers/{'ab' * 32}/start", {}) == "start `abababababab`"
    assert say("DELETE", "/containers/web", {"force": "1", "v": "1"}) == (
        "remove container `web` by force with its anonymous volumes"
    )
    assert say("GET", "/containers/json", {"all": "1"}) == "list all containers"
    assert say("POST", "/networks/n/connect", {}, {"Container": "web"}) == "connect container `web` to network `n`"
