"""The lab's shell: its environment, its bash and what it starts with.

The learner's own bash runs without the learner's start files, so that nothing in them can break a lesson. PATH,
locale and HOME stay. Docker's variables are the lab's own: every client that reads DOCKER_HOST meets the sandbox.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tutor.problems import Problem

LAB = "DOCKER_TUTOR_LAB"
"""Variable that tells programs in the lab's shell which lab they are in."""

# Variables that change what Docker's programs do, and bash's own that change what a script does.
# Sources: https://docs.docker.com/reference/cli/docker/#environment-variables,
# https://docs.docker.com/compose/how-tos/environment-variables/envvars/,
# https://docs.docker.com/build/building/variables/, bash(1).
_DROPPED = ("DOCKER_", "COMPOSE_", "BUILDX_", "BUILDKIT_", "BASH_FUNC_", "LESS_TERMCAP_")
# fmt: off
_DROPPED_NAMES = frozenset(
    {
        "BASH_ENV", "ENV", "BASHOPTS", "SHELLOPTS", "POSIXLY_CORRECT", "CDPATH", "GLOBIGNORE", "FIGNORE",
        "PROMPT_COMMAND", "PROMPT_DIRTRIM", "PS0", "PS1", "PS2", "PS3", "PS4", "HISTFILE", "HISTCONTROL",
        "HISTIGNORE", "HISTSIZE", "HISTFILESIZE", "HISTTIMEFORMAT", "TMOUT", "IGNOREEOF", "EXECIGNORE",
        "BASH_XTRACEFD", "BASH_COMPAT", "BASH_LOADABLES_PATH", "OLDPWD",
    }
)
# fmt: on
_KEPT = frozenset({"DOCKER_TUTOR_HOME"})

_COMPLETIONS = (
    "/usr/share/bash-completion/bash_completion",
    "/usr/local/share/bash-completion/bash_completion",
    "/opt/homebrew/share/bash-completion/bash_completion",
    "/opt/local/share/bash-completion/bash_completion",
)


