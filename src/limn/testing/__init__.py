"""What every part must satisfy, as functions for the tests of a package that adds parts.

Each raises an AssertionError whose sentence says what is wrong; limn's own parts are held to the same.

>>> from limn.guidance.rescale import Rescale
>>> from limn.testing import check_guidance
>>> check_guidance(Rescale(share=0.5))
"""

from limn.testing.codecs import check_codec
from limn.testing.guidance import check_guidance
from limn.testing.parts import check_part
from limn.testing.readers import check_reader
from limn.testing.samplers import check_sampler
from limn.testing.studies import check_study
from limn.testing.tasks import check_task

__all__ = [
    "check_codec",
    "check_guidance",
    "check_part",
    "check_reader",
    "check_sampler",
    "check_study",
    "check_task",
]
