"""Numbers and text as a page shows them."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from limn.audit.statistics.estimate import Estimate

NOT_ESTIMABLE = "not estimable"
MINUS = "\u2212"


def element(tag: str, *inside: str, **given: object) -> str:
    """Return an HTML or SVG element around what is inside, which is HTML already.

    >>> element("td", "a &lt; b", class_="n", colspan=2)
    '<td class="n" colspan="2">a &lt; b</td>'
    """
    named = ((name.rstrip("_").replace("_", "-"), value) for name, value in given.items() if value is not None)
    pairs = "".join(f' {name}="{html.escape(_plain(value))}"' for name, value in named)
    return f"<{tag}{pairs}>{''.join(inside)}</{tag}>"


def fold(summary: str, inside: str, *, unfolded: bool = False) -> str:
    """Return what is folded away until somebody asks for it."""
    return element("details", element("summary", summary), inside, open="" if unfolded else None)


def grid(
    heads: Sequence[str],
    rows: Sequence[str],
    *,
    kinds: Sequence[str] | None = None,
    caption: str = "",
    foot: str = "",
    class_: str | None = None,
    label: str = "",
) -> str:
    """Return a table that scrolls where it is too wide, also by the keyboard.

    Args:
        heads: Headings, plain text.
        rows: Rows, HTML; or bodies of a table, each kept together when it is sorted.
        kinds: Class of each heading; that of numbers where there is text, if None.
        caption: HTML above the headings.
        foot: Last row, HTML.
        class_: Class of the table.
        label: What it is, for those who do not see it.
    """
    classes = ["n" if text else "" for text in heads] if kinds is None else kinds
    cells = (
        element("th", html.escape(text), scope="col", class_=kind or None) if text else element("td")
        for text, kind in zip(heads, classes, strict=True)
    )
    head, bodies = element("thead", element("tr", *cells)), all(row.startswith("<tbody") for row in rows)
    body = "".join(rows) if bodies else element("tbody", *rows)
    table = element("table", caption, head, body, foot and element("tfoot", foot), class_=class_)
    return element("div", table, class_="scroll", tabindex=0, role="group", aria_label=label or None)


def number(value: float | None, *, percent: bool = False) -> str:
    """Return a number for people: shares in per cent, others with the digits that matter.

    >>> number(0.4567, percent=True), number(1234.5), number(-0.0123), number(None), number(float("inf"))
    ('45.7 %', '1,234.5', '\u22120.012', 'not estimable', '\u221e')
    """
    if value is None or math.isnan(value):
        return NOT_ESTIMABLE
    if math.isinf(value):
        return "\u221e" if value > 0 else f"{MINUS}\u221e"
    if percent:
        text = f"{100 * value:.1f} %"
    elif float(value).is_integer() and abs(value) < 1e15:
        text = f"{value:,.0f}"
    else:
        size = abs(value)
        text = f"{value:,.1f}" if size >= 100 else f"{value:.2f}" if size >= 0.1 else f"{value:.2g}"
    return text.replace("-", MINUS)


def between(low: float | None, high: float | None, *, percent: bool = False) -> str:
    """Return the ends of an interval, the unit once; nothing where there is none.

    >>> between(0.04, 0.2, percent=True), between(-1, 2), between(None, 2)
    ('4.0 to 20.0 %', '\u22121 to 2', '')
    """
    if low is None or high is None:
        return ""
    first = number(low, percent=percent)
    return f"{first.removesuffix(' %')} to {number(high, percent=percent)}"


def spoken(estimate: Estimate) -> str:
    """Return a share with its interval for a sentence.

    >>> from limn.audit.statistics.shares import share
    >>> spoken(share(69, 100)), spoken(share(0, 0))
    ('69.0 % (59.4 % to 77.2 %)', 'not estimable: nothing readable')
    """
    if estimate.value is None:
        return f"{NOT_ESTIMABLE}: {estimate.why}"
    value = number(estimate.value, percent=True)
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} ({number(estimate.low, percent=True)} to {number(estimate.high, percent=True)})"


def plain(estimate: Estimate) -> str:
    """Return a share as pictures of a hundred, for a sentence without statistics.

    >>> from limn.audit.statistics.shares import share
    >>> plain(share(69, 100)), plain(share(0, 0))
    ('69 of 100 pictures (between 59 and 77)', 'a share that nobody can tell (nothing readable)')
    """
    if estimate.value is None:
        return f"a share that nobody can tell ({estimate.why})"
    value = f"{100 * estimate.value:.0f} of 100 pictures"
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} (between {100 * estimate.low:.0f} and {100 * estimate.high:.0f})"


def shown(value: object) -> str:
    """Return a cell's text, escaped."""
    if value is None:
        return NOT_ESTIMABLE
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(float(value)) if isinstance(value, int | float) else html.escape(str(value))


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round places along an axis.

    >>> ticks(0, 1)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    if not high > low:
        return [low]
    rough = (high - low) / (most - 1)
    power: float = 10.0 ** math.floor(math.log10(rough))
    step = next(round_one * power for round_one in (1, 2, 5, 10) if round_one * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def labels(places: list[float], *, percent: bool = False) -> list[str]:
    """Return what to write at the places of :func:`ticks`, all with as many digits as their step needs.

    >>> labels([0.0, 0.5, 1.0]), labels([0.0, 0.25], percent=True)
    (['0.0', '0.5', '1.0'], ['0 %', '25 %'])
    """
    scale = 100 if percent else 1
    step = scale * (places[1] - places[0]) if len(places) > 1 else 1.0
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    unit = " %" if percent else ""
    return [f"{scale * place:,.{digits}f}{unit}".replace("-", MINUS) for place in places]


def _plain(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