def environment(
    lab: str, socket: str, folder: Path, workspace: Path, base: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment of everything that runs in a lab.

    Args:
        lab: The lab's id.
        socket: The sandbox's address in the form of DOCKER_HOST.
        folder: The lab's `shell/` folder, as `write` left it.
        workspace: The learner's working directory.
        base: The environment to begin with; this process's own when left out.
    """
    base = os.environ if base is None else base
    env = {
        name: value
        for name, value in base.items()
        if name in _KEPT or (name not in _DROPPED_NAMES and not name.startswith(_DROPPED))
    }
    env |= {
        "DOCKER_HOST": socket,
        "DOCKER_CONFIG": str(folder / "docker"),
        "HISTFILE": str(folder / "history"),
        # buildx leaves a folder here for each Dockerfile that it reads from its input.
        "TMPDIR": str(folder / "tmp"),
        "PWD": str(workspace),
        # `docker` prints advertisements for other programs after some commands; a lesson shows none.
        "DOCKER_CLI_HINTS": "false",
        # Files of the learner's that bash-completion and curl would read.
        "BASH_COMPLETION_USER_FILE": "/dev/null",
        "CURL_HOME": str(folder),
        LAB: lab,
    }
    if any(name in env for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy")):
        for name in ("no_proxy", "NO_PROXY"):
            env[name] = ",".join(filter(None, (env.get(name, ""), "localhost,127.0.0.1,::1")))
    return env


def command(folder: Path) -> list[str]:
    """The words that start the lab's interactive shell.

    Raises:
        Problem: `no-bash`.
    """
    return [bash(), "--noprofile", "--rcfile", str(folder / "rc"), "-i"]


def bash() -> str:
    """Where bash is.

    Raises:
        Problem: `no-bash`.
    """
    found = shutil.which("bash")
    if not found:
        raise Problem("bash is not installed.", "Install it: the lab's shell is bash.", code="no-bash")
    return found


def write(folder: Path, prompt: str, workspace: Path, base: Mapping[str, str] | None = None) -> None:
    """Make what the shell starts with: its rc file, its Docker configuration and a folder for temporary files.

    Args:
        folder: The lab's `shell/` folder; made when it is not there.
        prompt: What stands before the `$`, such as `net-22`.
        workspace: The learner's working directory.
        base: The environment in which the learner's own Docker configuration is looked for.

    Raises:
        OSError: The disk is full or may not be written.
    """
    docker = folder / "docker"
    docker.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "tmp").mkdir(exist_ok=True, mode=0o700)
    (folder / "rc").write_text(_rc(prompt, workspace), encoding="utf-8")
    # curl looks further, in HOME, where it finds none here (curl(1), --config).
    (folder / ".curlrc").touch()
    (docker / "config.json").write_text(json.dumps(_config(base), indent=2) + "\n", encoding="utf-8")


_SMALL = frozenset(
    ["a", "an", "docker", "exists", "how", "is", "not", "the", "to", "use", "what", "when", "which", "why", "without"]
)
"""Words that do not tell one chapter from another."""


def prompt(chapter: int, slug: str) -> str:
    """What stands before the `$` in a chapter's shell: `networking-22`."""
    words = [word for word in slug.split("-") if word not in _SMALL] or ["docker"]
    short = slug if len(slug) <= 12 else max(words, key=len)[:12]
    return f"{short}-{chapter}"


def _rc(name: str, workspace: Path) -> str:
    shown = "".join(letter for letter in name if letter.isalnum() or letter in "-_.")
    sources = " ".join(shlex.quote(path) for path in _COMPLETIONS)
    return f"""\
# The lab's shell. It reads no start file of yours, so nothing in them can get in a lesson's way.
cd {shlex.quote(str(workspace))} || exit
# Below the lab's folder the prompt says where: `compose-24/shop $`. Elsewhere it gives the whole path.
_lab={shlex.quote(str(workspace))}
if [ -n "${{NO_COLOR-}}" ] || [ "${{TERM-dumb}}" = dumb ]; then
  PS1='{shown}${{PWD#"$_lab"}} $ '
else
  PS1='\\[\\e[1m\\]{shown}${{PWD#"$_lab"}} $\\[\\e[0m\\] '
fi
PS2='> '
HISTCONTROL=ignoredups
HISTSIZE=5000
HISTFILESIZE=5000
shopt -s histappend checkwinsize
PROMPT_COMMAND='history -a'
alias ls='ls --color=auto' 2>/dev/null
ls --color=auto / >/dev/null 2>&1 || unalias ls
if [ "${{BASH_VERSINFO[0]}}" -ge 4 ]; then
  for _file in {sources}; do
    if [ -r "$_file" ]; then . "$_file"; break; fi
  done
  unset _file
  if declare -F _init_completion >/dev/null; then
    # The docker command brings its own completion; it is asked for at the first Tab only.
    _docker_first_tab() {{
      complete -r docker
      . <(docker completion bash 2>/dev/null)
      complete -p docker >/dev/null 2>&1 || return 1
      return 124
    }}
    complete -F _docker_first_tab docker
  fi
fi
"""


def _config(base: Mapping[str, str] | None) -> dict[str, Any]:
    """The lab's own Docker configuration.

    From the learner's comes only where more plugins are (Compose, buildx) and which proxies builds need. Logins,
    contexts, aliases, formats and detach keys stay out: they would change what a lesson shows.
    """
    base = os.environ if base is None else base
    own = Path(base.get("DOCKER_CONFIG") or Path(base.get("HOME") or "~").expanduser() / ".docker")
    theirs: dict[str, Any] = {}
    try:
        read = json.loads((own / "config.json").read_text("utf-8"))
        theirs = read if isinstance(read, dict) else {}
    except (OSError, ValueError):
        pass  # No configuration, or one that docker itself could not read.
    extra = theirs.get("cliPluginsExtraDirs")
    folders = [str(item) for item in extra] if isinstance(extra, list) else []
    if (own / "cli-plugins").is_dir():
        # The order in which docker itself looks (docker/cli, cli-plugins/manager).
        folders.insert(0, str((own / "cli-plugins").absolute()))
    config: dict[str, Any] = {}
    if folders:
        config["cliPluginsExtraDirs"] = folders
    if isinstance(theirs.get("proxies"), dict):
        config["proxies"] = theirs["proxies"]
    return config
