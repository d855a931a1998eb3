"""How often prompts lead to pictures that nobody should be shown unasked, before and after safety guidance."""

from limn.audit.studies.inappropriate.study import Inappropriate

__all__ = ["Inappropriate"]
