"""Compose projects and Swarm services."""

from __future__ import annotations

from tutor.course.expectations import ComposeExpectation, ComposeService, ContainerExpectation, ServiceExpectation
from tutor.engine.world import Container
from tutor.lab.findings.container import fields
from tutor.lab.findings.found import Context, Found, Weight
from tutor.lab.findings.match import fits, image_of, nearest, normal
from tutor.lab.findings.words import code, codes, plural


def compose_findings(e: ComposeExpectation, ctx: Context) -> tuple[Found, ...]:
    """What is not yet as expected of a Compose project."""
    projects: dict[str, list[Container]] = {}
    for c in ctx.world.containers.values():
        if c.project:
            projects.setdefault(c.project, []).append(c)
    named = {name: members for name, members in projects.items() if e.project is None or fits(e.project, name)}
    if not named:
        return (_no_project(e, projects, ctx),)
    answers = [_services(e, name, members, projects, ctx) for name, members in sorted(named.items())]
    return min(answers, key=len)


def _no_project(e: ComposeExpectation, projects: dict[str, list[Container]], ctx: Context) -> Found:
    name = e.project or ""
    summary = f"There is no Compose project {code(name)}" if name else "No Compose project runs"
    there = "none"
    if name and projects:
        # The project is named after its folder: the right file in the wrong place is another project.
        other = nearest(name, projects) or sorted(projects)[0]
        services = sorted({c.service for c in projects[other]})
        summary = f"{summary}; {codes(services)} {'is' if len(services) == 1 else 'are'} in the project {code(other)}"
        there = f"project {other}"
    elif any(c.name in e.services or nearest(c.name, e.services) for c in ctx.world.containers.values()):
        summary = f"{summary}; the containers that are there were made without Compose"
        there = "containers of no project"
    return Found(
        f"{summary}.",
        f"project {name}".strip() if name else "a Compose project",
        there,
        f"compose {name}".strip(),
        ("compose", name, "exists"),
        weight=Weight.MISSING,
        pending="",
    )


def _services(
    e: ComposeExpectation, project: str, members: list[Container], projects: dict[str, list[Container]], ctx: Context
) -> tuple[Found, ...]:
    found: list[Found] = []
    for name, wanted in e.services.items():
        containers = [
            c
            for c in members
            if fits(name, c.service) and c.labels.get("com.docker.compose.oneoff", "False").lower() != "true"
        ]
        if not containers and wanted.replicas != 0:
            elsewhere = sorted(p for p, others in projects.items() if any(c.service == name for c in others))
            close = nearest(name, {c.service for c in members} - set(e.services))
            summary = f"The service {code(name)} of the Compose project {code(project)} has no container"
            if elsewhere:
                summary += f"; one runs in the project {code(elsewhere[0])}"
            elif close:
                summary += f"; there is a service {code(close)}"
            services = ", ".join(sorted({c.service for c in members}))
            found.append(
                Found(
                    f"{summary}.",
                    f"service {name}",
                    f"services {services}",
                    f"compose {project}",
                    ("compose", project, name, "exists"),
                    weight=Weight.MISSING,
                )
            )
            continue
        found += _service(project, name, wanted, containers, ctx)
    return tuple(found)


def _service(project: str, name: str, wanted: ComposeService, containers: list[Container], ctx: Context) -> list[Found]:
    expectation = ContainerExpectation(state=wanted.state, health=wanted.health, image=wanted.image)
    checked = {c.name: fields(expectation, c, ctx) for c in containers}
    right = [c for c in containers if not checked[c.name]]
    if wanted.replicas is None:
        # As many as there are: each must be right.
        return [finding for findings in checked.values() for finding in findings]
    if len(right) == wanted.replicas and (len(containers) == len(right) or wanted.state or wanted.health):
        return []
    # Too few as some are not right yet: what is wrong with those says more than a number.
    if len(right) < wanted.replicas <= len(containers):
        return [finding for findings in checked.values() for finding in findings]
    what = f" {wanted.state}" if wanted.state else ""
    return [
        Found(
            f"The service {code(name)} of {code(project)} has {plural(len(right), 'container')}{what}, "
            f"not {wanted.replicas}.",
            plural(wanted.replicas, "container"),
            plural(len(right), "container"),
            f"compose {project}",
            ("compose", project, name, "replicas"),
            weight=Weight.COUNT,
        )
    ]


def service_findings(e: ServiceExpectation, ctx: Context) -> tuple[Found, ...]:
    """What is not yet as expected of a Swarm service."""
    where = f"service {e.name}"
    service = next((s for s in ctx.world.services.values() if fits(e.name, s.name)), None)
    if service is None:
        close = nearest(e.name, [s.name for s in ctx.world.services.values()])
        # `docker stack deploy` puts the stack's name before a service's.
        prefixed = next((s.name for s in ctx.world.services.values() if s.name.endswith(f"_{e.name}")), None)
        other = prefixed or close
        container = next((c for c in ctx.world.containers.values() if c.name == e.name), None)
        summary = f"There is no service {code(e.name)}"
        if other:
            summary += f"; there is one called {code(other)}"
        elif container is not None:
            summary += f"; {code(e.name)} is a container, which no service looks after"
        topic = ("service", e.name, "exists")
        return (Found(f"{summary}.", f"a service {e.name}", other or "none", where, topic, weight=Weight.MISSING_BASE),)
    found: list[Found] = []
    name = code(service.name)
    moving = service.running != service.replicas or service.update in {"updating", "rollback_started"}
    if e.image is not None and not _same_image(e.image, service.image, ctx):
        summary = f"The service {name} is made from {code(service.image)}, not from {code(e.image)}."
        topic = ("service", e.name, "image")
        found.append(Found(summary, f"image {e.image}", f"image {service.image}", where, topic, weight=Weight.IMAGE))
    if e.replicas is not None and service.replicas != e.replicas:
        summary = f"The service {name} is to have {plural(service.replicas, 'replica')}, not {e.replicas}."
        topic = ("service", e.name, "replicas")
        there = str(service.replicas)
        found.append(Found(summary, plural(e.replicas, "replica"), there, where, topic, weight=Weight.COUNT))
    if e.running is not None and service.running != e.running:
        summary = f"Of the service {name}, {plural(service.running, 'task')} {_run(service.running)}, not {e.running}."
        found.append(
            Found(
                summary,
                f"{e.running} running",
                f"{service.running} running",
                where,
                ("service", e.name, "running"),
                (("service", e.name, "replicas"),),
                Weight.COUNT,
                pending="long" if moving else "",
            )
        )
    if e.updated is not None and (service.update == "completed") != e.updated:
        says = {
            "": "has not been updated",
            "updating": "is being updated",
            "paused": "was being updated, and the update stopped at a failure",
            "completed": "has been updated",
        }.get(service.update, f"has the update state {code(service.update)}")
        found.append(
            Found(
                f"The service {name} {says}.",
                "update completed" if e.updated else "no completed update",
                service.update or "no update",
                where,
                ("service", e.name, "updated"),
                weight=Weight.SETTINGS,
                pending="long" if moving else "",
            )
        )
    return tuple(found)


def _same_image(wanted: str, found: str, ctx: Context) -> bool:
    if normal(wanted) == normal(found):
        return True
    one, other = image_of(ctx.world, wanted), image_of(ctx.world, found)
    return one is not None and other is not None and one.id == other.id


def _run(count: int) -> str:
    return "runs" if count == 1 else "run"
