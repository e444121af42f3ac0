"""Build images from recipes: bases by mmdebstrap, the others by BuildKit, two at a time, only what has changed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from tutor import places
from tutor.engine.connect import Engine
from tutor.engine.images import recipe_machine
from tutor.engine.images import state as image_state
from tutor.engine.images.catalogue_file import Catalogue, Image
from tutor.engine.images.progress import Report, Step, counted, silent, size
from tutor.engine.images.pull import PATIENCE
from tutor.engine.images.recipes import MACHINE, digests, to_build
from tutor.engine.images.state import Held, held, let_go
from tutor.problems import Problem

# More than two wait for the same disk and the same mirror.
_AT_ONCE = 2

# What Debian's slim images leave out: https://github.com/debuerreotype/debuerreotype (.slimify-excludes).
_LEFT_OUT = ("doc", "groff", "info", "linda", "lintian", "locale", "man")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def build(
    engine: Engine,
    catalogue: Catalogue,
    roles: Iterable[str],
    report: Report = silent,
    *,
    skip: Iterable[str] = (),
    again: bool = False,
) -> list[Image]:
    """Make these images from their recipes, where they are missing or their recipe has changed.

    An image that the learner or a registry put under the reference stays, and is used.

    Args:
        engine: Where they are built.
        catalogue: The images.
        roles: Which of them.
        report: Takes progress, from several threads.
        skip: Roles to leave out although the engine does not hold them.
        again: Build also what is right already (Debian's packages move on while a recipe stays).

    Returns:
        What was built.

    Raises:
        Problem: `no-mmdebstrap`, `no-buildx`, `build-failed`, `engine-gone`.
    """
    found = {one.image.role: one for one in held(engine, catalogue)}
    todo = to_build(catalogue, roles, found, skip=skip, again=again)
    if todo:
        _check_tools(todo)
        with tempfile.TemporaryDirectory(prefix="docker-tutor-") as scratch:
            _Builder(engine, catalogue, found, report, Path(scratch), again).run(todo)
    return todo


def suite_of(catalogue: Catalogue, image: Image) -> str:
    """The Debian release that an image's base is made of."""
    while image.build.base:
        image = catalogue[image.build.base]
    return image.build.suite or ""


def _check_tools(todo: list[Image]) -> None:
    if any(image.build.suite for image in todo) and shutil.which("mmdebstrap") is None:
        raise Problem(
            "Building images needs mmdebstrap, which is not installed.",
            "Debian, Ubuntu: apt-get install mmdebstrap. Or take them from a pack: docker tutor images load FILE.",
            code="no-mmdebstrap",
        )
    if not any(image.build.folder for image in todo):
        return
    docker = shutil.which("docker")
    if docker and subprocess.run([docker, "buildx", "version"], capture_output=True, check=False).returncode == 0:
        return
    raise Problem(
        "Building images needs the docker command with its buildx plugin.",
        "Debian: apt-get install docker-buildx. Elsewhere: https://docs.docker.com/engine/install/",
        code="no-buildx",
    )


class _Builder:
    """One run: the order by bases, two at a time, the first failure ends all.

    Args:
        engine: Where images go.
        catalogue: All of them.
        found: What the engine held at the start, by role.
        report: Takes progress.
        scratch: A folder for files of this run.
        fresh: Whether BuildKit's cache is passed over.
    """

    def __init__(
        self, engine: Engine, catalogue: Catalogue, found: dict[str, Held], report: Report, scratch: Path, fresh: bool
    ) -> None:
        self.engine = engine
        self.catalogue = catalogue
        self.found = found
        self.report = report
        self.scratch = scratch
        self.fresh = fresh
        self.digests = digests(catalogue, found)
        self.running: set[subprocess.Popen[bytes]] = set()
        self.stopped = False
        self.lock = threading.Lock()
        self.npmrc = scratch / "npmrc"
        self.npmrc.touch(mode=0o600)
        self.npmrc.write_text(recipe_machine.npm_settings(), encoding="utf-8")

    def run(self, todo: list[Image]) -> None:
        """Build them all, or raise what the first failure was."""
        self.report = counted(self.report, len(todo))
        for suite in {suite_of(self.catalogue, image) for image in todo if image.build.folder}:
            recipe_machine.lend(self.machine(suite), self.catalogue.folder / "images" / MACHINE, suite)
        waiting = {image.role: image for image in todo}
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="build") as pool:
            busy: dict[Future[None], str] = {}
            try:
                while waiting or busy:
                    unbuilt = {*waiting, *busy.values()}
                    for role, image in list(waiting.items()):
                        if len(busy) < _AT_ONCE and image.build.base not in unbuilt:
                            busy[pool.submit(self.make, waiting.pop(role))] = role
                    for future in wait(busy, return_when=FIRST_COMPLETED).done:
                        del busy[future]
                        future.result()
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """End the programs that still run; those who wait for them then see a failure."""
        with self.lock:
            self.stopped = True
            for process in self.running:
                process.terminate()

    def machine(self, suite: str) -> Path:
        """The folder that is lent to builds on this release."""
        return self.scratch / f"machine-{suite}"

    def make(self, image: Image) -> None:
        """Build one image, and let go of the one it replaces."""
        self.report(Step(image.reference, "building"))
        if image.build.suite:
            self.bootstrap(image)
        else:
            self.dockerfile(image)
        before = self.found.get(image.role)
        after = held(self.engine, [image])[0]
        if before and before.id and before.id != after.id:
            let_go(self.engine, before.id)
        self.report(Step(image.reference, "building", finished=f"built, {size(after.size)}"))

    def labels(self, image: Image) -> dict[str, str]:
        """What tells an image's role, recipe and whom it stands in for."""
        labels = {image_state.ROLE: image.role, image_state.RECIPE: self.digests[image.role]}
        if image.stand_in:
            labels[image_state.STAND_IN] = image.reference
        return labels

    def bootstrap(self, image: Image) -> None:
        """A Debian base: a new root folder by mmdebstrap, then `docker import`."""
        suite = str(image.build.suite)
        root = self.scratch / f"{image.role}.tar"
        settings = self.scratch / f"{image.role}.conf"
        settings.write_text(
            recipe_machine.fetching(recipe_machine.apt_config(), inside=False) + 'Acquire::Languages "none";\n',
            encoding="utf-8",
        )
        slim = self.catalogue.folder / "images" / MACHINE / "debian-slim"
        left_out = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _LEFT_OUT]
        include = [f"--include={','.join(image.build.packages)}"] if image.build.packages else []
        self.program(
            image,
            [
                "mmdebstrap",
                "--quiet",
                "--variant=minbase",
                f"--aptopt={settings}",
                *left_out,
                "--dpkgopt=path-include=/usr/share/doc/*/copyright",
                *include,
                *_merged_usr(),
                f'--customize-hook=copy-in "{slim}" /tmp',
                f'--customize-hook=chroot "$1" sh /tmp/debian-slim {suite} && rm "$1/tmp/debian-slim"',
                suite,
                str(root),
                *recipe_machine.machine_lines(suite),
            ],
        )
        self.import_root(image, root, [f"ENV PATH={_PATH}", 'CMD ["bash"]'])

    def import_root(self, image: Image, root: Path, changes: list[str]) -> None:
        """Make an image of one layer from a tar file.

        Args:
            image: Gets its name and labels.
            root: The tar file; removed.
            changes: Its configuration, as Dockerfile instructions.
        """
        from docker.errors import APIError

        changes = changes + [f'LABEL {name}="{value}"' for name, value in self.labels(image).items()]
        with self.engine.fresh(timeout=PATIENCE) as patient, patient.guard():
            try:
                patient.api.import_image_from_file(
                    str(root), repository=image.local.rpartition(":")[0], tag=image.tag, changes=changes
                )
            except APIError as error:
                raise _failed(image, str(error.explanation or error), self.log(image)) from error
        root.unlink()

    def dockerfile(self, image: Image) -> None:
        """An image on another one: `docker build`, with the machine's ways lent to it."""
        base = self.catalogue[str(image.build.base)]
        recipe = self.catalogue.folder / "images" / str(image.build.folder)
        root = self.scratch / f"{image.role}.tar"
        command = ["docker", "build", "--builder=default", "--progress=plain", "--provenance=false"]
        if image.mirror_only:
            # BuildKit's cache would keep the layers of an image: a pull of it later would find them all there.
            command += [f"--output=type=tar,dest={root}"]
        else:
            command += ["--load", f"--tag={image.local}"]
            command += [f"--label={name}={value}" for name, value in self.labels(image).items()]
        # The host's network: it works where containers have none, and with a resolver on loopback.
        command += ["--network=host", f"--build-arg=BASE={base.local}"]
        command += [f"--build-context=machine={self.machine(suite_of(self.catalogue, image))}"]
        command += [f"--secret=id=npmrc,src={self.npmrc}"]
        # Not in the image's history: https://docs.docker.com/build/building/variables/#pre-defined-build-arguments
        command += [f"--build-arg={name}" for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY") if name in os.environ]
        command += ["--no-cache"] if self.fresh else []
        self.program(image, [*command, str(recipe)])
        if image.mirror_only:
            self.import_root(image, root, configuration((recipe / "Dockerfile").read_text(encoding="utf-8")))

    def log(self, image: Image) -> Path:
        """Where the programs' words about an image are kept."""
        folder = places.cache_folder() / "images"
        folder.mkdir(exist_ok=True)
        return folder / f"{image.role}.log"

    def program(self, image: Image, argv: Sequence[str]) -> None:
        """Run a program, its words in the image's log.

        Raises:
            Problem: `build-failed`, with the words that tell.
        """
        log = self.log(image)
        environ = {**os.environ, **self.engine.address.environment(), "DOCKER_BUILDKIT": "1", "LC_ALL": "C.UTF-8"}
        with log.open("wb") as file:
            with self.lock:
                if self.stopped:
                    raise _failed(image, "another image failed first", log)
                process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environ)
                self.running.add(process)
            status = process.wait()
            with self.lock:
                self.running.discard(process)
        if status != 0:
            raise _failed(image, telling(log.read_text(encoding="utf-8", errors="replace")), log)


def configuration(dockerfile: str) -> list[str]:
    """The instructions of a Dockerfile's last stage that change no files, one line each (pure)."""
    last = re.split(r"^FROM\b", dockerfile, flags=re.MULTILINE)[-1]
    return re.findall(r"^(?:CMD|ENTRYPOINT|ENV|EXPOSE|STOPSIGNAL|USER|VOLUME|WORKDIR)\s.*", last, re.MULTILINE)


def telling(text: str) -> str:
    """The line of a failed build's log that says most (pure)."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for sign in ("E: ", "npm error", "ERROR: process", "ERROR", "rror:"):
        found = [line for line in lines if sign in line]
        if found:
            return found[0][:300]
    return lines[-1][:300] if lines else "it said nothing"


def _merged_usr() -> list[str]:
    """Releases before trixie need the merged /usr laid out first; where mmdebstrap ships the hook, it is used."""
    hook = Path("/usr/share/mmdebstrap/hooks/merged-usr")
    return [f"--hook-dir={hook}"] if hook.is_dir() else []


def _failed(image: Image, why: str, log: Path) -> Problem:
    sentence = f"{image.reference} could not be built: {why.rstrip('.')}."
    return Problem(sentence, f"All that was said is in {log}.", code="build-failed")
