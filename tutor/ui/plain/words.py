"""Numbers and times in words."""

from __future__ import annotations

from datetime import datetime, tzinfo


def day(at: float, now: float, zone: tzinfo | None = None) -> str:
    """A time to come: today, tomorrow, in some days, or its date; both in seconds since the epoch."""
    then, today = datetime.fromtimestamp(at, zone).date(), datetime.fromtimestamp(now, zone).date()
    days = (then - today).days
    if days <= 0:
        return "later today"
    if days == 1:
        return "tomorrow"
    return f"in {days} days" if days < 15 else f"on {then.isoformat()}"


def duration(seconds: float) -> str:
    """Hours and minutes."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
