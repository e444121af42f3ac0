"""Two themes, dark and light, and what a person has set: kept in `settings.json` in the data folder."""

from __future__ import annotations

import contextlib

import msgspec
from textual.theme import Theme

from tutor import places

DARK = Theme(
    name="tutor-dark",
    primary="#4aa8ff",
    secondary="#7c9cff",
    accent="#e6b450",
    warning="#e6b450",
    error="#ff7b85",
    success="#6fd68a",
    foreground="#d9e0e8",
    background="#0f141b",
    surface="#151c26",
    panel="#1d2733",
    dark=True,
    variables={
        "shell-background": "#0a0e13",
        "shell-foreground": "#d9e0e8",
        "quiet": "#8593a3",
        "border": "#4aa8ff",
        "border-blurred": "#2f3d4d",
        "footer-key-foreground": "#4aa8ff",
        "block-cursor-text-style": "bold",
    },
)
LIGHT = Theme(
    name="tutor-light",
    primary="#0b5cad",
    secondary="#3d4fb5",
    accent="#8a5a00",
    warning="#8a5a00",
    error="#b3261e",
    success="#1a7431",
    foreground="#1b2430",
    background="#f4f6f9",
    surface="#fbfcfd",
    panel="#e6ebf1",
    dark=False,
    variables={
        "shell-background": "#ffffff",
        "shell-foreground": "#1b2430",
        "quiet": "#5a6675",
        "border": "#0b5cad",
        "border-blurred": "#b4c0cd",
        "footer-key-foreground": "#0b5cad",
        "block-cursor-text-style": "bold",
    },
)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has set.

    Attributes:
        theme: Name of the theme.
        motion: Whether things may move smoothly.
    """

    theme: str = DARK.name
    motion: bool = True


def load() -> Settings:
    """What was set; the defaults where nothing, or nothing readable, is kept."""
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode((places.data() / "settings.json").read_bytes(), type=Settings)
    return Settings()


def keep(settings: Settings) -> None:
    """Keep it for the next start; a disk that cannot be written only costs the wish."""
    with contextlib.suppress(OSError):
        (places.data() / "settings.json").write_bytes(msgspec.json.encode(settings))
