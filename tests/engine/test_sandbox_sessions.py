"""The same session with and without the sandbox says the same."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox_lab import Lab, open_lab

from tutor.engine.images import resolve

pytestmark = pytest.mark.engine

_CLIENTS = [path for path in ("/usr/local/bin/docker", "/usr/bin/docker") if Path(path).exists()] or ["docker"]


@pytest.fixture(scope="module")
def lab(engine_host: str) -> Iterator[Lab]:
    with open_lab(engine_host, resolve("shell")) as opened:
        (opened.workspace / "app").mkdir()
        (opened.workspace / "app" / "Dockerfile").write_text(
            f"FROM {opened.image}\nARG WHO=you\nLABEL a=b\nRUN echo hello $WHO > /hello\nVOLUME /data\n"
            'CMD ["cat", "/hello"]\n'
        )
        (opened.workspace / "compose.yaml").write_text(
            f"services:\n  web:\n    build: app\n    command: sleep 300\n    stop_signal: KILL\n"
            f"    volumes: ['stuff:/stuff', './app:/app:ro']\n    ports: ['127.0.0.1::80']\n    depends_on: [db]\n"
            f"  db:\n    image: {opened.image}\n    command: sh -c 'echo ready; sleep 300'\n    stop_signal: KILL\n"
            "    environment: [PASSWORD=hush]\n"
            "volumes: {stuff: {}}\n"
        )
        yield opened


def _plain(text: str, lab: Lab, name: str) -> str:
    text = text.replace(name, "NAME").replace(str(lab.workspace), "WS")
    text = re.sub(r"sha256:[0-9a-f]{64}|\b[0-9a-f]{64}\b|\b[0-9a-f]{12}\b", "ID", text)
    text = re.sub(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?[+-]\d{4})?( UTC|Z)?", "WHEN", text)
    text = re.sub(r"\b(Less than a|About a|\d+) (second|minute)s?( ago)?|\b\d+\.\d+s\b", "AGO", text)
    text = re.sub(r"\b(10|172|192)\.\d+\.\d+\.\d+(/\d+)?|([0-9a-f]{2}:){5}[0-9a-f]{2}", "ADDRESS", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    text = re.sub(r"docker-tutor\.(lab|owner)[=:][^,\s\]]+,? ?", "", text)
    return re.sub(r"[ \t]+", " ", text).strip()


def _session(lab: Lab, commands: list[str], name: str, client: str, *, direct: bool) -> list[str]:
    said = []
    env = lab.environment(direct=direct) | {"COMPOSE_PROGRESS": "plain", "N": name, "D": client, "IMAGE": lab.image}
    env["PATH"] = f"{Path(client).parent}:{env['PATH']}"
    for command in commands:
        done = subprocess.run(
            ["sh", "-c", command], cwd=lab.workspace, env=env, capture_output=True, text=True, timeout=120, check=False
        )
        said.append(f"$ {command}\n{done.returncode}\n{done.stdout}\n--\n{done.stderr}")
    return said


def _compare(lab: Lab, commands: list[str], client: str = _CLIENTS[0]) -> None:
    name = f"{lab.name}-s"
    undo = (
        f"{client} rm -fv $({client} ps -aq --filter name=$N); {client} volume rm $({client} volume ls -q -f name=$N);"
        f" {client} network rm $({client} network ls -q -f name=$N); {client} rmi -f $N:1 $N:2 $N:3 $N:4 $N:5; true"
    )
    real = _session(lab, commands, name, client, direct=True)
    _session(lab, [undo], name, client, direct=True)
    shown = _session(lab, commands, name, client, direct=False)
    _session(lab, [undo], name, client, direct=False)
    for one, other in zip(real, shown, strict=True):
        assert _plain(other, lab, name) == _plain(one, lab, name)


_BASIC = [
    "$D version --format '{{.Client.APIVersion}} {{.Server.APIVersion}} {{.Server.Version}}'",
    "$D run --rm $IMAGE echo hi",
    "echo in | $D run -i --rm $IMAGE cat",
    "printf 'a\\nb\\n' | $D run -i --rm $IMAGE sh -c 'read x; echo got $x; cat >&2'",
    "$D run --rm $IMAGE sh -c 'echo out; echo err >&2; exit 7'",
    "$D run --rm $IMAGE nosuchcommand",
    "$D run --rm nosuchimage-here:1 true 2>&1 | sed -n 1p",
    "$D run --rm --bad-flag $IMAGE",
    "$D run -d --name $N-a -p 127.0.0.1::80 -e A=b -v $N-v:/v -v /anon -l x=y --memory 64m --restart no $IMAGE "
    "sh -c 'echo started; sleep 300'",
    "$D run -d --name $N-a $IMAGE true",
    "$D ps -a --filter name=$N-a --format '{{.Names}} {{.Image}} {{.State}} {{.Ports}}'",
    "$D port $N-a", "$D exec $N-a id", "$D exec $N-a sh -c 'exit 3'", "echo x | $D exec -i $N-a cat",
    "$D exec -e Q=1 -w /tmp $N-a sh -c 'echo $Q; pwd'", "$D exec $N-a nosuch", "$D exec nosuch id",
    "$D logs $N-a", "$D logs --tail 1 -t $N-a", "timeout 1 $D logs -f $N-a",
    "$D top $N-a -o pid,args | tail -n +2 | wc -l", "$D stats --no-stream --format '{{.Name}}' $N-a",
    "$D inspect -f '{{json .HostConfig.Binds}} {{json .HostConfig.Mounts}} {{json .Config.Volumes}} "
    "{{json .Config.Env}} {{.HostConfig.NetworkMode}} {{len .Mounts}}' $N-a",
    "$D diff $N-a | sort", "$D cp $N-a:/etc/hostname - | wc -c",
    "echo data > f; $D cp f $N-a:/tmp/f; $D exec $N-a cat /tmp/f",
    "$D cp $N-a:/tmp/f g; cat g", "$D cp $N-a:/nosuch g", "$D cp nosuch:/x g",
    "$D pause $N-a; $D ps --filter name=$N-a --format '{{.State}}'; $D exec $N-a true; $D unpause $N-a",
    "$D update --memory 128m --memory-swap -1 $N-a", "$D rename $N-a $N-b; $D start $N-b",
    "$D kill -s USR1 nosuch", "$D stop -t 0 $N-b; $D inspect -f '{{.State.Status}} {{.State.ExitCode}}' $N-b",
    "$D start $N-b; $D restart -t 0 $N-b; $D rm $N-b", "$D rm -f $N-b", "$D rm $N-b", "$D kill $N-b",
    "$D wait $($D run -d --name $N-w $IMAGE sh -c 'exit 5')", "$D logs $N-w; $D start -a $N-w; echo $?",
    "$D export $N-w | tar t | grep -c bin/sh", "$D volume ls -q --filter name=$N", "$D volume rm $N-v",
    "$D volume rm $N-v", "$D volume create $N-v", "$D volume inspect -f '{{.Name}} {{.Driver}} {{.Options}}' $N-v",
    "$D volume inspect nosuch", "$D volume create --name $N-v", "$D volume create 'bad name'",
    "$D network create $N-n", "$D network create $N-n", "$D network inspect -f '{{.Name}} {{.Driver}}' $N-n",
    "$D run -d --name $N-c --network $N-n --network-alias al $IMAGE sleep 300",
    "$D run --rm --network $N-n $IMAGE ping -c 1 al | sed -n 1p",
    "$D run --rm --network container:$N-c $IMAGE hostname",
    "$D run --rm --pid container:$N-c $IMAGE ps | grep -c sleep",
    "$D run --rm --volumes-from $N-c $IMAGE true", "$D network rm $N-n", "$D network disconnect $N-n $N-c",
    "$D network connect $N-n $N-c", "$D network connect $N-n nosuch", "$D network connect nosuch $N-c",
    "$D network rm nosuch", "$D network rm bridge", "$D rm -f $N-c; $D network rm $N-n",
    "$D run --rm --network nosuch $IMAGE true", "$D run --rm --network container:nosuch $IMAGE true",
    "$D run --rm --user 1000 --workdir /tmp --hostname h --read-only $IMAGE sh -c 'id; pwd; hostname; touch /x'",
    "$D run --rm --cap-drop ALL $IMAGE grep CapEff /proc/self/status", "$D run --rm --tmpfs /t $IMAGE df /t | wc -l",
    "$D run --rm --init $IMAGE ps | sed -n 2p", "$D run --rm -v bad:name:x:y $IMAGE true",
    "$D run --rm -v relative/path:/x $IMAGE true", "$D create --name $N-z $IMAGE; $D rm $N-z",
    "$D tag $IMAGE $N:1; $D rmi $N:1; $D rmi $N:1", "$D tag nosuch $N:1", "$D image inspect nosuch",
    "$D history --format '{{.Size}}' $IMAGE | wc -l", "$D save $IMAGE | tar t | grep -c manifest.json",
    "$D tag $IMAGE $N:2; $D save $N:2 -o s.tar; $D rmi $N:2; $D load -i s.tar; $D rmi $N:2",
    "$D commit -m x $N-w $N:3; $D image inspect -f '{{.Comment}} {{len .RepoTags}}' $N:3; $D rm $N-w",
    "$D rmi $N:3 | wc -l",
    "echo | $D import - $N:3 2>&1 | tail -c 40", "$D container prune -f --filter label=nosuch",
]  # fmt: skip


@pytest.mark.parametrize("client", _CLIENTS)
def test_containers_images_networks_volumes(lab: Lab, client: str) -> None:
    _compare(lab, _BASIC if client == _CLIENTS[0] else _BASIC[:40], client)


_BUILDS = [
    "$D build -q -t $N:1 app | wc -c", "$D run --rm $N:1",
    "$D build --build-arg WHO=me -t $N:2 app 2>&1 | grep -o 'naming to [^ ]*' | sort -u | wc -l", "$D run --rm $N:2",
    "$D image inspect -f '{{index .Config.Labels \"a\"}} {{json .Config.Cmd}} {{json .Config.Volumes}}' $N:2",
    "$D build -t $N:1 -t $N:2 app 2>&1 | grep -o 'naming to [^ ]*' | sort -u | wc -l",
    "$D build -f nosuch app 2>&1 | grep -c nosuch",
    "printf 'FROM '$IMAGE'\\nRUN exit 3' | $D build -t $N:3 - 2>&1 | grep -c 'exit code: 3'",
    "printf 'FROM '$IMAGE'\\nRUN echo x > /x' | $D build --output type=local,dest=out - 2>&1 | grep -c export",
    "cat out/x",
    "DOCKER_BUILDKIT=0 $D build -t $N:3 app 2>&1 | grep -c 'Successfully'", "$D run --rm $N:3",
    "DOCKER_BUILDKIT=0 $D build -t $N:3 app 2>&1 | grep -q 'Using cache'",
    "DOCKER_BUILDKIT=0 $D build --no-cache --label a.b=c --label z=1 -t $N:4 app 2>/dev/null | sed 's/.*kB//'",
    "$D history --format '{{.CreatedBy}} {{.Size}}' $N:4", "$D history -q $N:4 | sed -n 1p | wc -c",
    "$D history --format '{{.CreatedBy}} {{.Size}}' $N:3",
    "printf 'FROM '$IMAGE'\\nRUN exit 3\\nRUN true' | DOCKER_BUILDKIT=0 $D build --force-rm - 2>&1 | grep -v DEPR",
    "DOCKER_BUILDKIT=0 $D build -q --no-cache -t $N:5 app 2>/dev/null | wc -c", "$D rmi $N:4 $N:5 | grep -c Untagged",
    "$D images --format '{{.Repository}}:{{.Tag}}' | grep $N", "$D rmi $N:1 $N:2 $N:3 | grep -c Untagged",
]  # fmt: skip


def test_builds(lab: Lab) -> None:
    _compare(lab, _BUILDS)


_COMPOSE = [
    "$D compose -p $N up -d --build 2>&1 | grep -E 'Started|Created' | sort",
    "$D compose -p $N ps --format '{{.Service}} {{.State}}' | sort",
    "$D compose -p $N logs db", "timeout 2 $D compose -p $N logs -f db", "$D compose -p $N exec -T web id",
    "echo y | $D compose -p $N exec -T web cat", "$D compose -p $N exec -T web ls /app",
    "$D compose -p $N run --rm -T db echo once", "$D compose -p $N up -d 2>&1 | grep -c Running",
    "$D compose -p $N restart -t 0 db 2>&1 | grep -c Started", "$D compose -p $N top | grep -c sleep",
    "$D compose -p $N images --format json | grep -c web", "$D compose -p $N up -d --scale db=2 2>&1 | grep -c db-2",
    "$D compose ls -q | grep $N", "$D compose -p $N stop -t 0 2>&1 | grep -c Stopped",
    "$D compose -p $N start 2>&1 | wc -l",
    "$D compose -p $N down -v --rmi local -t 0 2>&1 | grep Removed | sort", "$D compose -p $N ps -aq",
]  # fmt: skip


def test_compose(lab: Lab) -> None:
    _compare(lab, _COMPOSE)


def test_buildx(lab: Lab) -> None:
    if not shutil.which("docker"):
        pytest.fail("no docker command")
    lab.ok("buildx", "build", "-t", f"{lab.name}:bx", "app")
    assert lab.ok("buildx", "ls").count("running")
    lab.ok("buildx", "inspect")
    done = lab.docker("buildx", "build", "--allow", "security.insecure", "-t", f"{lab.name}:by", "app")
    assert done.returncode != 0
    assert "rights over this machine" in done.stderr
    lab.ok("rmi", f"{lab.name}:bx")


def test_the_sdk(lab: Lab) -> None:
    from docker import DockerClient  # type: ignore[attr-defined]

    client = DockerClient(base_url=lab.host)
    assert client.ping()
    assert client.containers.run(lab.image, ["echo", "sdk"], remove=True) == b"sdk\n"
    box = client.containers.run(lab.image, ["sleep", "60"], detach=True, name=f"{lab.name}-sdk")
    assert box.exec_run(["id", "-u"]).output == b"0\n"
    assert [item.name for item in client.containers.list()] == [f"{lab.name}-sdk"]
    assert box.attrs["Config"]["Labels"]["docker-tutor.lab"] == lab.name
    stream = box.exec_run(["sh", "-c", "echo a; echo b"], stream=True).output
    assert b"".join(stream) == b"a\nb\n"
    box.remove(force=True, v=True)
    client.close()


def test_the_trace_tells_the_session(lab: Lab) -> None:
    before = lab.sandbox.trace.last
    lab.ok("run", "--rm", "--name", f"{lab.name}-t", "-e", "TOKEN=hush-hush", lab.image, "true")
    lab.ok("run", "-d", "--name", f"{lab.name}-u", lab.image, "sleep", "30")
    lab.ok("exec", f"{lab.name}-u", "id")
    lab.ok("rm", "-f", f"{lab.name}-u")
    calls = lab.sandbox.trace.calls(before)
    said = [call.words for call in calls]
    assert f"create container `{lab.name}-t` from `{lab.image}`" in said
    assert f"start `{lab.name}-t`" in said
    assert f"prepare `id` inside `{lab.name}-u`" in said
    assert f"run `id` inside `{lab.name}-u`" in said
    assert f"remove container `{lab.name}-u` by force" in said
    create = next(call for call in calls if call.template == "POST /containers/create")
    assert create.program == "docker"
    assert create.command == f"docker run --rm --name {lab.name}-t -e TOKEN=… {lab.image} true"
    assert create.body["Env"] == ["TOKEN=…"]
    assert create.status == 201
    assert create.duration_ms is not None
    assert "hush-hush" not in (lab.folder / "trace.jsonl").read_text()
    assert lab.sandbox.in_flight == 0
