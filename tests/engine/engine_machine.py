"""A machine of its own for tests that start and kill engines: a network namespace, and a home.

An engine that starts rewrites the machine's packet filter; in here it meets nobody else's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TUTOR = [sys.executable, "-m", "tutor"]

_HOLD = """
import socket, signal, sys
from tutor.engine import _network
with socket.socket() as control:
    _network._set_flag(control, "lo", up=True)
print("ready", flush=True)
signal.pause()
"""


class Machine:
    """Runs commands in its network namespace, with its own home."""

    def __init__(self, holder: int, home: Path) -> None:
        self.home = home
        self.enter = ["nsenter", f"--net=/proc/{holder}/ns/net", "--"]
        gone = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_TLS")
        self.env = {k: v for k, v in os.environ.items() if k not in gone}
        path = self.env.get("PATH", "") + ":/usr/sbin:/sbin"
        self.env |= {"DOCKER_TUTOR_HOME": str(home), "HOME": str(home), "PATH": path}

    def start(self, *argv: str, **options: Any) -> subprocess.Popen[str]:
        """Start a command in here."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
        return subprocess.Popen([*self.enter, *argv], env=self.env, text=True, **(pipes | options))

    def run(self, *argv: str, status: int | None = 0) -> str:
        """Run a command in here and return what it prints; its status must be the one given."""
        done = subprocess.run([*self.enter, *argv], env=self.env, text=True, capture_output=True, timeout=180)
        assert status is None or done.returncode == status, done.stdout + done.stderr
        return done.stdout + (done.stderr if status != 0 else "")

    def python(self, script: str, *argv: str, status: int = 0) -> str:
        """Run a few lines of Python in here."""
        return self.run(sys.executable, "-c", script, *argv, status=status)

    def tutor(self, *argv: str, status: int = 0) -> str:
        """Run a command of the tutor in here."""
        return self.run(*TUTOR, *argv, status=status)

    def up(self, *argv: str) -> dict[str, Any]:
        """Start the private engine; `--beside`, as sockets of other engines are seen from here too."""
        return dict(json.loads(self.tutor("engine", "up", "--beside", "--json", *argv)))

    def status(self) -> dict[str, Any]:
        """What is known of the private engine."""
        return dict(json.loads(self.tutor("engine", "status", "--json")))

    def docker(self, *argv: str, status: int = 0) -> str:
        """Run docker with the private engine."""
        return self.run("docker", "--host", f"unix://{self.home}/run/engine/docker.sock", *argv, status=status).strip()


@contextmanager
def machine() -> Iterator[Machine]:
    """A fresh machine; whatever engine runs in it is ended."""
    home = Path(tempfile.mkdtemp(prefix="dt-", dir="/tmp"))
    holder = subprocess.Popen(["unshare", "--net", sys.executable, "-c", _HOLD], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout and holder.stdout.readline() == "ready\n"
        here = Machine(holder.pid, home)
        try:
            yield here
        finally:
            here.tutor("engine", "down")
    finally:
        holder.terminate()
        holder.wait()
        shutil.rmtree(home, ignore_errors=True)
