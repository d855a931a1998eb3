"""As whom a model represents people of an occupation, a trait or a place, against references that are named."""

from limn.audit.studies.stereotypes.study import Stereotypes

__all__ = ["Stereotypes"]
