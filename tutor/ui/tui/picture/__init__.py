"""The live picture: World, API trace, Layers and Timeline as functions of values, and a widget that shows them.

`Picture` comes when it is asked for, so that the pure parts can be used without Textual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tutor.ui.tui.picture.widget import Picture as Picture

__all__ = ["Picture"]


def __getattr__(name: str) -> Any:
    if name == "Picture":
        from tutor.ui.tui.picture.widget import Picture

        return Picture
    raise AttributeError(name)
