"""The catalogue of images: roles, references, and how each is made where Docker Hub is out of reach.

`labs/images.yaml` is read into frozen values with the course's own reader, so that a mistake in it is told like one
in a chapter: `file:line:column: path: what is wrong; what would be right`. Needs no engine.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import yaml

from tutor import places
from tutor.course import _fast
from tutor.course.errors import CourseError, CourseErrors
from tutor.course.sources import Source, read_source
from tutor.problems import Problem

# https://github.com/distribution/reference: a name in lower case, and a tag.
_REFERENCE = r"^[a-z0-9]+([._/-][a-z0-9]+)*:[A-Za-z0-9_][A-Za-z0-9._-]*$"
_TAG = r"^[A-Za-z0-9_][A-Za-z0-9._-]*$"
_NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"

Role = Annotated[str, msgspec.Meta(pattern=_NAME, max_length=40)]
Tag = Annotated[str, msgspec.Meta(pattern=_TAG, max_length=128)]
_Error = Callable[[tuple[str, ...], str, str], CourseError]

Sentence = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]


class Build(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an image is made from Debian packages: a base by mmdebstrap (`suite`), or a Dockerfile (`folder`, `base`).

    Attributes:
        suite: Debian release of a base image.
        packages: What a base holds besides the essential packages and apt.
        folder: Recipe below `images/`, next to the catalogue.
        base: Role of the image it is built on.
    """

    suite: Role | None = None
    packages: tuple[str, ...] = ()
    folder: Role | None = None
    base: Role | None = None


