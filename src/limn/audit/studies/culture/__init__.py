"""Which culture two models take for granted, and whether one gives it up for following words more closely."""

from limn.audit.studies.culture.study import Culture

__all__ = ["Culture"]
