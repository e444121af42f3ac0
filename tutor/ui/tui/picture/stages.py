"""Which call reaches which stage behind the docker CLI, as data with a sentence each.

Of the engine's own image store; with containerd's, pull and create reach containerd, too. Source for client, daemon
and registry: https://docs.docker.com/get-started/docker-overview/.
"""

from __future__ import annotations

from dataclasses import dataclass

PIPELINE = ("dockerd", "containerd", "runc", "kernel")
"""The stages behind the client, in order."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a call goes.

    Attributes:
        stages: The stages of the pipeline that it passes; always a beginning of it.
        side: Who else is asked, beside the pipeline: `registry`, `builder`, or nobody.
        sentence: What happens there.
        note: The same in a few words, for beside the call.
    """

    stages: tuple[str, ...]
    side: str
    sentence: str
    note: str = ""


def _reach(depth: int, sentence: str, note: str = "", side: str = "") -> Reach:
    return Reach(PIPELINE[:depth], side, sentence, note)


_DAEMON = _reach(1, "dockerd answers from what it knows; no process is touched.")
_LOOKS = _reach(1, "dockerd looks into its own records and answers.", "dockerd's own records")
_TALK = _reach(1, "dockerd passes the streams on between the client and the container's main process.", "a stream")
_SIGNAL = "has runc send a signal; the kernel delivers it to the process."
_REMOVES = _reach(1, "dockerd removes the records and the writable layer.", "its writable layer goes with it")
_EXEC = "containerd has runc start one more process inside the container's namespaces."

_REACHES: dict[str, Reach] = {
    "HEAD /_ping": _reach(1, "The client asks dockerd whether it is there, and agrees on an API version."),
    "GET /_ping": _reach(1, "The client asks dockerd whether it is there, and agrees on an API version."),
    "POST /containers/create": _reach(
        1,
        "dockerd writes down the container and prepares its writable layer; no process runs yet.",
        "name and writable layer, no process",
    ),
    "POST /containers/{id}/start": _reach(
        4,
        "dockerd asks containerd, which has runc set up namespaces and a cgroup; then the kernel runs the process.",
        "namespaces, cgroup: now a process",
    ),
    "POST /containers/{id}/restart": _reach(
        4,
        "dockerd has the process ended and a new one started, in the same writable layer.",
        "same writable layer, new process",
    ),
    "POST /containers/{id}/stop": _reach(
        4, f"dockerd asks containerd, which {_SIGNAL} After ten seconds comes SIGKILL.", "SIGTERM, later SIGKILL"
    ),
    "POST /containers/{id}/kill": _reach(4, f"dockerd asks containerd, which {_SIGNAL}", "a signal"),
    "POST /containers/{id}/pause": _reach(
        4, "runc puts the container's cgroup into the freezer; the kernel gives it no more time.", "frozen, not ended"
    ),
    "POST /containers/{id}/unpause": _reach(
        4, "runc takes the container's cgroup out of the freezer; the kernel lets it go on.", "thawed"
    ),
    "POST /containers/{id}/update": _reach(
        4, "dockerd writes down the limits; of a running container, runc changes the cgroup.", "cgroup limits"
    ),
    "POST /containers/{id}/exec": _reach(
        1, "dockerd writes down what is to be run inside; it does not run yet.", "not yet run"
    ),
    "POST /exec/{id}/start": _reach(4, f"dockerd asks containerd; {_EXEC}", "one more process in the same box"),
    "GET /containers/{id}/top": _reach(2, "dockerd asks containerd for the process ids and shows them with ps."),
    "GET /containers/{id}/stats": _reach(2, "dockerd asks containerd, which reads the cgroup's counters.", "counters"),
    "POST /containers/{id}/wait": _reach(1, "dockerd keeps the call open until containerd reports the end.", "waits"),
    "POST /containers/{id}/attach": _TALK,
    "GET /containers/{id}/attach/ws": _TALK,
    "GET /containers/{id}/logs": _reach(1, "dockerd reads what its log driver kept.", "the log driver's file"),
    "DELETE /containers/{id}": _REMOVES,
    "POST /containers/prune": _REMOVES,
    "POST /images/create": _reach(
        1, "dockerd asks the registry for the manifest and then for the layers it lacks.", "layers it lacks", "registry"
    ),
    "POST /images/{name}/push": _reach(
        1, "dockerd sends the registry the layers that it does not have.", "layers it lacks", "registry"
    ),
    "GET /distribution/{name}/json": _reach(1, "dockerd asks the registry about an image.", "", "registry"),
    "POST /auth": _reach(1, "dockerd tries the name and password at the registry.", "", "registry"),
    "GET /images/search": _reach(1, "dockerd asks the registry's search.", "", "registry"),
    "POST /build": _reach(
        4, "dockerd's builder runs every step; each RUN is a container for a moment.", "step by step", "builder"
    ),
    "POST /session": _reach(
        1, "The builder in dockerd fetches files of the build context from the client.", "", "builder"
    ),
    "POST /grpc": _reach(
        4, "BuildKit in dockerd runs the steps that its cache does not have; a RUN needs runc.", "", "builder"
    ),
    "POST /commit": _reach(1, "dockerd keeps the writable layer as a new image layer.", "writable layer → image layer"),
    "POST /networks/create": _reach(
        4, "dockerd makes a bridge in the kernel and a range of addresses for it.", "a bridge in the kernel"
    ),
    "POST /networks/{id}/connect": _reach(
        4, "dockerd puts a pair of virtual cables between the bridge and the container.", "a cable to the bridge"
    ),
    "POST /volumes/create": _reach(1, "dockerd makes a folder of its own, which outlives containers.", "a folder"),
    "GET /containers/json": _LOOKS,
    "GET /containers/{id}/json": _LOOKS,
    "GET /images/json": _LOOKS,
    "GET /images/{name}/json": _LOOKS,
    "GET /networks": _LOOKS,
    "GET /volumes": _LOOKS,
    "GET /info": _LOOKS,
    "GET /version": _LOOKS,
}
# Networks are the daemon's and the kernel's own affair: neither containerd nor runc has a part in them.
_SKIPS = {
    "POST /networks/create": frozenset({"containerd", "runc"}),
    "POST /networks/{id}/connect": frozenset({"containerd", "runc"}),
}

