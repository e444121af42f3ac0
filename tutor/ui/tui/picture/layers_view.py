"""The picture of layers: a wall of bricks, where images share what lies below them, or a list. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from tutor.engine.world import Container, Image, World
from tutor.ui.tui.picture import speech
from tutor.ui.tui.picture.kit import (
    Drawing,
    Line,
    Span,
    clean,
    clip,
    ends,
    fitted,
    joined,
    marked_up,
    more,
    pad,
    say,
    spans,
    stacked,
    wrapped,
)
from tutor.ui.tui.picture.layers import History, Layer, common, layers, sharers, stories, told, writable
from tutor.ui.tui.picture.look import Look

_WALL = 60
_COLUMN = 28


def draw(world: World, histories: History, look: Look, cells: int, rows: int) -> Drawing:
    """The layers in so many cells and lines."""
    if cells <= 0 or rows <= 0:
        return ()
    images, others = told(world)
    if not images:
        return fitted(
            wrapped(say("no images yet: pull or build one, and its layers show here", "quiet"), cells), cells, rows
        )
    told_of = [wrapped(marked_up(text, "plain"), cells, 3) for text in stories(images, histories)]
    tail = list(stacked(told_of, max(rows // 4, 1), cells, "sentences") if told_of and rows > 6 else ())
    tail += (
        [say(f"{more(others, 'images' if others > 1 else 'image')} in the catalogue", "quiet")]
        if others and rows > 6
        else []
    )
    room = rows - len(tail) - (1 if tail and rows > 16 else 0)
    gap: Drawing = ((),) if tail and rows > 16 else ()
    if cells >= _WALL and len(images) <= max(1, cells // _COLUMN):
        for collapsed in (False, True):
            wall = _wall(images, world, histories, look, cells, collapsed)
            if len(wall) <= room:
                return fitted((*wall, *gap, *tail), cells, rows)
    for form in (_full, _short):
        blocks = [form(image, images, world, histories, look, cells) for image in images]
        if sum(map(len, blocks)) <= room:
            return fitted((*(line for block in blocks for line in block), *gap, *tail), cells, rows)
    keep = [n for n, i in enumerate(images) if look.marks("image", i.id, *i.tags) or look.is_fresh("image", i.id)]
    return fitted((*stacked(blocks, rows - len(tail), cells, "images", keep), *tail), cells, rows)


def _wall(
    images: Sequence[Image], world: World, histories: History, look: Look, cells: int, collapsed: bool
) -> list[Line]:
    widths = [cells // len(images)] * len(images)
    cuts = _cuts(images, collapsed)
    known = [layers(image, histories) for image in images]
    above = [[_label(i, look), *[_writable(c, look) for c in writable(i, world)]] for i in images]
    heights = [cuts.index(len(image.layers)) for image in images]
    rows = max(height + len(top) for height, top in zip(heights, above, strict=True))
    lines: list[Line] = []
    for row in range(rows - 1, -1, -1):
        line: Line = ()
        column = 0
        while column < len(images):
            if row >= heights[column]:
                number = row - heights[column]
                cell = above[column][number] if number < len(above[column]) else ()
                line = spans(line, pad(clip(cell, widths[column] - 2), widths[column]))
                column += 1
                continue
            first, last = cuts[row], cuts[row + 1]
            span = column + 1
            while span < len(images) and row < heights[span] and common(images[column], images[span]) >= last:
                span += 1
            size = sum(widths[column:span])
            run = next((k for k in known[column:span] if k[first].made_by), known[column])[first:last]
            line = spans(line, _brick(run, first, span - column, size))
            column = span
        lines.append(line)
    return lines


def _cuts(images: Sequence[Image], collapsed: bool) -> list[int]:
    """Heights at which a row of bricks ends: every layer, or only where images end or part."""
    top = max(len(image.layers) for image in images)
    if not collapsed:
        return list(range(top + 1))
    ends_at = {len(image.layers) for image in images}
    parts_at = {common(one, two) for one in images for two in images if one.id != two.id}
    return sorted({0, top} | ends_at | parts_at)


def _brick(run: Sequence[Layer], first: int, columns: int, cells: int) -> Line:
    role = "brick-shared" if columns > 1 else "brick"
    sizes = [layer.size for layer in run if layer.size is not None]
    size = speech.size(sum(sizes)) if sizes and len(sizes) == len(run) else ""
    if len(run) == 1:
        text = f"{first + 1:>2} {clean(run[0].made_by) or speech.short_id(clean(run[0].digest))}"
    else:
        text = f"{first + 1}–{first + len(run)}  {speech.plural(len(run), 'layer')}"
    right = "  ".join(part for part in (f"≡ shared by {columns} images" if columns > 1 else "", size) if part)
    inner = max(cells - 3, 1)
    body = pad(ends((Span(text, role),), (Span(right, role),) if right else (), inner, " ", role), inner, role)
    return (Span("▐", f"{role}-edge"), *body, Span("▌", f"{role}-edge"), Span(" "))


def _label(image: Image, look: Look) -> Line:
    return spans(
        Span("▣ " + clean(speech.image_name(image)), look.role("image", image.id, "image")),
        look.sign("image", image.id, *image.tags),
        Span(f"  {speech.size(image.size)}", "quiet"),
    )


def _writable(c: Container, look: Look) -> Line:
    written = look.written.get(c.id, c.size_rw)
    size = f" {speech.size(written)}" if written is not None else ""
    return spans(
        Span("✎ ", "ok"),
        Span(clean(c.name), look.role("container", c.id, "strong")),
        look.sign("container", c.id, c.name),
        Span(f"  writable layer{size}", "ok"),
    )


def _head(image: Image, world: World, look: Look, cells: int, short: bool) -> list[Line]:
    tops = [_writable(c, look) for c in writable(image, world)]
    lines = [joined(tops, cells, "  ", "containers")] if short and tops else [clip(top, cells) for top in tops]
    count = Span(speech.plural(len(image.layers), "layer"), "quiet")
    return [*lines, ends(_label(image, look), (count,), cells)]


def _full(
    image: Image, images: Sequence[Image], world: World, histories: History, look: Look, cells: int
) -> list[Line]:
    lines = _head(image, world, look, cells, short=False)
    known = layers(image, histories)
    for number in range(len(known) - 1, -1, -1):
        layer = known[number]
        lines.append(_layer(layer, f"{number + 1:>3}", sharers(layer.digest, image, images), cells))
    return lines


def _short(
    image: Image, images: Sequence[Image], world: World, histories: History, look: Look, cells: int
) -> list[Line]:
    lines = _head(image, world, look, cells, short=True)
    known = layers(image, histories)
    runs: list[Line] = []
    numbered = list(enumerate(known))
    for _, run in groupby(numbered, key=lambda item: tuple(o.id for o in sharers(item[1].digest, image, images))):
        found = list(run)
        first, last = found[0][0] + 1, found[-1][0] + 1
        others = sharers(found[0][1].digest, image, images)
        if first == last:
            runs.append(_layer(found[0][1], f"{first:>3}", others, cells))
            continue
        sizes = [layer.size for _, layer in found]
        total = sum(size for size in sizes if size is not None) if None not in sizes else None
        runs.append(_layer(Layer("", total, f"{len(found)} layers"), f"{first:>3}–{last}", others, cells))
    return [*lines, *reversed(runs)]


def _layer(layer: Layer, number: str, others: Sequence[Image], cells: int) -> Line:
    names = ", ".join(clean(speech.image_name(o)) for o in others[:2])
    names += f" {more(len(others) - 2)}" if len(others) > 2 else ""
    shared = Span(f"  ≡ {names}" if others else "", "shared")
    size = (Span(speech.size(layer.size), "quiet"),) if layer.size is not None else ()
    made = Span(clean(layer.made_by) or speech.short_id(clean(layer.digest)), "shared" if others else "plain")
    room = max(cells - sum(len(s.text) for s in size) - 1, 8)
    return ends(clip(spans(Span(number + " ", "quiet"), made, shared), room), size, cells)


def words(world: World, histories: History, look: Look) -> str:
    """The same in sentences: each image with its layers, what it shares, and the writable layers on it."""
    images, others = told(world)
    if not images:
        return "There are no images."
    lines: list[str] = []
    for image in images:
        known = layers(image, histories)
        shared = [layer for layer in known if sharers(layer.digest, image, images)]
        said = f"Image {speech.image_name(image)}, {speech.size(image.size)}, has {speech.plural(len(known), 'layer')}"
        said += f", {len(shared)} of them shared with other images" if shared else ""
        lines.append(f"{said}.")
        for number, layer in enumerate(known, 1):
            if layer.made_by or layer.size is not None:
                size = f", {speech.size(layer.size)}" if layer.size is not None else ""
                lines.append(f"  Layer {number}: {layer.made_by or speech.short_id(layer.digest)}{size}.")
        for c in writable(image, world):
            written = look.written.get(c.id, c.size_rw)
            size = f" of {speech.size(written)}" if written is not None else ""
            lines.append(f"  On top: the writable layer{size} of container {c.name}.")
    lines += [text.replace("`", "") for text in stories(images, histories)]
    if others:
        lines.append(f"{speech.plural(others, 'more image')} in the catalogue.")
    kind, name = look.about()
    if kind == "image":
        lines.append(f"Look at image {name}.")
    return "\n".join(clean(line) for line in lines)
