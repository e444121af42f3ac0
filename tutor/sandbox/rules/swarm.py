"""Swarm, where the step allows it: own services, and a swarm that is left as it was found."""

from __future__ import annotations

import contextlib
from typing import Any

from tutor.sandbox import _filters, _strict, swarm_mode
from tutor.sandbox._service import service_spec
from tutor.sandbox.ask import Ask, Plan
from tutor.sandbox.policy import Refused, missing, relabel
from tutor.sandbox.upstream import EngineError

_INIT = dict.fromkeys(
    ("ListenAddr", "AdvertiseAddr", "DataPathAddr", "DataPathPort", "ForceNewCluster", "Spec", "AutoLockManagers",
     "Availability", "DefaultAddrPool", "SubnetSize")
)  # fmt: skip
_SECRET = dict.fromkeys(("Name", "Labels", "Data", "Driver", "Templating"))
_SPEC = dict.fromkeys(
    ("Name", "Labels", "Orchestration", "Raft", "Dispatcher", "CAConfig", "EncryptionConfig", "TaskDefaults")
)


def _allowed(ask: Ask) -> None:
    if "swarm" not in ask.scope.allow:
        raise Refused(
            "Swarm mode changes the whole engine, not only this lab, so it is closed here. "
            "The chapter on orchestration opens it.",
            rule="swarm",
        )


async def swarm_read(ask: Ask) -> Plan:
    """The swarm and its nodes, without the tokens that let others join."""
    _allowed(ask)

    async def answer(value: Any) -> Any:
        if isinstance(value, dict) and "JoinTokens" in value:
            del value["JoinTokens"]
        return value

    return Plan(answer=answer)


async def swarm_init(ask: Ask) -> Plan:
    """One node, that listens on loopback only."""
    _allowed(ask)
    body = _strict.struct(await ask.json(), _INIT, "the swarm")
    if body.get("ForceNewCluster"):
        raise Refused("A new cluster out of an old one would end the swarm that is there.", rule="swarm")
    body["Spec"] = _strict.struct(body.get("Spec"), _SPEC, "Spec")
    body["Spec"]["Labels"] = relabel(body["Spec"].get("Labels"), {})
    networks = await ask.api.get("/networks")
    new = all(item["Name"] != swarm_mode.NETWORK for item in networks)
    own = swarm_mode.labels(ask.scope.labels, gateway=new)
    return Plan(body=_strict.dumps(swarm_mode.specification(body, own)))


async def made_here(ask: Ask) -> bool:
    """Whether the swarm this engine is in was made by the lab."""
    return ask.scope.owns(await swarm_mode.labels_of(ask.api))


async def swarm_leave(ask: Ask) -> Plan:
    """Only a swarm that the lab made."""
    _allowed(ask)
    own = await swarm_mode.labels_of(ask.api)
    if not ask.scope.owns(own):
        raise Refused("This engine was in a swarm before the lab began; it stays in it.", rule="swarm")
    running = await ask.api.get("/containers/json")
    if names := swarm_mode.named(item for item in running if not ask.scope.owns(item.get("Labels"))):
        raise Refused(f"This engine would forget the names of {names} that are not the lab's.", rule="swarm")
    ask.record.gateway = swarm_mode.GATEWAY in own
    ask.record.save()

    async def done(status: int) -> None:
        if status == 200 and ask.record.gateway:
            with contextlib.suppress(EngineError):
                await ask.api.call("DELETE", f"/networks/{swarm_mode.NETWORK}")
        ask.record.gateway = False
        ask.record.save()

    return Plan(done=done)


async def refuse_swarm(ask: Ask) -> Plan:
    """Joining others, tokens, keys: never in a lab."""
    _allowed(ask)
    raise Refused("This changes which machines belong to the swarm, or who may join it. A lab has one node.")


async def node_update(ask: Ask) -> Plan:
    """Draining a node moves everybody's services: only in a swarm that the lab made."""
    _allowed(ask)
    if not await made_here(ask):
        raise Refused("The node runs services that are not the lab's; they would be moved.", rule="swarm")
    fields = dict.fromkeys(("Name", "Labels", "Role", "Availability"))
    body = _strict.struct(await ask.json(), fields, "the node")
    if body.get("Role") not in (None, "", "manager"):
        raise Refused("The lab's only node stays a manager.", rule="swarm")
    return Plan(body=_strict.dumps(body))


async def swarm_list(ask: Ask) -> Plan:
    """The lab's own services, secrets or configs."""
    _allowed(ask)
    _filters.own(ask.head, ask.scope.label_filters)

    async def answer(items: Any) -> Any:
        return [item for item in items or () if ask.scope.owns((item.get("Spec") or {}).get("Labels"))]

    return Plan(answer=answer)


