"""Seeds follow from what they are for, and never change."""

from __future__ import annotations

from limn.kernel.seeds import content_seed, derived


def test_seeds_are_what_they_were() -> None:
    assert derived(7, "image") == 2375581281055359733
    assert content_seed("a red heart", 0, 5) == 1038020796101849257
    seeds = {content_seed(words, again, seed) for words in "abc" for again in range(3) for seed in range(3)}
    assert len(seeds) == 27
    assert all(0 <= seed < 2**62 for seed in seeds)
