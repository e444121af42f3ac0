"""A swarm that another lab leaves in the middle of a look at it."""

from __future__ import annotations

from typing import Any, cast

import pytest
from docker.errors import APIError
from requests import Response

from tutor.engine.connect import Engine
from tutor.engine.snapshot import services, swarm_labels


class Api:
    """Answers the ping as a manager does, and then as it is told."""

    def __init__(self, status: int, ping: str = "active/manager") -> None:
        self.status, self.ping = status, ping

    def _url(self, path: str, **_: Any) -> str:
        return path

    def _get(self, path: str) -> Response:
        response = Response()
        response.headers["Swarm"] = self.ping
        return response

    def services(self, **_: Any) -> list[dict[str, Any]]:
        return cast(list[dict[str, Any]], self._answer([{"ID": "s"}]))

    def inspect_swarm(self) -> dict[str, Any]:
        return cast(dict[str, Any], self._answer({"Spec": {"Labels": {"of": "it"}}}))

    def _answer(self, answer: object) -> object:
        if self.status == 200:
            return answer
        response = Response()
        response.status_code = self.status
        raise APIError("swarm", response=response)


class Connected:
    def __init__(self, api: Api) -> None:
        self.api = api


def engine(status: int, ping: str = "active/manager") -> Engine:
    return cast(Engine, Connected(Api(status, ping)))


def test_a_manager_tells_and_a_worker_is_not_asked() -> None:
    assert services(engine(200), "lab") == [{"ID": "s"}]
    assert swarm_labels(engine(200)) == {"of": "it"}
    assert services(engine(500, "inactive"), "lab") == []
    assert swarm_labels(engine(500, "inactive")) == {}


def test_a_manager_that_has_just_left_has_no_services() -> None:
    assert services(engine(503), "lab") == []
    assert swarm_labels(engine(503)) == {}


def test_other_refusals_are_told() -> None:
    with pytest.raises(APIError):
        services(engine(500), "lab")
