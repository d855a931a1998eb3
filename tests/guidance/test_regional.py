"""Regional prompts: exactly the pairs of places and words that do not belong together are cut."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from limn.guidance.regional import Confined, Regional
from limn.kernel.attention import AttentionSite, attend
from limn.kernel.branch import Branch
from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.prompt import Prompt, Region
from limn.kernel.step import Step
from limn.testing.toy import Words

LEFT = Region(words="cat", box=(0, 0, 0.5, 1))
RIGHT = Region(words="dog", box=(0.5, 0, 1, 1))
EDIT = Confined(regions=((LEFT, (1,)), (RIGHT, (3,))))
GRID = (2, 4)
LEFT_CELLS, RIGHT_CELLS = [0, 1, 4, 5], [2, 3, 6, 7]


def rows(count: int, seed: int) -> torch.Tensor:
    return torch.randn(1, 2, count, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_across_a_place_sees_the_words_of_its_region_and_those_of_none() -> None:
    query, key, value = rows(8, 0), rows(5, 1), rows(5, 2)
    site = AttentionSite(layer=0, layers=1, kind="cross", text=slice(0, 5), image=slice(0, 8), grid=GRID)
    out = attend(query, key, value, edits=[EDIT], site=site)
    for cells, seen in ((LEFT_CELLS, [0, 1, 2, 4]), (RIGHT_CELLS, [0, 2, 3, 4])):
        want = F.scaled_dot_product_attention(query[:, :, cells], key[:, :, seen], value[:, :, seen])
        torch.testing.assert_close(out[:, :, cells], want)


@pytest.mark.parametrize(("image", "text"), [(slice(0, 8), slice(8, 13)), (slice(5, 13), slice(0, 5))])
def test_in_one_sequence_the_picture_stays_whole(image: slice, text: slice) -> None:
    query, key, value = rows(13, 0), rows(13, 1), rows(13, 2)
    site = AttentionSite(layer=0, layers=1, kind="joint", text=text, image=image, grid=GRID)
    out = attend(query, key, value, edits=[EDIT], site=site)
    places, words = [image.start + cell for cell in range(8)], [text.start + token for token in range(5)]

    def want(queries: list[int], keys: list[int]) -> torch.Tensor:
        return F.scaled_dot_product_attention(query[:, :, queries], key[:, :, keys], value[:, :, keys])

    left, right = ([places[cell] for cell in cells] for cells in (LEFT_CELLS, RIGHT_CELLS))
    torch.testing.assert_close(out[:, :, left], want(left, [*places, *(words[k] for k in (0, 1, 2, 4))]))
    torch.testing.assert_close(out[:, :, [words[1]]], want([words[1]], [*left, *(words[k] for k in (0, 1, 2, 4))]))
    torch.testing.assert_close(out[:, :, [words[3]]], want([words[3]], [*right, *(words[k] for k in (0, 2, 3, 4))]))
    torch.testing.assert_close(out[:, :, [words[0]]], want([words[0]], [*places, *words]))


def test_the_rest_of_the_walk_is_left_alone() -> None:
    main = Branch(Prompt("a cat", regions=(LEFT,)))
    step = Step(
        index=1, total=2, x=torch.zeros(1, 3, 4, 4), level=Level(0.6, 0.8, 0.5), next=Level(1, 0, 0), encoder=Words()
    )
    assert Regional(until=0.5).expand({"main": main}, step) == {"main": main}
    assert Regional().expand({"main": main}, step)["main"].attention == Confined(regions=((LEFT, (0,)),))
    plain = Branch(Prompt("a cat"))
    assert Regional().expand({"main": plain}, step) == {"main": plain}


def test_options() -> None:
    with pytest.raises(InputError, match="until"):
        Regional(until=1.5)
