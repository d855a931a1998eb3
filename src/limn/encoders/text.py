"""Words as vectors, for encoders; guides read them from :mod:`limn.networks.token_embeddings` as well."""

from __future__ import annotations

from limn.networks.token_embeddings import LIMIT, TextTokens, TokenVectors

__all__ = ["LIMIT", "TextTokens", "TokenVectors"]