REFUSED = Reach((), "", "The sandbox refused it; dockerd never heard of it.", "")
"""What a refused call reaches."""

BACKGROUND = frozenset(
    {
        *("HEAD /_ping", "GET /_ping", "GET /events", "POST /containers/{id}/wait", "POST /containers/{id}/resize"),
        *("POST /containers/{id}/attach", "POST /exec/{id}/resize", "GET /exec/{id}/json", "POST /session"),
    }
)
"""Calls that go along with others and do not tell what a command is about."""


def reach(template: str) -> Reach:
    """How far a call goes; one that is not listed stays at dockerd."""
    return _REACHES.get(template, _DAEMON)


def lit(template: str) -> frozenset[str]:
    """The stages that a call passes."""
    return frozenset(reach(template).stages) - _SKIPS.get(template, frozenset())


def note(template: str, status: int | None) -> str:
    """A few words beside a call: what its answer means, or what it does."""
    if status is None or status < 300:
        return reach(template).note
    special = {
        ("POST /containers/create", 404): "no such image: the CLI pulls it next",
        ("POST /containers/create", 409): "the name is taken",
        ("POST /containers/{id}/start", 304): "it runs already",
        ("POST /containers/{id}/stop", 304): "it had stopped already",
        ("GET /images/{name}/json", 404): "no such image here",
        ("GET /containers/{id}/json", 404): "no such container",
        ("DELETE /images/{name}", 409): "a container needs it",
        ("DELETE /containers/{id}", 409): "it runs: stop it first, or use -f",
    }.get((template, status))
    general = {304: "nothing to do", 400: "not understood", 404: "not found", 409: "not in this state"}
    return special or general.get(status, "the engine failed" if status >= 500 else "")
