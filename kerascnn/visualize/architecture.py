"""A model as a diagram: an SVG picture for light and dark pages."""

import math
from typing import Any
from xml.sax.saxutils import escape

import keras

from kerascnn.inputs.arrays import require
from kerascnn.visualize.diagram_blocks import Block, Group, Shape, Step, diagram_items

# Widest letters of the fonts named below, as a share of their size: what texts are measured by.
LETTER = 0.61
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
TEXT, SMALL = 11, 9
# Pixels.
MARGIN, GAP, PADDING = 12.0, 14.0, 8.0
MAPS_WIDTH, NUMBERS_WIDTH = 76.0, 150.0
STEP_HEIGHT, CELL_HEIGHT, HEADER, FOOTER = 36.0, 32.0, 18.0, 20.0
LARGEST_MAP, SMALLEST_MAP = 32.0, 3.0

STYLE = """
text { font-family: %s; fill: #1f2937; }
.small { fill: #64748b; }
.page { fill: #ffffff; }
.arrow, .frame, .identity { stroke: #94a3b8; fill: none; }
.frame, .identity { stroke-dasharray: 4 3; }
.map { fill: #e2e8f0; stroke: #64748b; }
.box, .cell { stroke-width: 1; }
.conv { fill: #dbeafe; stroke: #2563eb; } .pool { fill: #dcfce7; stroke: #16a34a; }
.dense { fill: #ffedd5; stroke: #ea580c; } .merge { fill: #f3e8ff; stroke: #9333ea; }
.other { fill: #f1f5f9; stroke: #94a3b8; } .block { fill: #f8fafc; stroke: #94a3b8; }
@media (prefers-color-scheme: dark) {
text { fill: #e5e7eb; }
.small { fill: #94a3b8; }
.page { fill: #0f172a; }
.map { fill: #334155; stroke: #94a3b8; }
.conv { fill: #1e3a8a; stroke: #60a5fa; } .pool { fill: #14532d; stroke: #4ade80; }
.dense { fill: #7c2d12; stroke: #fb923c; } .merge { fill: #581c87; stroke: #c084fc; }
.other { fill: #1e293b; stroke: #64748b; } .block { fill: #172033; stroke: #64748b; }
}
""".strip().replace("%s", FONT)


def architecture_diagram(model: keras.Model) -> str:
    """Draws a model from top to bottom, as the text of an SVG file.

    One box for each layer, with the normalisation, activation and dropout behind it; branches stand
    side by side in a box of their own, and what comes several times in a row is drawn once, with
    the number of times. On the left are the feature maps, of sizes that grow with the logarithm of
    their sides and of their number; on the right their shape and the parameters. The colours follow
    the page: light or dark.

    Args:
        model: A functional or Sequential model; nested ones are entered.

    Raises:
        InputError: Another kind of model.
    """
    require(model, keras.Model, "a keras.Model")
    groups = diagram_items(model)
    items = [item for group in groups for item in group.items]
    width = max(max(_width(item) for item in items), 2 * PADDING + _length(model.name, TEXT))
    drawing = _Drawing(width, max((_side(item.shape) for item in items), default=1))
    for group in groups:
        drawing.group(group)
    total = sum(group.times * item.params for group in groups for item in group.items)
    return drawing.document(model.name, total)


