"""Networks: the lab's own, and the ones every engine has."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

from tutor.sandbox import _strict
from tutor.sandbox.ask import Ask, Plan
from tutor.sandbox.policy import PREDEFINED_NETWORKS, Refused, missing, relabel, taken
from tutor.sandbox.rules.creation import endpoint

_CREATE = dict.fromkeys(
    ("Name", "CheckDuplicate", "Driver", "Scope", "Internal", "Attachable", "Ingress", "ConfigOnly", "ConfigFrom",
     "IPAM", "EnableIPv4", "EnableIPv6", "Options", "Labels")
)  # fmt: skip
_CONNECT = dict.fromkeys(("Container", "EndpointConfig", "Force"))
_RANGE = dict.fromkeys(("Subnet", "IPRange", "Gateway", "AuxiliaryAddresses"))
_OPTIONS = frozenset(
    {"com.docker.network.driver.mtu", "com.docker.network.bridge.enable_icc",
     "com.docker.network.bridge.enable_ip_masquerade", "com.docker.network.bridge.host_binding_ipv4", "encrypted"}
)  # fmt: skip


async def network_list(ask: Ask) -> Plan:
    """Own and predefined."""

    async def answer(items: Any) -> Any:
        kept = []
        for item in items or ():
            if ask.objects.owns_network(item):
                ask.objects.networks_seen[item["Id"]] = True
            elif not ask.objects.predefined(item):
                continue
            kept.append(await _own_containers(ask, item))
        return kept

    return Plan(answer=answer)


async def network_inspect(ask: Ask) -> Plan:
    """Own or predefined, with own containers only."""
    info = await ask.objects.network(ask.ref)
    ask.touched.append(info["Name"])

    async def answer(value: Any) -> Any:
        return await _own_containers(ask, value)

    # A predefined network has one id in the engine and another in a swarm; its name fits both.
    name = info["Name"] if info["Name"] == ask.ref and ask.objects.predefined(info) else info["Id"]
    return Plan(path=ask.path(name), answer=answer)


async def _own_containers(ask: Ask, info: dict[str, Any]) -> dict[str, Any]:
    containers = info.get("Containers")
    if containers:
        kept = {}
        for key, value in containers.items():
            if await ask.objects.is_own_container(key):
                kept[key] = value
        info["Containers"] = kept
    for name in ("Services", "Peers"):
        info.pop(name, None)
    return info


async def network_create(ask: Ask) -> Plan:
    """A network of the engine's own: bridge, and overlay where the step has a swarm."""
    body = _strict.struct(await ask.json(), _CREATE, "the network")
    name = body.get("Name")
    driver = body.get("Driver") or "bridge"
    if driver != "bridge" and not (driver == "overlay" and "swarm" in ask.scope.allow):
        raise Refused(
            f"A network of the driver {driver} reaches out of the engine, into the machine's own network. "
            "The lab makes bridge networks.",
            rule="network-driver",
        )
    if body.get("Ingress") or body.get("ConfigOnly") or body.get("ConfigFrom"):
        raise Refused("Ingress and configuration networks belong to the whole engine, not to a lab.")
    for option in body.get("Options") or {}:
        if option not in _OPTIONS:
            raise Refused(
                f"The network option {option} can reach an interface of this machine that is not the lab's.",
                rule="network-option",
            )
    ipam = _strict.struct(body.get("IPAM"), {"Driver": 0, "Options": 0, "Config": 0}, "IPAM")
    if ipam.get("Driver") not in (None, "", "default") or ipam.get("Options"):
        raise Refused("Address management by a plugin is not for a lab.", rule="network-option")
    if ipam:
        body["IPAM"] = {**ipam, "Config": await _subnets(ask, ipam.get("Config"))}
    body["Labels"] = relabel(body.get("Labels"), ask.scope.labels)
    ask.touched.append(str(name))

    async def answer(value: Any) -> Any:
        ask.objects.networks_seen[value["Id"]] = True
        return value

    async def failed(status: int, message: str) -> str:
        if status != 409:
            return message
        try:
            await ask.objects.network(str(name))
        except Refused:
            return taken("network", str(name)).message
        return message

    return Plan(body=_strict.dumps(body), answer=answer, failed=failed)


