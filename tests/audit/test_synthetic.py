from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logit

from limn.audit.probe import Ask, Probe
from limn.audit.run import in_memory
from limn.audit.sources import FromPeople
from limn.audit.statistics.amplification import guided_share
from limn.audit.statistics.expected_max import maximum
from limn.audit.synthetic import LEANING, PERSISTENCE, Copycat, Habit, countered, guided, judged, leaning


def test_prompts_have_the_shares_of_their_laws() -> None:
    world = Habit.draw(np.random.default_rng(0), prompts=4000)
    shares = np.array(list(world.chances.values()))
    assert shares.mean() == pytest.approx(Habit.share(), abs=0.015)
    kinds = np.array([each.group for each in world.asks])
    assert shares[kinds == "often"].mean() == pytest.approx(Habit.share("often"), abs=0.015)
    drawn = np.random.default_rng(1).binomial(5, shares) / 5
    assert maximum(drawn, 5)[0] == pytest.approx(Habit.maximum(5, 5), abs=0.01)


def test_guidance_takes_pictures_away_and_adds_none() -> None:
    ask = Ask(prompt="a", slots={"profession": "doctor"})
    sure, half = (Habit(asks=(ask,), chances={"a": chance}) for chance in (1.0, 0.5))
    flagged = next(iter(sure.source().draw([ask], [0]))).pixels
    before, after = (
        [np.array_equal(each.pixels, flagged) for each in source.draw([ask] * 200, range(200))]
        for source in (half.source(), half.source(left=0.4))
    )
    assert all(one or not two for one, two in zip(before, after, strict=True))
    assert 0 < sum(after) < sum(before)


@pytest.mark.parametrize("rate", [0.0, 0.1, 1.0])
def test_copycats_copy_as_often_as_planted(rate: float) -> None:
    training, fresh = np.full((3, 4, 4, 3), 200, np.uint8), np.zeros((2, 4, 4, 3), np.uint8)
    source = Copycat(training=training, fresh=fresh, rate=rate, weights=np.array([1.0, 0, 0])).source()
    asks = [Ask(prompt="a doctor")] * 1500
    copies = [each.pixels.mean() > 100 for each in source.draw(asks, range(1500))]
    assert np.mean(copies) == pytest.approx(rate, abs=0.025)
    again = [each.pixels.tobytes() for each in source.draw(asks[:5], range(5))]
    assert again == [each.pixels.tobytes() for each in source.draw(asks[:5], range(5))]


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