class Image(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One image of the course.

    Attributes:
        reference: What labs write; a tag is pinned.
        about: What the course uses it for.
        chapters: Numbers of the chapters that use it.
        size_mb: About how much room it takes, in megabytes.
        also: Further tags of its repository in the mirror.
        build: How it is made without Docker Hub.
        stand_in: How the built one differs from Docker Hub's; None when it does not.
        mirror_only: It is kept in the mirror (or on Docker Hub) and never on the engine.
        role: Its name in the catalogue; set by the loader.
    """

    reference: Annotated[str, msgspec.Meta(pattern=_REFERENCE, max_length=200)]
    about: Sentence
    chapters: tuple[Annotated[int, msgspec.Meta(ge=1, le=99)], ...]
    size_mb: Annotated[int, msgspec.Meta(ge=1, le=100_000)]
    also: tuple[Tag, ...] = ()
    build: Build
    stand_in: Sentence | None = None
    mirror_only: bool = False
    role: str = ""

    @property
    def repository(self) -> str:
        """The reference without its tag."""
        return self.reference.rpartition(":")[0]

    @property
    def tag(self) -> str:
        """The reference's tag."""
        return self.reference.rpartition(":")[2]

    @property
    def path(self) -> str:
        """The repository as a registry knows it: Docker's own images live in `library/`."""
        return self.repository if "/" in self.repository else f"library/{self.repository}"

    @property
    def tags(self) -> tuple[str, ...]:
        """Every tag that the mirror answers to, the pinned one first."""
        return (self.tag, *(tag for tag in self.also if tag != self.tag))

    @property
    def local(self) -> str:
        """Its name on the engine; one that is kept for the mirror never goes by its public name there."""
        return f"docker-tutor/mirror-only/{self.reference}" if self.mirror_only else self.reference


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    images: dict[Role, Image]


class Catalogue:
    """The images by role, in the order of the file.

    Args:
        images: With their roles set.
        folder: Where the recipes are: the folder that holds `images/`.
    """

    def __init__(self, images: Iterable[Image], folder: Path) -> None:
        self.images = {image.role: image for image in images}
        self.folder = folder

    def __iter__(self) -> Iterator[Image]:
        return iter(self.images.values())

    def __len__(self) -> int:
        return len(self.images)

    def __contains__(self, role: object) -> bool:
        return role in self.images

    def __getitem__(self, role: str) -> Image:
        """The image of a role.

        Raises:
            Problem: `unknown-image`, with the nearest role.
        """
        try:
            return self.images[role]
        except KeyError:
            near = difflib.get_close_matches(role, self.images, n=1)
            step = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(self.images)}."
            raise Problem(f"There is no image called {role}.", step, code="unknown-image", status=2) from None

    def select(self, roles: Iterable[str] | None) -> list[Image]:
        """The images of these roles, each once; all of them for None.

        Raises:
            Problem: `unknown-image`.
        """
        return list(self) if roles is None else [self[role] for role in dict.fromkeys(roles)]

    def for_chapter(self, number: int) -> list[Image]:
        """The images that a chapter uses."""
        return [image for image in self if number in image.chapters]

    def local(self) -> list[Image]:
        """The images that are kept on the engine."""
        return [image for image in self if not image.mirror_only]

    def references(self) -> dict[str, str]:
        """Role → reference: the values of `${image.ROLE}`."""
        return {image.role: image.reference for image in self}


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Read a catalogue.

    Args:
        path: The file; the shipped one for None. Recipes are looked for in `images/` beside it.

    Raises:
        CourseErrors: A Problem that names every error with its file, line and column.
    """
    path = path or places.labs() / "images.yaml"
    source, errors = read_source(path)
    if source is None:
        raise CourseErrors(errors)
    try:
        file = msgspec.convert(_fast.read(source.text, False), _File)
    except (_fast.Irregular, yaml.YAMLError, ValueError) as error:
        raise CourseErrors(_explain(source, error)) from None
    images = [msgspec.structs.replace(image, role=role) for role, image in file.images.items()]
    catalogue = Catalogue(images, path.parent)
    errors = tuple(_check(source, catalogue))
    if errors:
        raise CourseErrors(errors)
    return catalogue


def _explain(source: Source, first: Exception) -> tuple[CourseError, ...]:
    """All that does not fit, each with its place; the thorough way, when the quick one failed."""
    from tutor.course._nodes import parse
    from tutor.course._shape import flaws

    root, broken = parse(source.text)
    found = broken if root is None else [*broken, *flaws(root, _File)]
    if not found:
        return (source.error(1, 1, "", f"the file cannot be read: {first}", "see the keys at its top"),)
    return tuple(sorted({source.error(*flaw) for flaw in found}))


def _check(source: Source, catalogue: Catalogue) -> Iterator[CourseError]:
    """What types cannot say: how parts of the file fit each other and the recipes on disk."""

    def error(path: tuple[str, ...], wrong: str, right: str) -> CourseError:
        return source.error(*source.at(path), ".".join(path), wrong, right)

    holders: dict[str, str] = {}
    for image in catalogue:
        here = ("images", image.role)
        for tag in image.tags:
            name = f"{image.repository}:{tag}"
            if name in holders:
                place = "reference" if tag == image.tag else "also"
                yield error((*here, place), f"{name} belongs to `{holders[name]}` already", "give each tag one image")
            holders.setdefault(name, image.role)
        yield from _check_build(image, catalogue, error)
    for role in _in_a_circle(catalogue):
        yield error(("images", role, "build", "base"), f"`{role}` is built on itself", "begin with a `suite`")


def _check_build(image: Image, catalogue: Catalogue, error: _Error) -> Iterator[CourseError]:
    here, build = ("images", image.role, "build"), image.build
    if (build.suite is None) == (build.folder is None):
        yield error(here, "neither or both of `suite` and `folder`", "a base has `suite`, others `folder` and `base`")
        return
    if build.suite is not None:
        if build.base is not None:
            yield error((*here, "base"), "a base is built on nothing", "remove `base`, or give a `folder`")
        return
    if build.packages:
        yield error((*here, "packages"), "packages belong to a base", "install them in the Dockerfile")
    if build.base is None:
        yield error(here, "the key `base` is missing", "name the role that the recipe is built on")
    elif build.base not in catalogue:
        near = difflib.get_close_matches(build.base, catalogue.images, n=1)
        right = f"did you mean `{near[0]}`?" if near else f"roles are {', '.join(catalogue.images)}"
        yield error((*here, "base"), f"there is no image `{build.base}`", right)
    elif catalogue[build.base].mirror_only:
        yield error((*here, "base"), f"`{build.base}` is not kept on the engine", "build on another image")
    recipe = catalogue.folder / "images" / str(build.folder) / "Dockerfile"
    if not recipe.is_file():
        yield error((*here, "folder"), f"there is no images/{build.folder}/Dockerfile", "add the recipe")


def _in_a_circle(catalogue: Catalogue) -> Iterator[str]:
    for image in catalogue:
        seen, at = {image.role}, image.build.base
        while at is not None and at in catalogue and at not in seen:
            seen.add(at)
            at = catalogue[at].build.base
        if at == image.role:
            yield image.role
