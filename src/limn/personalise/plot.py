"""The curves of learning, as one SVG that any browser shows."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from limn.personalise.choosing import Measured

_WIDE, _HIGH, _LEFT, _TOP, _GAP = 520, 110, 64, 40, 34
_PANELS: Final = (
    ("held-out loss", "held", "#d1495b"),
    ("drift of what should stay", "drift", "#00798c"),
    ("drawn pictures that are copies, share", "copies", "#30638e"),
)


def svg(history: Sequence[Measured], kept: int, title: str) -> str:
    """Return the measurements over steps; a dashed line marks the step that was kept.

    Args:
        history: At least one measurement.
        kept: The step that was kept.
        title: What was learned.
    """
    last = max(1, history[-1].step)
    height = _TOP + len(_PANELS) * (_HIGH + _GAP) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDE + 20} {height}" '
        'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>',
        _text(_LEFT, 18, f"{title}: step {kept} is kept"),
    ]
    for place, (name, field, colour) in enumerate(_PANELS):
        top = _TOP + place * (_HIGH + _GAP)
        values = [float(getattr(one, field)) for one in history]
        low, high = (0.0, 1.0) if field == "copies" else (min(0.0, *values), max(values) * 1.05 or 1.0)
        low = min(values) * 0.95 if field == "held" else low
        spots = [
            (_LEFT + _WIDE * one.step / last, top + _HIGH * (high - value) / ((high - low) or 1))
            for one, value in zip(history, values, strict=True)
        ]
        x = _LEFT + _WIDE * kept / last
        line = " ".join(f"{across:.1f},{down:.1f}" for across, down in spots)
        parts += [
            _text(_LEFT, top - 6, name),
            f'<path d="M{_LEFT} {top}v{_HIGH}h{_WIDE}" fill="none" stroke="#999"/>',
            f'<path d="M{x:.1f} {top}v{_HIGH}" stroke="#666" stroke-dasharray="4 3"/>',
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.8"/>',
            _text(_LEFT - 6, top + 8, f"{high:.3g}", "end"),
            _text(_LEFT - 6, top + _HIGH, f"{low:.3g}", "end"),
        ]
        parts += [f'<circle cx="{across:.1f}" cy="{down:.1f}" r="2.5" fill="{colour}"/>' for across, down in spots]
    parts += [_text(_LEFT + _WIDE * tick / 4, height - 22, f"{last * tick / 4:g}", "middle") for tick in range(5)]
    return "".join([*parts, _text(_LEFT + _WIDE / 2, height - 6, "steps", "middle"), "</svg>\n"])


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