class _Drawing:
    """Elements of the picture so far, and how far down it goes."""

    def __init__(self, box_width: float, largest: int) -> None:
        self.box_width, self.largest = box_width, largest
        self.left = MARGIN + MAPS_WIDTH
        self.right = self.left + box_width
        self.y = MARGIN + 34.0
        self.parts: list[str] = []
        self.first = True

    def group(self, group: Group) -> None:
        top = self.y
        for item, last in zip(group.items, group.last, strict=True):
            if not self.first:
                middle = self.left + self.box_width / 2
                self._line("arrow", middle, self.y - GAP, middle, self.y)
            self.first = False
            name = item.name if group.times == 1 else f"{item.name} ... {last.name}"
            height = self._step(item, name) if isinstance(item, Step) else self._block(item, name)
            self._maps(item.shape, self.y + height / 2)
            self._numbers(item, self.y, group.times)
            self.y += height + GAP
        if group.times > 1:
            x, y = self.left - 5, top - 5
            width, height = self.box_width + 10, self.y - GAP - top + 10
            self._rect("frame", x, y, width, height, corner=6)
            self._text(f"x{group.times}", self.right + 12, top + height - 14, TEXT, bold=True)

    def _step(self, step: Step, name: str) -> float:
        self._rect(f"box {step.kind}", self.left, self.y, self.box_width, STEP_HEIGHT)
        x = self.left + PADDING
        self._text(step.text, x, self.y + 15, TEXT, bold=True)
        self._text(_suffix(step), x + _length(step.text, TEXT) + 6, self.y + 15, SMALL)
        self._text(_fitted(name, self.box_width), x, self.y + 29, SMALL, small=True)
        return STEP_HEIGHT

    def _block(self, block: Block, name: str) -> float:
        height = _block_height(block)
        self._rect("box block", self.left, self.y, self.box_width, height)
        name = _fitted(name, self.box_width)
        self._text(name, self.left + PADDING, self.y + 12, SMALL, small=True)
        widths = [_branch_width(branch) for branch in block.branches]
        spare = (self.box_width - 2 * PADDING - sum(widths)) / len(widths)
        x = self.left + PADDING
        top, bottom = self.y + HEADER, self.y + height - FOOTER
        for branch, width in zip(block.branches, widths, strict=True):
            self._branch(branch, x, top, width + spare, bottom)
            x += width + spare
        words = ", ".join([block.merge.text, *block.merge.suffix])
        self._rect(
            "cell merge", self.left + PADDING, bottom, self.box_width - 2 * PADDING, FOOTER - 5
        )
        self._text(words, self.left + self.box_width / 2, bottom + 11, SMALL, anchor="middle")
        return height

    def _branch(
        self, branch: tuple[Step, ...], x: float, y: float, width: float, bottom: float
    ) -> None:
        middle = x + width / 2
        if not branch:
            self._line("identity", middle, y, middle, bottom)
            self._text("identity", middle + 4, y + 14, SMALL, small=True)
            return
        self._line("arrow", middle, y, middle, bottom)
        for step in branch:
            self._rect(f"cell {step.kind}", x + 3, y, width - 6, CELL_HEIGHT - 6)
            suffix = _suffix(step)
            line = y + (11 if suffix else 16)
            self._text(step.text, middle, line, SMALL + 1, anchor="middle")
            self._text(suffix, middle, y + 22, SMALL, anchor="middle", small=True)
            y += CELL_HEIGHT

    def _maps(self, shape: Shape, y: float) -> None:
        """The feature maps as a stack, or a vector as a bar."""
        middle = MARGIN + (MAPS_WIDTH - 14) / 2
        depth = 1.5 * math.log2(max(2, shape[-1] or 1)) if shape else 2.0
        if len(shape) != 3:
            self._rect("map", middle - 2 * depth, y - 2, 4 * depth, 4)
            return
        side = _side(shape)
        reach = math.log2(max(2, self.largest))
        size = SMALLEST_MAP + (LARGEST_MAP - SMALLEST_MAP) * math.log2(max(1, side)) / reach
        x, y = middle - (size + depth) / 2, y - (size - depth / 2) / 2
        up = depth / 2
        self.parts.append(
            f'<path class="map" d="M{x:.1f} {y:.1f} l{depth:.1f} {-up:.1f} h{size:.1f} v{size:.1f} '
            f"l{-depth:.1f} {up:.1f} h{-size:.1f} z m0 0 h{size:.1f} v{size:.1f} m0 {-size:.1f} "
            f'l{depth:.1f} {-up:.1f}"/>'
        )

    def _numbers(self, item: Step | Block, y: float, times: int) -> None:
        x = self.right + 12
        self._text("x".join(str(size or "?") for size in item.shape), x, y + 13, TEXT)
        if item.params:
            each = " each" if times > 1 else ""
            self._text(f"{item.params:,} params{each}", x, y + 27, SMALL, small=True)

    def _rect(
        self, kind: str, x: float, y: float, width: float, height: float, corner: int = 4
    ) -> None:
        self.parts.append(
            f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
            f'height="{height:.1f}" rx="{corner}"/>'
        )

    def _line(self, kind: str, x: float, y: float, to_x: float, to_y: float) -> None:
        self.parts.append(
            f'<line class="{kind}" x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"/>'
        )

    def _text(
        self,
        words: str,
        x: float,
        y: float,
        size: int,
        *,
        anchor: str = "start",
        bold: bool = False,
        small: bool = False,
    ) -> None:
        if not words:
            return
        options: dict[str, Any] = {"x": f"{x:.1f}", "y": f"{y:.1f}", "font-size": size}
        if anchor != "start":
            options["text-anchor"] = anchor
        if bold:
            options["font-weight"] = "bold"
        if small:
            options["class"] = "small"
        attributes = " ".join(f'{key}="{value}"' for key, value in options.items())
        self.parts.append(f"<text {attributes}>{escape(words)}</text>")

    def document(self, name: str, params: int) -> str:
        """The whole file."""
        width = self.right + NUMBERS_WIDTH
        height = self.y - GAP + MARGIN
        heading = f"{params:,} parameters"
        parts, self.parts = self.parts, []
        self._text(name, self.left, MARGIN + 12, TEXT + 2, bold=True)
        self._text(heading, self.left, MARGIN + 25, SMALL, small=True)
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
            f"<title>{escape(name)}, {heading}</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="page" width="{width:.0f}" height="{height:.0f}"/>',
        ]
        return "\n".join([*lines, *self.parts, *parts, "</svg>", ""])


def _length(words: str, size: float) -> float:
    """Width of a text in pixels, at most."""
    return LETTER * size * len(words)


def _fitted(name: str, width: float) -> str:
    """A name that fits into a box; the middle of one that is too long is left out."""
    letters = int((width - 2 * PADDING) / (LETTER * SMALL))
    if len(name) <= letters:
        return name
    half = (letters - 3) // 2
    return f"{name[:half]}...{name[-half:]}"


def _suffix(step: Step) -> str:
    return ", ".join(step.suffix)


def _side(shape: Shape) -> int:
    return max(shape[0] or 1, shape[1] or 1) if len(shape) == 3 else 1


def _width(item: Step | Block) -> float:
    if isinstance(item, Step):
        return 2 * PADDING + 6 + _length(item.text, TEXT) + _length(_suffix(item), SMALL)
    return 2 * PADDING + sum(_branch_width(branch) for branch in item.branches)


def _branch_width(branch: tuple[Step, ...]) -> float:
    texts = [_length(step.text, SMALL + 1) for step in branch]
    texts += [_length(_suffix(step), SMALL) for step in branch]
    return max(texts, default=2 * _length("identity", SMALL)) + 18


def _block_height(block: Block) -> float:
    return HEADER + max([1, *map(len, block.branches)]) * CELL_HEIGHT + FOOTER
