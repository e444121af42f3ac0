"""A small catalogue with names of its own, for tests that build, pack, load and push on a shared engine."""

from __future__ import annotations

import contextlib
import uuid
from pathlib import Path
from typing import Any

from tutor.engine.connect import Engine
from tutor.engine.images import resolve
from tutor.engine.images.catalogue_file import Catalogue, load_catalogue
from tutor.engine.images.pack_file import PREFIX


class MadeUp:
    """Roles `small` and `large` (on `small`), on the engine's own shell image; `apart` is for the mirror only.

    Args:
        engine: Where the images go.
        folder: For the catalogue and its recipes.
    """

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.api: Any = engine.api
        self.folder = folder
        self.mark = f"images-{uuid.uuid4().hex[:8]}"
        (folder / "images" / "_machine").mkdir(parents=True)
        for role in ("small", "large", "apart"):
            recipe = folder / "images" / role
            recipe.mkdir()
            (recipe / "content").write_text(f"{self.mark} {role}\n" * 2000)
            (recipe / "Dockerfile").write_text(
                f'ARG BASE\nFROM ${{BASE}}\nCOPY content /{role}\nCMD ["cat", "/{role}"]\n'
            )
        entry = "reference: '{reference}', about: A thing., chapters: [1], size_mb: 1"
        lines = ["images:"]
        # The engine's shell image carries another role: to this catalogue it is the learner's own.
        lines.append(f"  base: {{{entry.format(reference=resolve('shell'))}, build: {{suite: trixie}}}}")
        for role, base, more in (
            ("small", "base", ""),
            ("large", "small", ", stand_in: It stands in., also: [latest, second]"),
            ("apart", "base", ", mirror_only: true"),
        ):
            reference = f"{self.mark}/{role}:1"
            build = f"build: {{folder: {role}, base: {base}}}"
            lines.append(f"  {role}: {{{entry.format(reference=reference)}, {build}{more}}}")
        (folder / "images.yaml").write_text("\n".join(lines) + "\n")

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue as it is on disk now."""
        return load_catalogue(self.folder / "images.yaml")

    def id(self, reference: str) -> str | None:
        """What the engine has under a name."""
        found = self.api.images(name=reference)
        return str(found[0]["Id"]) if found else None

    def names(self) -> set[str]:
        """All names on the engine that come from this catalogue."""
        tags = {tag for entry in self.api.images() for tag in entry.get("RepoTags") or ()}
        packs = {f"{PREFIX}{role}:" for role in ("small", "large", "apart")}
        return {tag for tag in tags if self.mark in tag or any(tag.startswith(pack) for pack in packs)}

    def remove(self, *names: str) -> None:
        """Take names away; the images go with their last one."""
        from docker.errors import ImageNotFound

        for name in names:
            with contextlib.suppress(ImageNotFound):
                self.api.remove_image(name)

    def close(self) -> None:
        """Remove everything with this catalogue's names."""
        self.remove(*self.names())
