"""What one look-alike letter from another script does to the pictures of a prompt."""

from limn.audit.studies.homoglyphs.study import Homoglyphs

__all__ = ["Homoglyphs"]