async def service_create(ask: Ask) -> Plan:
    """A service of the lab."""
    _allowed(ask)
    spec = await service_spec(ask, await ask.json())
    ask.touched.append(str(spec.get("Name")))

    async def answer(value: Any) -> Any:
        ask.objects.swarm_seen[str(value["ID"])] = True
        return value

    return Plan(body=_strict.dumps(spec), answer=answer, failed=_hidden_name(ask, "service", spec.get("Name")))


def _hidden_name(ask: Ask, kind: str, name: Any) -> Any:
    async def failed(status: int, message: str) -> str:
        if status != 409:
            return message
        try:
            await ask.objects.swarm(kind, str(name))
        except Refused:
            return f'Conflict. The {kind} name "{name}" is already in use outside of this lab. Choose another name.'
        return message

    return failed


async def service_update(ask: Ask) -> Plan:
    """An own service, judged as a new one."""
    _allowed(ask)
    service = await ask.objects.swarm("service", ask.ref)
    ask.touched.append(service)
    return Plan(path=ask.path(service), body=_strict.dumps(await service_spec(ask, await ask.json())))


async def service_inspect(ask: Ask) -> Plan:
    """An own service."""
    return await service_use(ask)


async def service_use(ask: Ask) -> Plan:
    """An own service."""
    _allowed(ask)
    service = await ask.objects.swarm("service", ask.ref)
    ask.touched.append(service)
    return Plan(path=ask.path(service))


async def task_list(ask: Ask) -> Plan:
    """Tasks of the lab's services."""
    _allowed(ask)

    async def answer(items: Any) -> Any:
        return [item for item in items or () if _own_task(ask, item)]

    return Plan(answer=answer)


def _own_task(ask: Ask, task: dict[str, Any]) -> bool:
    spec = (task.get("Spec") or {}).get("ContainerSpec") or {}
    return ask.scope.owns(spec.get("Labels"))


async def task_use(ask: Ask) -> Plan:
    """A task of the lab's services."""
    _allowed(ask)
    found = [item for item in await ask.api.get("/tasks") if _own_task(ask, item) and item["ID"].startswith(ask.ref)]
    if len(found) != 1:
        raise missing("task", ask.ref)
    return Plan(path=ask.path(found[0]["ID"]))


async def secret_create(ask: Ask) -> Plan:
    """A secret or config of the lab."""
    _allowed(ask)
    kind = ask.endpoint.path.split("/")[1].removesuffix("s")
    body = _strict.struct(await ask.json(), _SECRET, f"the {kind}")
    if body.get("Driver") or body.get("Templating"):
        raise Refused(f"A {kind} by a plugin is not for a lab.")
    body["Labels"] = relabel(body.get("Labels"), ask.scope.labels)
    return Plan(body=_strict.dumps(body), failed=_hidden_name(ask, kind, body.get("Name")))


async def secret_use(ask: Ask) -> Plan:
    """An own secret or config."""
    _allowed(ask)
    kind = ask.endpoint.path.split("/")[1].removesuffix("s")
    found = await ask.objects.swarm(kind, ask.ref)
    ask.touched.append(found)
    return Plan(path=ask.path(found))


async def secret_update(ask: Ask) -> Plan:
    """Labels of an own secret or config; the lab's stay."""
    plan = await secret_use(ask)
    body = _strict.struct(await ask.json(), _SECRET, "the update")
    body["Labels"] = relabel(body.get("Labels"), ask.scope.labels)
    plan.body = _strict.dumps(body)
    return plan


async def plugin_list(_: Ask) -> Plan:
    """A lab has no plugins."""
    return Plan(reply=(200, []))


async def refuse_plugin(_: Ask) -> Plan:
    """Not in a lab."""
    raise Refused(
        "A plugin runs with the engine's own rights, outside of every container. The lab has none.", rule="plugin"
    )


RULES = {
    "swarm_read": swarm_read,
    "swarm_init": swarm_init,
    "swarm_leave": swarm_leave,
    "refuse_swarm": refuse_swarm,
    "node_update": node_update,
    "swarm_list": swarm_list,
    "service_create": service_create,
    "service_update": service_update,
    "service_inspect": service_inspect,
    "service_use": service_use,
    "task_list": task_list,
    "task_use": task_use,
    "secret_create": secret_create,
    "secret_use": secret_use,
    "secret_update": secret_update,
    "plugin_list": plugin_list,
    "refuse_plugin": refuse_plugin,
}
