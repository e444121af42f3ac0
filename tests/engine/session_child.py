"""A tutor that is killed at a chosen point: run by tests of what the next start finds.

Usage: session_child.py WHERE WHEN: WHERE is `module:name` of a function, WHEN `before` or `after` its call, or a
number: after so many calls of it. The variable NEEDS in the environment makes it a chapter that needs so much.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

from msgspec import structs

from tutor.course.loader import load_course
from tutor.course.models import Lab
from tutor.engine.connect import connect
from tutor.lab import open_labs
from tutor.lab.session.session import Session

SAMPLE = Path(__file__).parent.parent / "course" / "sample"


def die() -> None:
    """As a power cut would."""
    os.kill(os.getpid(), 9)


def arm(where: str, when: str) -> None:
    """Die at a function."""
    module_name, _, path = where.partition(":")
    owner: Any = importlib.import_module(module_name)
    *outer, name = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    original = getattr(owner, name)
    calls = 0

    def deadly(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if when == "before":
            die()
        result = original(*args, **kwargs)
        if when == "after" or (when.isdigit() and calls == int(when)):
            die()
        return result

    setattr(owner, name, deadly)


def main() -> None:
    """Open a lab, work in it, close it."""
    arm(*sys.argv[1:3])
    course = load_course(SAMPLE)
    chapter = structs.replace(course.chapters[0], needs=tuple(os.environ.get("NEEDS", "").split()))
    lab = next(part for part in chapter.sections if isinstance(part, Lab))
    session = Session.open(course, chapter, engine=connect(), lab=lab, labs=SAMPLE / "labs")
    session.go_to("write")
    session.run("docker network create in-the-lab")
    session.run(f"printf 'FROM busybox:1.37\\nRUN touch /x\\n' | docker build -t built-{open_labs.installation()} -")
    session.close()
    sys.stdout.write("survived\n")


if __name__ == "__main__":
    main()
