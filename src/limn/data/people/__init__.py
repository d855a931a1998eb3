"""Person icons of 32 px: nobody's likeness, every attribute known, with biases that can be planted and read back."""

from __future__ import annotations

from limn.data.people.captions import Asked, caption, captions, examples, prompts
from limn.data.people.icon import FIELDS, GENDERS, MOTIFS, PROFESSIONS, STYLES, TONES
from limn.data.people.population import Person, Population, Rule, batch, held_out_cells, render
from limn.data.people.reader import Reading, matches, read, read_all

__all__ = [
    "FIELDS",
    "GENDERS",
    "MOTIFS",
    "PROFESSIONS",
    "STYLES",
    "TONES",
    "Asked",
    "Person",
    "Population",
    "Reading",
    "Rule",
    "batch",
    "caption",
    "captions",
    "examples",
    "held_out_cells",
    "matches",
    "prompts",
    "read",
    "read_all",
    "render",
]
