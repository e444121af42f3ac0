"""Drawing only the rows that have changed.

For an update of one row Textual 8 renders every line of every widget whose *clip* touches it: on the lesson screen that
is each line of the screen and of all its containers, 200 lines for one typed key. Here it is the rows of the update.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip

_KNOWN = (("self", "crop"), "Iterable[tuple[Region, Region, list[Strip]]]")


def fits(compositor: type[object]) -> bool:
    """Whether what is overridden here is in this version of Textual what it was when this was written."""
    method = getattr(compositor, "_get_renders", None)
    if method is None:
        return False
    signature = inspect.signature(method)
    return (tuple(signature.parameters), signature.return_annotation) == _KNOWN


class RowCompositor(Compositor):
    """Textual's compositor, which asks widgets only for the rows that are drawn.

    Textual has no public way to do so. What is overridden is its own and private: `rows` uses this only where it
    `fits`, and `tests/ui/test_tui_rows.py` holds both against each other.
    """

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        if crop is None:
            yield from super()._get_renders(crop)
            return
        rows = Region(0, crop.y, self.size.width, crop.height)
        for widget, (region, clip) in self.visible_widgets.items():
            clip = clip.intersection(rows)
            seen = region.intersection(clip)
            # Columns are cut later: only what lies beside the update can be left out here.
            if seen and crop.overlaps(seen):
                yield region, clip, widget.render_lines(seen.translate((-region.x, -region.y)))
