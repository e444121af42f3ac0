"""docker-tutor as a Docker CLI plugin, so that `docker tutor` works and stands in `docker --help`.

The docker CLI runs every executable `docker-NAME` in its plugin folders with the one argument
`docker-cli-plugin-metadata`, and later with its own arguments: global options, then NAME, then the rest.
Source: https://github.com/docker/cli/blob/master/cli-plugins/metadata/metadata.go and `docs/extend/cli_plugins.md`.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tutor import __version__
from tutor.problems import Problem

METADATA_COMMAND = "docker-cli-plugin-metadata"
NAME = "tutor"
_MARK = "# Docker CLI plugin of docker-tutor; `docker-tutor plugin uninstall` removes it."
# The docker CLI's global options, as they come before the plugin's name.
_WITH_VALUE = {
    "-c",
    "--context",
    "-H",
    "--host",
    "--config",
    "-l",
    "--log-level",
    "--tlscacert",
    "--tlscert",
    "--tlskey",
}
_ALONE = {"-D", "--debug", "--tls", "--tlsverify"}


def metadata() -> str:
    """What the docker CLI asks of a plugin, as JSON."""
    return json.dumps(
        {
            "SchemaVersion": "0.1.0",
            "Vendor": "docker-tutor",
            "Version": __version__,
            "ShortDescription": "Learn Docker's mental model in the terminal",
        }
    )


def arguments(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """The tutor's own arguments, and the variables that the docker CLI's global options stand for.

    Args:
        argv: Arguments without the program's name: from a shell (`list`) or from the docker CLI (`-H … tutor list`).
        environ: The process's variables; those of the docker CLI tell that it called.

    Returns:
        The arguments with everything of the docker CLI's taken off, and DOCKER_… variables to set.
    """
    # CLIs before 24 do not set that variable, so the words themselves must tell, too.
    called = "DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND" in environ or (argv and argv[0].startswith("-") and NAME in argv)
    if not called and list(argv[:1]) != [NAME]:
        return list(argv), {}
    variables: dict[str, str] = {}
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == NAME:
            break
        option, equals, value = word.partition("=")
        if option in _WITH_VALUE:
            value = value if equals else rest.pop(0) if rest else ""
            variables |= _variable(option, value)
        elif option == "--tlsverify":
            variables["DOCKER_TLS_VERIFY"] = "1"
        elif option not in _ALONE:
            return list(argv), {}  # not the docker CLI's way to call
    return rest, variables


def install(environ: Mapping[str, str] = os.environ) -> Path:
    """Put a launcher into the learner's own plugin folder; returns its path.

    Raises:
        Problem: Something else stands there.
    """
    path = _place(environ)
    if os.path.lexists(path) and not _ours(path):
        raise Problem(f"{path} is there already and is not docker-tutor's.", "Move it away, then try again.")
    text = f'#!/bin/sh\n{_MARK}\nexec {shlex.quote(sys.executable)} -m tutor "$@"\n'
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
    except OSError as error:
        raise Problem(
            f"{path} cannot be written ({error.strerror}).", "Make that folder yours, then try again."
        ) from error
    return path


def uninstall(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Take the launcher away; None when there was none.

    Raises:
        Problem: What stands there is not docker-tutor's; it is left alone.
    """
    path = _place(environ)
    if not os.path.lexists(path):
        return None
    if not _ours(path):
        raise Problem(f"{path} is not docker-tutor's; it is left alone.")
    path.unlink()
    return path


def _variable(option: str, value: str) -> dict[str, str]:
    match option:
        case "-c" | "--context":
            return {"DOCKER_CONTEXT": value}
        case "-H" | "--host":
            return {"DOCKER_HOST": value}
        case "--config":
            return {"DOCKER_CONFIG": value}
        case "--tlscacert" | "--tlscert" | "--tlskey":
            return {"DOCKER_CERT_PATH": str(Path(value).parent)}
        case _:
            return {}


def _place(environ: Mapping[str, str]) -> Path:
    config = environ.get("DOCKER_CONFIG")
    return (Path(config) if config else Path.home() / ".docker") / "cli-plugins" / f"docker-{NAME}"


def _ours(path: Path) -> bool:
    try:
        return _MARK in path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
