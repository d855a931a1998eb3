"""Which recipe learns most in equal time: one variant after another on the same split, pictures of one style."""

from __future__ import annotations
