"""Swarm where the step allows it: own services only, and the engine is left as it was found."""

from __future__ import annotations

import pytest
from sandbox_lab import open_lab

from tutor.engine.images import resolve

pytestmark = pytest.mark.engine


def test_a_swarm_of_one(engine_host: str) -> None:
    with open_lab(engine_host, resolve("shell"), "swarm") as lab:
        state = lab.direct.good("GET", "/info")["Swarm"]["LocalNodeState"]
        networks = {item["Id"] for item in lab.direct.good("GET", "/networks")}
        found = state == "active"
        if not found:
            assert "is now a manager" in lab.ok("swarm", "init")
        name = f"{lab.name}-s"
        create = ("service", "create", "-q", "--detach=false", "--replicas", "2", "--name", name)
        lab.ok(*create, lab.image, "sleep", "300")
        assert lab.ok("service", "ls", "--format", "{{.Name}} {{.Replicas}}") == f"{name} 2/2"
        assert len(lab.ok("service", "ps", "-q", name).split()) == 2
        assert len(lab.ok("ps", "-q", "--filter", f"name={name}").split()) == 2
        lab.ok("service", "scale", "--detach=false", f"{name}=1")
        lab.ok("service", "update", "-q", "--detach=false", "--env-add", "A=b", name)
        labels = lab.direct.good("GET", f"/services/{name}")["Spec"]["TaskTemplate"]["ContainerSpec"]["Labels"]
        assert labels["docker-tutor.lab"] == lab.name
        lab.ok("secret", "create", f"{lab.name}-x", "-", stdin="hush")
        lab.ok("network", "create", "-d", "overlay", f"{lab.name}-o")
        # What somebody else runs in the same swarm is not seen, and cannot be changed.
        spec = {"Name": f"{lab.name}-other", "TaskTemplate": {"ContainerSpec": {"Image": lab.image}},
                "Mode": {"Replicated": {"Replicas": 0}}}  # fmt: skip
        other = lab.direct.good("POST", "/services/create", spec)["ID"]
        try:
            assert lab.ok("service", "ls", "-q").split() == [lab.direct.good("GET", f"/services/{name}")["ID"][:12]]
            for words in (("rm",), ("inspect",), ("ps",), ("update", "--env-add", "A=b")):
                assert lab.docker("service", *words, other).returncode != 0
            assert lab.api.ask("DELETE", f"/services/{other}").status == 404
            taken = lab.docker("service", "create", "--name", f"{lab.name}-other", "-d", lab.image)
            assert "outside of this lab" in taken.stderr
        finally:
            lab.direct.good("DELETE", f"/services/{other}")
        for words in (
            ("--mount", "type=bind,src=/etc,dst=/x"), ("--cap-add", "SYS_ADMIN"), ("--network", "host"),
            ("--mount", "type=volume,src=v,dst=/x,volume-opt=type=none,volume-opt=device=/etc,volume-opt=o=bind"),
        ):  # fmt: skip
            done = lab.docker("service", "create", "-d", "--name", f"{lab.name}-bad", *words, lab.image, "true")
            assert done.returncode != 0, words
            assert "lab" in done.stderr
        # Nor does a service run an image of somebody else, by name, id or the beginning of one.
        tag = f"foreign-{lab.name}"
        lab.direct.ask("POST", f"/images/create?fromSrc=-&repo={tag}&tag=1", bytes(1024))
        image = lab.direct.good("GET", f"/images/{tag}:1/json")["Id"]
        try:
            for ref in (f"{tag}:1", image, image[7:], image[7:19], f"{tag}:1@{image}"):
                spec = {"Name": f"{lab.name}-bad", "TaskTemplate": {"ContainerSpec": {"Image": ref}}}
                answer = lab.api.ask("POST", "/services/create", spec)
                assert answer.status == 404, (ref, answer.body)
        finally:
            lab.direct.good("DELETE", f"/images/{tag}:1")
        assert "JoinTokens" not in lab.api.good("GET", "/swarm")
        assert lab.docker("swarm", "join-token", "--rotate", "worker").returncode != 0
        if found:
            assert "was in a swarm before" in lab.docker("swarm", "leave", "--force").stderr
        assert "hush" not in (lab.folder / "trace.jsonl").read_text()
        receipt = lab.close()
        assert receipt.clean, receipt.words()
        assert lab.direct.good("GET", "/info")["Swarm"]["LocalNodeState"] == state
        assert {item["Id"] for item in lab.direct.good("GET", "/networks")} == networks
