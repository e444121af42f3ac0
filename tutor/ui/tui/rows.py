"""Drawing only the rows that have changed.

For an update of one row Textual 8 renders every line of every widget whose *clip* touches it: on the lesson screen that
is each line of the screen and of all its containers, 200 lines for one typed key. Here it is the rows of the update.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip


class RowCompositor(Compositor):
    """Textual's compositor, which asks widgets only for the rows that are drawn.

    What it overrides is Textual's own and private: `tests/ui/test_tui_rows.py` holds both against each other.
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
