"""API calls in plain words: "create container `web` from `nginx`"."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tutor.sandbox.endpoints import Endpoint

_Say = Callable[[str, Mapping[str, str], Any], str]


def words(endpoint: Endpoint, ref: str, query: Mapping[str, str], body: Any) -> str:
    """What a call asks for.

    Args:
        endpoint: The endpoint.
        ref: The id or name in the path; long ids are shortened.
        query: The parameters.
        body: The parsed JSON of the request, None when there is none.
    """
    say = _WORDS.get(endpoint.template)
    short = _short(ref)
    if say is None:
        return endpoint.template
    if isinstance(say, str):
        return say.replace("{}", f"`{short}`")
    try:
        return say(short, query, body if isinstance(body, dict) else {})
    except (TypeError, AttributeError, ValueError):
        return endpoint.template  # of a shape that no Docker client sends, and refused for that


def _short(ref: str) -> str:
    bare = ref.removeprefix("sha256:")
    return bare[:12] if len(bare) == 64 and all(char in "0123456789abcdef" for char in bare) else ref


def _create(_: str, query: Mapping[str, str], body: Any) -> str:
    name = f" `{query['name']}`" if query.get("name") else ""
    return f"create container{name} from `{_short(str(body.get('Image', '?')))}`"


def _exec(ref: str, _: Mapping[str, str], body: Any) -> str:
    command = " ".join(str(word) for word in body.get("Cmd") or ())
    return f"prepare `{command}` inside `{ref}`"


def _pull(_: str, query: Mapping[str, str], body: Any) -> str:
    if query.get("fromSrc"):
        return f"import image `{query.get('repo', '')}`".replace(" ``", "")
    image, tag = query.get("fromImage", "?"), query.get("tag", "")
    return f"pull image `{image}{('@' if ':' in tag else ':') + tag if tag else ''}`"


def _tag(ref: str, query: Mapping[str, str], _: Any) -> str:
    return f"give image `{ref}` the name `{query.get('repo', '?')}:{query.get('tag') or 'latest'}`"


def _build(_: str, query: Mapping[str, str], __: Any) -> str:
    return f"build image `{query['t']}`" if query.get("t") else "build an image"


def _commit(_: str, query: Mapping[str, str], __: Any) -> str:
    name = f" `{query['repo']}`" if query.get("repo") else ""
    return f"make image{name} from container `{_short(query.get('container', '?'))}`"


def _join(verb: str, way: str) -> _Say:
    return lambda ref, _, body: f"{verb} container `{_short(str(body.get('Container', '?')))}` {way} network `{ref}`"


def _named(text: str) -> _Say:
    return lambda _, __, body: f"{text} `{body.get('Name', '')}`".replace(" ``", "")


def _list(text: str) -> _Say:
    def say(_: str, query: Mapping[str, str], __: Any) -> str:
        every = "all " if query.get("all") in {"1", "true", "True"} else ""
        try:
            filters = json.loads(query.get("filters") or "{}")
        except ValueError:
            filters = {}
        which = ", ".join(
            f"{key} {value}" for key, values in dict(filters).items() for value in (values if values else ())
        )
        return f"list {every}{text}" + (f" with {which}" if which else "")

    return say


def _logs(ref: str, query: Mapping[str, str], _: Any) -> str:
    return f"{'follow' if query.get('follow') in {'1', 'true'} else 'read'} the logs of `{ref}`"


def _remove(ref: str, query: Mapping[str, str], _: Any) -> str:
    force = " by force" if query.get("force") in {"1", "true"} else ""
    volumes = " with its anonymous volumes" if query.get("v") in {"1", "true"} else ""
    return f"remove container `{ref}`{force}{volumes}"


def _kill(ref: str, query: Mapping[str, str], _: Any) -> str:
    return f"send {query.get('signal') or 'SIGKILL'} to `{ref}`"


def _copy(text: str) -> _Say:
    return lambda ref, query, _: text.format(path=query.get("path", "?"), ref=ref)


def _wait(ref: str, query: Mapping[str, str], _: Any) -> str:
    until = "is removed" if query.get("condition") == "removed" else "exits"
    return f"wait until `{ref}` {until}"


_WORDS: dict[str, str | _Say] = {
    "GET /_ping": "is anybody there, and which API do you speak?",
    "HEAD /_ping": "is anybody there, and which API do you speak?",
    "GET /version": "which version are you?",
    "GET /info": "tell about yourself",
    "GET /events": "tell what happens, as it happens",
    "GET /system/df": "how much disk space is used?",
    "POST /auth": "log in to a registry",
    "GET /containers/json": _list("containers"),
    "POST /containers/create": _create,
    "POST /containers/prune": "remove all stopped containers",
    "GET /containers/{id}/json": "inspect container {}",
    "GET /containers/{id}/top": "list the processes of {}",
    "GET /containers/{id}/logs": _logs,
    "GET /containers/{id}/changes": "what differs between {} and its image?",
    "GET /containers/{id}/export": "export the filesystem of {}",
    "GET /containers/{id}/stats": "what does {} use now?",
    "POST /containers/{id}/resize": "tell {} the terminal's size",
    "POST /containers/{id}/start": "start {}",
    "POST /containers/{id}/stop": "stop {}",
    "POST /containers/{id}/restart": "restart {}",
    "POST /containers/{id}/kill": _kill,
    "POST /containers/{id}/update": "change the limits of {}",
    "POST /containers/{id}/rename": lambda ref, query, _: f"rename `{ref}` to `{query.get('name', '?')}`",
    "POST /containers/{id}/pause": "pause {}",
    "POST /containers/{id}/unpause": "unpause {}",
    "POST /containers/{id}/attach": "attach to {}: its input and output",
    "GET /containers/{id}/attach/ws": "attach to {}: its input and output",
    "POST /containers/{id}/wait": _wait,
    "DELETE /containers/{id}": _remove,
    "GET /containers/{id}/archive": _copy("copy `{path}` out of `{ref}`"),
    "PUT /containers/{id}/archive": _copy("copy files to `{path}` in `{ref}`"),
    "HEAD /containers/{id}/archive": _copy("what is `{path}` in `{ref}`?"),
    "POST /containers/{id}/exec": _exec,
    "GET /containers/{id}/checkpoints": "list the checkpoints of {}",
    "POST /containers/{id}/checkpoints": "write a checkpoint of {}",
    "DELETE /containers/{id}/checkpoints/{name}": "remove a checkpoint of {}",
    "POST /exec/{id}/start": "run what was prepared",
    "POST /exec/{id}/resize": "tell the command the terminal's size",
    "GET /exec/{id}/json": "how did the command end?",
    "GET /images/json": _list("images"),
    "POST /images/create": _pull,
    "POST /images/prune": "remove unused images",
    "POST /images/load": "load images from an archive",
    "GET /images/get": lambda _, query, __: f"save image `{query.get('names', '?')}` as an archive",
    "GET /images/search": lambda _, query, __: f"search the registry for `{query.get('term', '?')}`",
    "GET /images/{name}/json": "inspect image {}",
    "GET /images/{name}/history": "how was image {} made?",
    "GET /images/{name}/get": "save image {} as an archive",
    "POST /images/{name}/push": "push image {}",
    "POST /images/{name}/tag": _tag,
    "DELETE /images/{name}": "remove image {}",
    "GET /distribution/{name}/json": "ask the registry about {}",
    "POST /commit": _commit,
    "POST /build": _build,
    "POST /build/prune": "remove build cache",
    "POST /build/cancel": "cancel a build",
    "POST /session": "let the builder fetch files from here",
    "POST /grpc": "talk to the builder (BuildKit)",
    "GET /networks": _list("networks"),
    "POST /networks/create": _named("create network"),
    "POST /networks/prune": "remove unused networks",
    "GET /networks/{id}": "inspect network {}",
    "DELETE /networks/{id}": "remove network {}",
    "POST /networks/{id}/connect": _join("connect", "to"),
    "POST /networks/{id}/disconnect": _join("disconnect", "from"),
    "GET /volumes": _list("volumes"),
    "POST /volumes/create": _named("create volume"),
    "POST /volumes/prune": "remove unused volumes",
    "GET /volumes/{name}": "inspect volume {}",
    "PUT /volumes/{name}": "change volume {}",
    "DELETE /volumes/{name}": "remove volume {}",
    "GET /swarm": "tell about the swarm",
    "POST /swarm/init": "make this engine a swarm",
    "POST /swarm/join": "join a swarm",
    "POST /swarm/leave": "leave the swarm",
    "POST /swarm/update": "change the swarm",
    "GET /swarm/unlockkey": "ask for the swarm's unlock key",
    "POST /swarm/unlock": "unlock the swarm",
    "GET /nodes": _list("nodes"),
    "GET /nodes/{id}": "inspect node {}",
    "POST /nodes/{id}/update": "change node {}",
    "DELETE /nodes/{id}": "remove node {}",
    "GET /services": _list("services"),
    "POST /services/create": _named("create service"),
    "GET /services/{id}": "inspect service {}",
    "POST /services/{id}/update": "update service {}",
    "DELETE /services/{id}": "remove service {}",
    "GET /services/{id}/logs": "read the logs of service {}",
    "GET /tasks": _list("tasks"),
    "GET /tasks/{id}": "inspect task {}",
    "GET /tasks/{id}/logs": "read the logs of task {}",
    "GET /secrets": _list("secrets"),
    "POST /secrets/create": "create a secret",
    "GET /secrets/{id}": "inspect secret {}",
    "POST /secrets/{id}/update": "change secret {}",
    "DELETE /secrets/{id}": "remove secret {}",
    "GET /configs": _list("configs"),
    "POST /configs/create": "create a config",
    "GET /configs/{id}": "inspect config {}",
    "POST /configs/{id}/update": "change config {}",
    "DELETE /configs/{id}": "remove config {}",
    "GET /plugins": "list plugins",
    "GET /plugins/privileges": "what may a plugin do?",
    "POST /plugins/pull": "install a plugin",
    "POST /plugins/create": "create a plugin",
    "GET /plugins/{name}/json": "inspect plugin {}",
    "POST /plugins/{name}/enable": "enable plugin {}",
    "POST /plugins/{name}/disable": "disable plugin {}",
    "POST /plugins/{name}/upgrade": "upgrade plugin {}",
    "POST /plugins/{name}/push": "push plugin {}",
    "POST /plugins/{name}/set": "configure plugin {}",
    "DELETE /plugins/{name}": "remove plugin {}",
}
