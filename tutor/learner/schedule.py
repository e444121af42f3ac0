"""When something is to be asked again: FSRS, by the library `fsrs`, with nothing left to chance.

A card is what FSRS remembers of one thing. Grades go in with their time; out comes the same card on every machine, so
that the schedule can be made again from the journal alone. Steps within a day are left out: whoever learns in the
evening meets what was wrong on the next day, and not ten minutes later.

Sources: https://github.com/open-spaced-repetition/py-fsrs,
https://github.com/open-spaced-repetition/fsrs4anki/wiki/The-Algorithm (stability, difficulty, retrievability).
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from fsrs import Rating as FSRSRating
    from fsrs import Scheduler

Rating = Literal["again", "hard", "good"]
"""Forgotten; remembered with effort or help; remembered."""

# FSRS-6's own default weights, written down so that another version of the library changes nobody's schedule.
WEIGHTS = (
    0.212, 1.2931, 2.3065, 8.2956, 6.4133, 0.8334, 3.0194, 0.001, 1.8722, 0.1666, 0.796, 1.4835, 0.0614, 0.2629,
    1.6483, 0.6014, 1.8729, 0.5425, 0.0912, 0.0658, 0.1542,
)  # fmt: skip
RETENTION = 0.9
"""The share of answers that shall be right when things come back."""
LONGEST = 365
"""Days after which everything comes back at the latest."""
PARAMETERS = (*WEIGHTS, RETENTION, float(LONGEST))
"""All that the schedule depends on beside the journal."""
HARD_CREDIT = 0.75
"""Credit from which an answer that is partly right counts as remembered with effort."""
DAY = 86_400.0
EARLY = DAY / 2
"""Seconds before its time at which a card is due already: what was answered in the evening is asked in the morning."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What FSRS remembers of one thing.

    Attributes:
        stability: Days after which it is remembered with a probability of 0.9.
        difficulty: From 1 to 10.
        due, last: When it is due, and when it was graded last; seconds since the epoch, UTC.
        reps, lapses: How often it was graded, and how often it was forgotten after it had been known.
    """

    stability: float
    difficulty: float
    due: float
    last: float
    reps: int = 1
    lapses: int = 0


def rating(credit: float) -> Rating:
    """What an answer's credit, from 0.0 to 1.0, says about remembering."""
    return "good" if credit >= 1.0 else "hard" if credit >= HARD_CREDIT else "again"


def graded(card: Card | None, given: Rating, at: float) -> Card:
    """The card after a grade.

    Args:
        card: The card before; None the first time.
        given: The grade.
        at: When, in seconds since the epoch; a time before the last grade counts as that.
    """
    fsrs, scheduler, grades = _library()
    if card is not None:
        at = max(at, card.last)
    when = datetime.fromtimestamp(at, UTC)
    # A card without an id would wait a millisecond to get one; when it was due is not asked for.
    if card is None:
        before = fsrs.Card(card_id=0, due=when)
    else:
        before = fsrs.Card(
            card_id=0,
            state=fsrs.State.Review,
            stability=card.stability,
            difficulty=card.difficulty,
            due=when,
            last_review=datetime.fromtimestamp(card.last, UTC),
        )
    after, _ = scheduler.review_card(before, grades[given], when)
    assert after.stability is not None and after.difficulty is not None
    days = round((after.due - when).total_seconds() / DAY)
    return Card(
        stability=after.stability,
        difficulty=after.difficulty,
        due=at + days * DAY,
        last=at,
        reps=card.reps + 1 if card else 1,
        lapses=(card.lapses if card else 0) + (given == "again" and card is not None),
    )


def recall(card: Card, now: float) -> float:
    """The probability, from 0.0 to 1.0, that it is remembered now."""
    fsrs, scheduler, _ = _library()
    last = datetime.fromtimestamp(card.last, UTC)
    known = fsrs.Card(
        card_id=0,
        state=fsrs.State.Review,
        stability=card.stability,
        difficulty=card.difficulty,
        due=last,
        last_review=last,
    )
    return float(scheduler.get_card_retrievability(known, datetime.fromtimestamp(max(now, card.last), UTC)))


def is_due(card: Card, now: float) -> bool:
    """Whether it is time to ask again."""
    return now >= card.due - EARLY


def forgotten(card: Card, now: float) -> float:
    """A number that grows as the card is forgotten; for sorting, where the probability itself is not needed."""
    return (now - card.last) / card.stability


@cache
def _library() -> tuple[ModuleType, Scheduler, dict[Rating, FSRSRating]]:
    """The library, imported when something is graded first, with the scheduler and its grades."""
    import fsrs

    scheduler = fsrs.Scheduler(
        WEIGHTS,
        desired_retention=RETENTION,
        learning_steps=(),
        relearning_steps=(),
        maximum_interval=LONGEST,
        enable_fuzzing=False,
    )
    return fsrs, scheduler, {"again": fsrs.Rating.Again, "hard": fsrs.Rating.Hard, "good": fsrs.Rating.Good}
