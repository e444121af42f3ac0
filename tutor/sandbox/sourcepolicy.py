"""What BuildKit may read: the images of others are closed by the builder itself, whatever leads to them.

A build names images in many ways: `FROM`, with arguments in it, `COPY --from`, `RUN --mount=from`, `ONBUILD` of a
base, `# syntax`, named contexts, a client's own graph. All of them end as a source in the builder, and a build may
carry a policy that the builder holds against each source before it looks for it. The sandbox writes that policy, from
the images that are on the engine when the build begins.

Messages: moby/buildkit, `sourcepolicy/pb/policy.proto`; evaluated in `sourcepolicy/engine.go`: after a conversion all
rules are looked at again, and a source that is denied fails the build with the source's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tutor.sandbox import _ownaddress
from tutor.sandbox import _protobuf as pb
from tutor.sandbox._protobuf import Field

POLICY_API = (1, 43)
"""Engine 24.0, the first whose builder (BuildKit 0.11) takes a policy for sources."""

_TOGETHER = 100
_DIGITS = len("sha256:") + 20
_DENY, _CONVERT, _REGEX = 1, 2, 2
OUTSIDE = "is an image outside of this lab, so the lab does not build from it; name one of the course's or its own"


def policy(references: Iterable[str], names: Iterable[str] = ()) -> bytes:
    """A policy under which no build reads these images, nor what listens on the engine's own machine.

    Args:
        references: Full forms with a tag (`docker.io/library/web:1`) or a digest (`docker.io/library/web@sha256:…`).
        names: What the engine's own machine is called, beside `localhost`.
    """
    rules = [_rule(_DENY, _ownaddress.pattern(names)), _rule(_DENY, f"^.* {re.escape(OUTSIDE)}$")]
    # The source is renamed first, so that the builder's error says why.
    rules += [_rule(_CONVERT, pattern, f"${{1}} {OUTSIDE}") for pattern in patterns(references)]
    return pb.write([Field(1, 0, 1), *(Field(2, 2, rule) for rule in rules)])


def patterns(references: Iterable[str]) -> list[str]:
    """Regular expressions (Go's, and Python's) for all sources that the engine takes for one of these images.

    Many images share one expression: a call's message is bounded, and a machine may have hundreds of them.
    """
    groups: dict[str, list[str]] = {}
    for reference in sorted(references):
        spelling, rest = "", reference
        for prefix, short in (
            ("docker.io/library/", r"(?:(?:index\.)?docker\.io/)?(?:library/)?"),
            ("docker.io/", r"(?:(?:index\.)?docker\.io/)?"),
        ):
            if reference.startswith(prefix):
                spelling, rest = short, reference[len(prefix) :]
                break
        groups.setdefault(spelling, []).append(_one(rest))
    return [
        rf"^docker-image://{spelling}({'|'.join(some[at : at + _TOGETHER])})(?:@.*)?$"
        for spelling, some in groups.items()
        for at in range(0, len(some), _TOGETHER)
    ]


def _one(name: str) -> str:
    repository, _, digest = name.partition("@")
    if digest:
        # The first digits are enough to tell it.
        return rf"{re.escape(repository)}(?::[^@/]*)?@{re.escape(digest[:_DIGITS])}[0-9a-f]*"
    return re.escape(name.removesuffix(":latest")) + ("(?::latest)?" if name.endswith(":latest") else "")


def _rule(action: int, pattern: str, new: str = "") -> bytes:
    selector = pb.write([pb.string(1, pattern), Field(2, 0, _REGEX)])
    fields = [Field(1, 0, action), Field(2, 2, selector)]
    if new:
        fields.append(Field(3, 2, pb.write([pb.string(1, new)])))
    return pb.write(fields)
