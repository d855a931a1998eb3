from __future__ import annotations

import numpy as np
import pytest

from limn.audit.oracles import Copycat, Habit
from limn.audit.probe import Ask
from limn.audit.statistics.expected_max import maximum


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
