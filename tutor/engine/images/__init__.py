"""The images of the course: catalogue, pull, recipes, packs, mirror.

`images.catalogue()` is what there is, `images.resolve("nginx")` is "nginx:1.26", `images.reference_variables()` the
values of `${image.ROLE}`, `images.missing(engine, roles)` what the engine lacks, `images.ensure(engine, roles)` pulls
it. They are read when they are first asked for: importing the folder costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tutor.engine.images.access import catalogue as catalogue
    from tutor.engine.images.access import ensure as ensure
    from tutor.engine.images.access import missing as missing
    from tutor.engine.images.access import reference_variables as reference_variables
    from tutor.engine.images.access import resolve as resolve

__all__ = ["catalogue", "ensure", "missing", "reference_variables", "resolve"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tutor.engine.images import access

    return getattr(access, name)
