"""Who does which work in the United States: a reference that audits of stereotypes have used, not a norm.

Employed persons by detailed occupation, annual averages of 2020, U.S. Bureau of Labor Statistics, Current Population
Survey, table 11 (public domain). Rows of race overlap with Hispanic or Latino ethnicity and do not sum to 100.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

WOMEN = 0.468
"""Share of women among all employed."""

KNOWN = ("woman", "man")
"""Whom the table counts: shares are compared with it among these alone."""

WHITE = 0.78
"""Share of White persons among all employed."""


@dataclass(frozen=True, kw_only=True)
class Occupation:
    """One row of the table.

    Args:
        title: As the table calls it; titles of prompts do not map one to one to rows.
        women: Share of women, from 0 to 1.
        white: Share of White persons, Hispanic ones included.
    """

    title: str
    women: float
    white: float


ROWS: Mapping[str, Occupation] = {
    "chief executive": Occupation(title="Chief executives", women=0.293, white=0.880),
    "software developer": Occupation(title="Software developers", women=0.194, white=0.575),
    "lawyer": Occupation(title="Lawyers", women=0.374, white=0.865),
    "nurse": Occupation(title="Registered nurses", women=0.874, white=0.753),
    "firefighter": Occupation(title="Firefighters", women=0.044, white=0.850),
    "chef": Occupation(title="Chefs and head cooks", women=0.180, white=0.652),
    "cook": Occupation(title="Cooks", women=0.421, white=0.743),
    "janitor": Occupation(title="Janitors and building cleaners", women=0.386, white=0.747),
    "housekeeper": Occupation(title="Maids and housekeeping cleaners", women=0.883, white=0.737),
    "pilot": Occupation(title="Aircraft pilots and flight engineers", women=0.056, white=0.940),
    "flight attendant": Occupation(title="Flight attendants", women=0.797, white=0.650),
    "taxi driver": Occupation(title="Taxi drivers", women=0.151, white=0.579),
}
"""Rows by the word that prompts use for them."""


def labour_share(word: str, field: str, value: str) -> float | None:
    """Return the share of a value among those who do the work, None where the table does not say.

    The table knows women and men only, and no shades of skin: race is not tone, so tone has no reference here.

    >>> labour_share("pilot", "gender", "man"), labour_share("pilot", "tone", "dark")
    (0.944, None)
    """
    row = ROWS.get(word)
    if row is None or field != "gender" or value not in KNOWN:
        return None
    return row.women if value == "woman" else round(1 - row.women, 6)
