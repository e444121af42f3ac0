"""Every endpoint of Docker's API, 1.41 to 1.51, and the rule for it.

Kept as data: one line an endpoint — method, path, rule, the API version that brought it (when it was not there from the
start), and in words what the rule does. The rules themselves are the functions of `tutor.sandbox.rules` by that name.
What is not listed here is refused. Paths are those of the reference (https://docs.docker.com/reference/api/engine/),
and those it leaves out: `/grpc` (BuildKit), `/build/cancel`, and the checkpoints of experimental engines. Tests hold
the table against the list of each version.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

OWN = "of the lab's own only"

TABLE = """
GET    /_ping                              ping              -    passes
HEAD   /_ping                              ping              -    passes
GET    /version                            pass              -    passes
GET    /info                               info              -    counts are the lab's
GET    /events                             events            -    the lab's own only
GET    /system/df                          disk_usage        -    the lab's own and its images
POST   /auth                               pass_secret       -    passes; never in the trace

GET    /containers/json                    container_list    -    the lab's own only
POST   /containers/create                  container_create  -    labelled; whatever leaves the sandbox is refused
POST   /containers/prune                   prune_labelled    -    the lab's own only
GET    /containers/{id}/json               container_inspect -    own only
GET    /containers/{id}/top                container_use     -    own only
GET    /containers/{id}/logs               container_use     -    own only
GET    /containers/{id}/changes            container_use     -    own only
GET    /containers/{id}/export             container_use     -    own only
GET    /containers/{id}/stats              container_use     -    own only
POST   /containers/{id}/resize             container_use     -    own only
POST   /containers/{id}/start              container_start   -    own only; its mounts are looked at again
POST   /containers/{id}/stop               container_use     -    own only
POST   /containers/{id}/restart            container_start   -    own only; its mounts are looked at again
POST   /containers/{id}/kill               container_use     -    own only
POST   /containers/{id}/update             container_update  -    own only; limits and restart policy
POST   /containers/{id}/rename             container_rename  -    own only; not to a name in use outside
POST   /containers/{id}/pause              container_use     -    own only
POST   /containers/{id}/unpause            container_use     -    own only
POST   /containers/{id}/attach             container_attach  -    own only; stream
GET    /containers/{id}/attach/ws          container_attach  -    own only; stream
POST   /containers/{id}/wait               container_use     -    own only
DELETE /containers/{id}                    container_use     -    own only
GET    /containers/{id}/archive            container_files   -    own only; its mounts are looked at again
PUT    /containers/{id}/archive            container_files   -    own only; its mounts are looked at again
HEAD   /containers/{id}/archive            container_files   -    own only; its mounts are looked at again
POST   /containers/{id}/exec               exec_create       -    own only; privileged is refused
GET    /containers/{id}/checkpoints        checkpoint        -    refused
POST   /containers/{id}/checkpoints        checkpoint        -    refused
DELETE /containers/{id}/checkpoints/{name} checkpoint        -    refused
POST   /exec/{id}/start                    exec_start        -    of own containers only; stream
POST   /exec/{id}/resize                   exec_use          -    of own containers only
GET    /exec/{id}/json                     exec_use          -    of own containers only

GET    /images/json                        image_list        -    the lab's and the catalogue's
POST   /images/create                      image_create      -    pull and import; never over a name of somebody else
POST   /images/prune                       image_prune       -    the lab's own only
POST   /images/load                        image_load        -    names of somebody else are put back at once
GET    /images/get                         image_save        -    the lab's and the catalogue's
GET    /images/search                      pass              -    asks the registry, not the engine
GET    /images/{name}/json                 image_inspect     -    the lab's and the catalogue's
GET    /images/{name}/history              image_history     -    the lab's and the catalogue's
GET    /images/{name}/get                  image_save        -    the lab's and the catalogue's
POST   /images/{name}/push                 image_push        -    the lab's own only
POST   /images/{name}/tag                  image_tag         -    never over a name of somebody else
DELETE /images/{name}                      image_remove      -    the lab's own only
GET    /distribution/{name}/json           pass_secret       -    asks the registry, not the engine
POST   /commit                             commit            -    own container; labelled; never over a name in use
POST   /build                              build             -    labelled; doors out of the sandbox are refused
POST   /build/prune                        build_prune       -    what the lab's builds put there
POST   /build/cancel                       build_cancel      -    the lab's own builds
POST   /session                            session           -    stream between client and builder
POST   /grpc                               grpc              -    BuildKit: calls are read, labelled, refused

GET    /networks                           network_list      -    the lab's own and the predefined ones
POST   /networks/create                    network_create    -    labelled; drivers that leave the engine are refused
POST   /networks/prune                     prune_labelled    -    the lab's own only
GET    /networks/{id}                      network_inspect   -    own and predefined, only own containers in it
DELETE /networks/{id}                      network_remove    -    own only
POST   /networks/{id}/connect              network_connect   -    own containers to own or predefined networks
POST   /networks/{id}/disconnect           network_connect   -    own containers only

