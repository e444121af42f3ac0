"""`workshop plan` in lines of text."""

from __future__ import annotations

import json
from typing import TextIO

from tutor.course.models import Course
from tutor.engine.images.budget import ANONYMOUS, SOURCE, WINDOW_HOURS, Budget
from tutor.ui.plain.workshop_images import images_of
from tutor.workshop import agenda
from tutor.workshop.agenda import Plan


def show(course: Course, plan: Plan, out: TextIO, *, as_json: bool) -> None:
    """Timetable, images and budget."""
    titles = {chapter.chapter: chapter.title for chapter in course.chapters}
    table = agenda.timetable(plan, titles)
    used = images_of(plan)
    sums = Budget(plan.seats, len(used), sum(image.size_mb for image in used))
    if as_json:
        parts = [{"at": at, "minutes": minutes, "what": what} for at, minutes, what in table]
        pulls = {"pulls": sums.pulls, "limit": ANONYMOUS, "window_hours": WINDOW_HOURS, "fits": sums.fits}
        told = {"title": plan.title, "seats": plan.seats, "minutes": plan.minutes, "agenda": parts}
        told |= {"images": [image.reference for image in used], "megabytes": sums.megabytes} | pulls
        print(json.dumps(told, indent=2, ensure_ascii=False), file=out)
        return
    print(f"{plan.title}: {plan.minutes} minutes, {plan.seats} seats", file=out)
    for at, minutes, what in table:
        print(f"  {at // 60}:{at % 60:02}  {minutes:>3} min  {what}", file=out)
    print(f"\nImages: {', '.join(image.reference for image in used) or 'none'}", file=out)
    print(
        f"{plan.seats} seats × {len(used)} images = {sums.pulls} pulls, about {sums.megabytes} MB on each disk.",
        file=out,
    )
    if sums.fits:
        print("Docker Hub gives that to one address without signing in.", file=out)
    else:
        print(f"Docker Hub gives {ANONYMOUS} in {WINDOW_HOURS} hours to one address ({SOURCE}).", file=out)
        print("Take a file along (workshop prep --pack FILE), or serve them (workshop prep --mirror).", file=out)
    print("\nStart it: docker tutor workshop host, with the same options.", file=out)
