"""With which words a dual encoder associates pictures of people: the judge, not the painter, is audited."""

from limn.audit.studies.associations.study import Associations

__all__ = ["Associations"]