GET    /volumes                            volume_list       -    the lab's own only
POST   /volumes/create                     volume_create     -    labelled; host paths and drivers are refused
POST   /volumes/prune                      prune_labelled    -    the lab's own only
GET    /volumes/{name}                     volume_use        -    own only
PUT    /volumes/{name}                     refuse_cluster    1.42 refused: cluster volumes
DELETE /volumes/{name}                     volume_use        -    own only

GET    /swarm                              swarm_read        -    where the step allows swarm
POST   /swarm/init                         swarm_init        -    where the step allows swarm; on loopback
POST   /swarm/join                         refuse_swarm      -    refused
POST   /swarm/leave                        swarm_leave       -    only a swarm that the lab made
POST   /swarm/update                       refuse_swarm      -    refused
GET    /swarm/unlockkey                    refuse_swarm      -    refused
POST   /swarm/unlock                       refuse_swarm      -    refused
GET    /nodes                              swarm_read        -    where the step allows swarm
GET    /nodes/{id}                         swarm_read        -    where the step allows swarm
POST   /nodes/{id}/update                  node_update       -    only in a swarm that the lab made
DELETE /nodes/{id}                         refuse_swarm      -    refused
GET    /services                           swarm_list        -    the lab's own only
POST   /services/create                    service_create    -    labelled; as for containers
GET    /services/{id}                      service_inspect   -    own only
POST   /services/{id}/update               service_update    -    own only; as for containers
DELETE /services/{id}                      service_use       -    own only
GET    /services/{id}/logs                 service_use       -    own only
GET    /tasks                              task_list         -    the lab's own only
GET    /tasks/{id}                         task_use          -    own only
GET    /tasks/{id}/logs                    task_use          -    own only
GET    /secrets                            swarm_list        -    the lab's own only
POST   /secrets/create                     secret_create     -    labelled
GET    /secrets/{id}                       secret_use        -    own only
POST   /secrets/{id}/update                secret_update     -    own only; labels
DELETE /secrets/{id}                       secret_use        -    own only
GET    /configs                            swarm_list        -    the lab's own only
POST   /configs/create                     secret_create     -    labelled
GET    /configs/{id}                       secret_use        -    own only
POST   /configs/{id}/update                secret_update     -    own only; labels
DELETE /configs/{id}                       secret_use        -    own only

GET    /plugins                            plugin_list       -    none
GET    /plugins/privileges                 refuse_plugin     -    refused
POST   /plugins/pull                       refuse_plugin     -    refused
POST   /plugins/create                     refuse_plugin     -    refused
GET    /plugins/{name}/json                refuse_plugin     -    refused
POST   /plugins/{name}/enable              refuse_plugin     -    refused
POST   /plugins/{name}/disable             refuse_plugin     -    refused
POST   /plugins/{name}/upgrade             refuse_plugin     -    refused
POST   /plugins/{name}/push                refuse_plugin     -    refused
POST   /plugins/{name}/set                 refuse_plugin     -    refused
DELETE /plugins/{name}                     refuse_plugin     -    refused
"""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint.

    Attributes:
        method: HTTP method.
        path: Path with placeholders: `/containers/{id}/start`.
        rule: Name of the rule.
        since: API version that brought it; empty when 1.41 has it.
        does: What the rule does, in words.
    """

    method: str
    path: str
    rule: str
    since: str
    does: str

    @property
    def template(self) -> str:
        """`POST /containers/{id}/start`."""
        return f"{self.method} {self.path}"


ENDPOINTS: tuple[Endpoint, ...] = tuple(
    Endpoint(method, path, rule, "" if since == "-" else since, does)
    for method, path, rule, since, does in (line.split(None, 4) for line in TABLE.splitlines() if line)
)


def _pattern(path: str) -> re.Pattern[str]:
    text = re.escape(path).replace(r"\{id\}", "(?P<id>[^/]+)")
    # Names of images and plugins have slashes; the shortest ending wins, as the engine's router has it.
    slashes = path.startswith(("/images/", "/distribution/", "/plugins/"))
    return re.compile(text.replace(r"\{name\}", "(?P<name>.+)" if slashes else "(?P<name>[^/]+)"))


_EXACT = {(item.method, item.path): item for item in ENDPOINTS if "{" not in item.path}
_PATTERNS: dict[tuple[str, str], list[tuple[re.Pattern[str], Endpoint]]] = {}
for _item in ENDPOINTS:
    if "{" in _item.path:
        _PATTERNS.setdefault((_item.method, _item.path.split("/")[1]), []).append((_pattern(_item.path), _item))


def find(method: str, path: str) -> tuple[Endpoint, str] | None:
    """The endpoint of a (decoded, unversioned) path, and the id or name in it.

    The second placeholder of checkpoints is not returned: those are refused.
    """
    exact = _EXACT.get((method, path))
    if exact is not None:
        return exact, ""
    for pattern, item in _PATTERNS.get((method, path.split("/", 2)[1]), ()):
        found = pattern.fullmatch(path)
        if found:
            groups = found.groupdict()
            return item, groups.get("id") or groups.get("name") or ""
    return None
