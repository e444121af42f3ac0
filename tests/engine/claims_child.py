"""A tutor of its own home that opens a lab, says what it was given, and closes it when its input ends."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from msgspec import structs

from tutor.course.loader import load_course
from tutor.course.models import Lab
from tutor.engine.connect import connect
from tutor.lab.session.session import Session

SAMPLE = Path(__file__).parent.parent / "course" / "sample"


def main() -> None:
    """Say `ready`, open at the first line of input, tell names, ports and the lab's volumes, close at the end."""
    course = load_course(SAMPLE)
    chapter = structs.replace(course.chapters[0], ports=("web", "api"))
    lab = next(part for part in chapter.sections if isinstance(part, Lab))
    engine = connect()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    session = Session.open(course, chapter, engine=engine, lab=lab, labs=SAMPLE / "labs")
    seen = session.run("docker volume ls -q; docker volume prune -af >/dev/null; docker system prune -af >/dev/null")
    told = {"names": session.bindings.names, "ports": session.bindings.ports, "volumes": seen.output.split()}
    sys.stdout.write(json.dumps({**told, "lab": session.lab_id}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    receipt = session.close()
    sys.stdout.write(json.dumps({"clean": receipt.clean, "words": receipt.words()}) + "\n")


if __name__ == "__main__":
    main()
