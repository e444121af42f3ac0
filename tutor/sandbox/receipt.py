"""What closing a lab did, and what of the learner's was there before and after. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

KINDS = ("services", "secrets", "configs", "containers", "networks", "volumes", "images", "build cache")


@dataclass(frozen=True, slots=True)
class Census:
    """How much is on the engine that is not this lab's.

    Attributes:
        containers, running, images, volumes, networks: Counts; predefined networks are not counted, images by id.
        cache: Records in the build cache.
    """

    containers: int = 0
    running: int = 0
    images: int = 0
    volumes: int = 0
    networks: int = 0
    cache: int = 0

    def words(self) -> str:
        """`3 containers (2 running), 5 images, 1 volume, no networks`."""
        running = f" ({self.running} running)" if self.containers else ""
        return ", ".join(
            (
                count(self.containers, "container") + running,
                count(self.images, "image"),
                count(self.volumes, "volume"),
                count(self.networks, "network"),
            )
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receipt of a closed lab.

    Attributes:
        lab: Its id.
        removed: Kind → names of what was removed.
        left: What could not be removed, and why, one sentence each.
        before: What was not the lab's when it opened (when that is known, else when closing began).
        after: What is not the lab's now.
    """

    lab: str
    removed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    left: tuple[str, ...] = ()
    before: Census = Census()
    after: Census = Census()

    @property
    def clean(self) -> bool:
        """Whether nothing of the lab is left."""
        return not self.left

    def words(self) -> list[str]:
        """The receipt, in lines."""
        lines = []
        for kind in KINDS:
            names = self.removed.get(kind, ())
            if names:
                shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
                if kind == "build cache":
                    lines.append(f"removed  {count(len(names), 'record')} of the build cache")
                else:
                    lines.append(f"removed  {count(len(names), kind.removesuffix('s'))}: {shown}")
        if not lines:
            lines.append("removed  nothing: the lab had nothing left")
        lines += [f"left     {sentence}" for sentence in self.left]
        if self.before == self.after:
            lines.append(f"yours    {self.after.words()}: as before")
        else:
            lines.append(f"yours    before: {self.before.words()}")
            lines.append(f"         now:    {self.after.words()}")
        return lines


def count(number: int, noun: str) -> str:
    """`no images`, `1 image`, `2 images`."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
