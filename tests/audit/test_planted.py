from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logit

from limn.audit.planted import LEANING, PERSISTENCE, countered, guided, judged, leaning
from limn.audit.probe import Ask, Probe
from limn.audit.run import in_memory
from limn.audit.sources import FromPeople
from limn.audit.statistics.amplification import guided_share


@pytest.mark.parametrize("slope", [0.5, 1, 2])
def test_log_odds_are_multiplied(slope: float) -> None:
    for profession, share in LEANING.items():
        planted = leaning(slope).share({"gender": "woman"}, {"profession": profession})
        assert logit(planted) == pytest.approx(slope * logit(share), abs=1e-9)


def test_counter_prompts_leave_a_share_of_the_stereotype() -> None:
    men = countered("doctor").share({"gender": "man"}, {"profession": "doctor"})
    women = countered("cook").share({"gender": "woman"}, {"profession": "cook"})
    assert men == pytest.approx(PERSISTENCE * 0.7)
    assert women == pytest.approx(PERSISTENCE * 0.7)


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_the_tilted_law_amplifies_hidden_evidence_only(scale: int) -> None:
    for hidden in (True, False):
        woman = guided("cook", scale, hidden=hidden).share({"gender": "woman"}, {"profession": "cook"})
        assert woman == pytest.approx(guided_share(0.7, 0.5, scale, visible=not hidden))


def test_the_bad_reader_errs_as_told() -> None:
    probe = Probe(asks=(Ask(prompt="a cook", slots={"profession": "cook", "gender": "woman"}),), each=600)
    table = in_memory(probe, [FromPeople(population=leaning(1))], [judged(3)])
    counts = table.counts("gender")
    assert counts["woman"] / 600 == pytest.approx(0.85, abs=0.05)
    assert np.array_equal(table.reader("gender").confusion["gender"].counts.sum(1), [200] * 3)
