"""An engine behind ssh as a socket on this machine.

The docker SDK speaks ssh only with paramiko. The docker CLI starts `ssh … docker system dial-stdio` for each connection
and so does this: a listener hands every accepted connection to an ssh process, which reads and writes it directly.
"""

from __future__ import annotations

import atexit
import contextlib
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

from tutor import places
from tutor.engine._wire import start_ssh
from tutor.engine.address import EngineAddress


def open_tunnel(address: EngineAddress) -> Path:
    """Listen on a private socket until the process ends; each connection goes through an ssh of its own.

    Returns:
        The socket's path.
    """
    folder = Path(tempfile.mkdtemp(prefix="ssh-", dir=places.runtime()))
    path = folder / "docker.sock"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen(16)
    running: list[subprocess.Popen[bytes]] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                running[:] = [ssh for ssh in running if ssh.poll() is None]
                running.append(start_ssh(address, connection))

    def close() -> None:
        listener.close()
        for ssh in running:
            ssh.terminate()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(close)
    threading.Thread(target=serve, name="ssh tunnel", daemon=True).start()
    return path
