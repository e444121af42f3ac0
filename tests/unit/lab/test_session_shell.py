"""The lab's shell: nothing of the learner's own start files or Docker settings reaches it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tutor.lab import shell


@pytest.fixture
def lab(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Home, the lab's shell folder and its workspace."""
    home, folder, workspace = tmp_path / "home", tmp_path / "lab" / "shell", tmp_path / "lab" / "work space"
    for path in (home, workspace):
        path.mkdir(parents=True)
    return home, folder, workspace


def _base(home: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "TERM": "dumb", **more}


def test_the_environment_keeps_the_learners_and_replaces_dockers(lab: tuple[Path, Path, Path]) -> None:
    home, folder, workspace = lab
    base = _base(
        home,
        DOCKER_CONTEXT="work",
        DOCKER_TLS_VERIFY="1",
        DOCKER_BUILDKIT="0",
        COMPOSE_PROJECT_NAME="mine",
        COMPOSE_FILE="/x",
        BASH_ENV="/x",
        DOCKER_TUTOR_HOME="/somewhere",
        EDITOR="vim",
    )
    env = shell.environment("22-3fa9c1", "unix:///run/s.sock", folder, workspace, base)
    assert env["DOCKER_HOST"] == "unix:///run/s.sock"
    assert env["DOCKER_CONFIG"] == str(folder / "docker")
    assert env["DOCKER_TUTOR_LAB"] == "22-3fa9c1"
    assert Path(env["TMPDIR"]).parent == folder
    assert (env["PATH"], env["LANG"], env["EDITOR"], env["DOCKER_TUTOR_HOME"]) == (
        base["PATH"],
        "C.UTF-8",
        "vim",
        "/somewhere",
    )
    gone = {
        "DOCKER_CONTEXT",
        "DOCKER_TLS_VERIFY",
        "DOCKER_BUILDKIT",
        "COMPOSE_PROJECT_NAME",
        "COMPOSE_FILE",
        "BASH_ENV",
    }
    assert not gone & env.keys()


def test_a_proxy_does_not_stand_before_the_labs_own_ports(lab: tuple[Path, Path, Path]) -> None:
    home, folder, workspace = lab
    env = shell.environment(
        "22-3fa9c1", "unix:///s", folder, workspace, _base(home, http_proxy="http://p:1", no_proxy="x")
    )
    assert env["no_proxy"] == "x,localhost,127.0.0.1,::1"
    assert "no_proxy" not in shell.environment("22-3fa9c1", "unix:///s", folder, workspace, _base(home))


def test_interactive_bash_starts_clean_whatever_the_dotfiles_say(lab: tuple[Path, Path, Path]) -> None:
    home, folder, workspace = lab
    for name in (".bashrc", ".bash_profile", ".profile", ".bash_completion"):
        (home / name).write_text("echo BROKEN; alias docker=false; exit 3\n")
    shell.write(folder, "net'$(id)-22", workspace, _base(home))
    env = shell.environment("22-3fa9c1", "unix:///s", folder, workspace, _base(home, PROMPT_COMMAND="echo BROKEN"))
    env["BASH_FUNC_docker%%"] = "() { echo BROKEN; }"
    env = shell.environment("22-3fa9c1", "unix:///s", folder, workspace, env)
    done = subprocess.run(
        shell.command(folder),
        input='pwd; echo "<${PS1@P}>"; mkdir -p a; cd a; echo "<${PS1@P}>"; type -t docker; echo one-line\n',
        env=env,
        capture_output=True,
        text=True,
        timeout=30,
        cwd="/",
    )
    assert "BROKEN" not in done.stdout + done.stderr
    assert done.stdout.splitlines()[:3] == [str(workspace), "<netid-22 $ >", "<netid-22/a $ >"]
    assert "alias" not in done.stdout and "function" not in done.stdout
    assert "one-line" in (folder / "history").read_text()


@pytest.mark.parametrize(
    ("number", "slug", "shown"),
    [
        (22, "networking", "networking-22"),
        (1, "why-docker", "why-docker-1"),
        (9, "isolation-and-security", "isolation-9"),
        (11, "redis-without-docker", "redis-11"),
    ],
)
def test_the_prompt_is_short_and_says_which_chapter(number: int, slug: str, shown: str) -> None:
    assert shell.prompt(number, slug) == shown


def test_plugins_are_found_and_logins_stay_out(lab: tuple[Path, Path, Path]) -> None:
    home, folder, workspace = lab
    plugins = home / ".docker" / "cli-plugins"
    plugins.mkdir(parents=True)
    (home / ".docker" / "config.json").write_text(
        json.dumps(
            {
                "cliPluginsExtraDirs": ["/opt/homebrew/lib/docker/cli-plugins"],
                "proxies": {"default": {"httpProxy": "http://p:1"}},
                "auths": {"registry": {"auth": "c2VjcmV0"}},
                "credsStore": "desktop",
                "currentContext": "work",
                "detachKeys": "ctrl-x",
            }
        )
    )
    shell.write(folder, "x", workspace, _base(home))
    assert json.loads((folder / "docker" / "config.json").read_text()) == {
        "cliPluginsExtraDirs": [str(plugins), "/opt/homebrew/lib/docker/cli-plugins"],
        "proxies": {"default": {"httpProxy": "http://p:1"}},
    }


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cliPluginsExtraDirs": 3, "proxies": "x"}'])
def test_a_broken_configuration_of_the_learners_harms_nothing(lab: tuple[Path, Path, Path], content: str) -> None:
    home, folder, workspace = lab
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text(content)
    shell.write(folder, "x", workspace, _base(home))
    assert json.loads((folder / "docker" / "config.json").read_text()) == {}
