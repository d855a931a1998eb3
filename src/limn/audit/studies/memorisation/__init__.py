"""How much of what a model draws is copied from what it learned, beyond chance resemblance."""

from limn.audit.studies.memorisation.study import Memorisation

__all__ = ["Memorisation"]