async def _subnets(ask: Ask, raw: Any) -> list[dict[str, Any]] | None:
    """The address ranges of a new network, in the API's spelling.

    Raises:
        Refused: One lies over a range that the machine itself uses.
    """
    if raw is None:
        return None
    if not isinstance(raw, list):
        raise Refused("IPAM's Config must be a list.", 400, "malformed")
    configs = [_strict.struct(item, _RANGE, "an address range") for item in raw]
    wanted = [found for config in configs if (found := _network_of(config.get("Subnet"))) is not None]
    if not wanted:
        return configs
    items = await ask.api.get("/networks")
    listed = [part for item in items for part in (item.get("IPAM") or {}).get("Config") or ()]
    known = [found for part in listed if (found := _network_of(part.get("Subnet"))) is not None]
    for subnet in wanted:
        if any(subnet.overlaps(other) for other in known):
            continue  # the engine's own networks it keeps apart itself, in its own words
        routes = list(ask.objects.routes())
        over = next((route for route in routes if subnet.overlaps(route)), None)
        if over is not None:
            raise Refused(
                f"{subnet} lies over {over}, which this machine itself uses: with such a network it would look for "
                f"what is there among its containers, and could be cut off.{_instead(routes + known)} "
                "Or leave the subnet out: Docker then takes a range that is free.",
                rule="network-subnet",
            )
    return configs


def _network_of(text: Any) -> IPv4Network | None:
    try:
        return IPv4Network(str(text or ""), strict=False)
    except ValueError:
        return None


def _instead(used: list[IPv4Network]) -> str:
    free = (IPv4Network(f"10.{number}.0.0/24") for number in range(100, 256))
    found = next((one for one in free if not any(one.overlaps(other) for other in used)), None)
    return f" Take another one, such as {found}." if found else ""


async def network_remove(ask: Ask) -> Plan:
    """Own only; for predefined ones the engine says no itself."""
    info = await ask.objects.network(ask.ref)
    if not ask.objects.owns_network(info) and info["Name"] not in PREDEFINED_NETWORKS:
        raise missing("network", ask.ref)
    ask.touched.append(info["Name"])
    return Plan(path=ask.path(info["Id"]), failed=await hide_ids(ask, info["Id"]))


async def hide_ids(ask: Ask, network: str) -> Any:
    """An error that lists what is still in a network names own containers only."""

    async def failed(_: int, message: str) -> str:
        if "active endpoints" not in message:
            return message
        info = await _own_containers(ask, await ask.objects.network(network))
        names = [value.get("Name") for value in (info.get("Containers") or {}).values()]
        return message if names else "the network is in use outside of this lab"

    return failed


async def network_connect(ask: Ask) -> Plan:
    """Own containers to (and from) own networks and the default bridge."""
    body = _strict.struct(await ask.json(), _CONNECT, "the connection")
    info = await ask.objects.network(ask.ref)
    if info["Name"] == "host" and "network-host" not in ask.scope.allow:
        raise Refused("The machine's own network has no walls; the lab does not join it.", rule="network-host")
    body["Container"] = await ask.objects.container(str(body.get("Container") or ""))
    body["EndpointConfig"] = await endpoint(ask, body.get("EndpointConfig"))
    ask.touched += [info["Name"], body["Container"]]
    return Plan(path=ask.path(info["Id"]), body=_strict.dumps(body))


RULES = {
    "network_list": network_list,
    "network_inspect": network_inspect,
    "network_create": network_create,
    "network_remove": network_remove,
    "network_connect": network_connect,
}
