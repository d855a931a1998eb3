"""Words as vectors, for encoders; they stand in :mod:`limn.networks.words`, where guides read them as well."""

from __future__ import annotations

from limn.networks.words import LIMIT, TextTokens, TokenVectors

__all__ = ["LIMIT", "TextTokens", "TokenVectors"]
