"""`plugin install | uninstall`: make `docker tutor` work."""

from __future__ import annotations

import argparse

from tutor import plugin


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this family's commands."""
    family = commands.add_parser("plugin", help="make `docker tutor` work, or stop that")
    actions = family.add_subparsers(title="actions", metavar="ACTION", required=True)
    actions.add_parser("install", help="add docker-tutor to the docker CLI").set_defaults(command=_install)
    actions.add_parser("uninstall", help="take it away again").set_defaults(command=_uninstall)


def _install(_: argparse.Namespace) -> int:
    print(f"Installed {plugin.install()}: `docker tutor` works now, and `docker --help` lists it.")
    return 0


def _uninstall(_: argparse.Namespace) -> int:
    path = plugin.uninstall()
    print(f"Removed {path}." if path else "There was nothing to remove.")
    return 0
