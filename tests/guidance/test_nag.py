"""NAG: the paper's formula in each attention, pairs of rows, and a refusal where it would do nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from limn.guidance.nag import NAG, Paired, Side
from limn.guidance.token_weights import Weighed
from limn.kernel.attention import AttentionSite, attend
from limn.kernel.branch import Branch
from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.plan import Plan
from limn.kernel.prompt import Prompt
from limn.kernel.step import Step

MAIN = Branch(Prompt("a red heart"))
STEP = Step(index=0, total=1, x=torch.zeros(2, 3, 4, 4), level=Level(0.6, 0.8, 0.5), next=Level(1, 0, 0), picture=1)
CROSS = AttentionSite(layer=0, layers=1, kind="cross", text=slice(0, 3), image=slice(0, 2))
GROUP = Paired(scale=5.0, tau=1.5, alpha=0.25)


def side(picture: int, leads: bool) -> Side:
    return Side(picture=picture, leads=leads, group=GROUP)


def papers(positive: torch.Tensor, negative: torch.Tensor) -> torch.Tensor:
    """Equations 7 to 10 on what tokens get, all heads side by side (rows, tokens, width)."""
    guided = positive + (GROUP.scale - 1) * (positive - negative)
    ratio = guided.norm(p=1, dim=-1, keepdim=True) / positive.norm(p=1, dim=-1, keepdim=True)
    guided = torch.minimum(ratio, torch.full_like(ratio, GROUP.tau)) / ratio * guided
    return GROUP.alpha * guided + (1 - GROUP.alpha) * positive


@pytest.mark.parametrize(
    ("kind", "image", "text"), [("cross", slice(0, 6), slice(0, 9)), ("joint", slice(3, 9), slice(0, 3))]
)
def test_the_papers_formula_on_pairs_in_any_order(kind: str, image: slice, text: slice) -> None:
    queries = 6 if kind == "cross" else 9
    shape = torch.Generator().manual_seed(0)
    query = torch.randn(5, 2, queries, 4, generator=shape, dtype=torch.float64)
    key, value = torch.randn(2, 5, 2, 9, 4, generator=shape, dtype=torch.float64)
    site = AttentionSite(layer=0, layers=1, kind=kind, text=text, image=image)
    edits = [side(7, False), side(3, True), None, side(3, False), side(7, True)]
    out = attend(query, key, value, edits=edits, site=site)
    plain = F.scaled_dot_product_attention(query, key, value)
    for leading, other in ((1, 3), (4, 0)):
        flat = [plain[row].transpose(0, 1).flatten(1)[None, image] for row in (leading, other)]
        want = papers(*flat)[0].unflatten(-1, (2, 4)).transpose(0, 1)
        torch.testing.assert_close(out[leading][:, image], want, rtol=0, atol=1e-6)
        assert torch.equal(out[leading][:, image], out[other][:, image]), "both rows keep one picture"
    assert torch.equal(out[2], plain[2])
    rest = [place for place in range(queries) if not image.start <= place < image.stop]
    assert torch.equal(out[:, :, rest], plain[:, :, rest])


def test_a_row_is_asked_beside_the_words_own() -> None:
    asked = NAG(against="blurry").expand({"main": MAIN}, STEP)
    pair = Paired(scale=5.0, tau=2.5, alpha=0.25)
    assert asked["main"] == MAIN.edited(Side(picture=1, leads=True, group=pair))
    assert asked["nag"].prompt.text == "blurry"
    assert asked["nag"].attention == Side(picture=1, leads=False, group=pair)
    assert NAG(scale=1).expand({"main": MAIN}, STEP) == {"main": MAIN}
    assert NAG(alpha=0).expand({"main": MAIN}, STEP) == {"main": MAIN}


def test_it_must_have_acted() -> None:
    edit = side(0, True)
    with pytest.raises(InputError, match="no attention of this model sees words"):
        edit.check()
    edit.acts(AttentionSite(layer=0, layers=1, kind="self", text=None, image=slice(0, 2)))
    with pytest.raises(InputError, match="no attention"):
        edit.check()
    edit.acts(CROSS)
    edit.check()
    with pytest.raises(InputError, match="no attention"):
        edit.check()


def test_half_a_pair_is_refused() -> None:
    rows = torch.zeros(1, 1, 2, 4), torch.zeros(1, 1, 3, 4), torch.zeros(1, 1, 3, 4)
    with pytest.raises(InputError, match="both rows of a picture"):
        attend(*rows, edits=[side(0, True)], site=CROSS)


def test_a_row_keeps_its_own_edit() -> None:
    weighed = Weighed(weights=((1, 2.0),))
    branch = MAIN.edited(weighed).edited(side(0, True))
    assert branch.attention == Side(picture=0, leads=True, group=GROUP, inner=weighed)
    assert MAIN.edited(side(0, True)).edited(weighed) == branch
    query, key, value = torch.randn(3, 2, 1, 3, 4, generator=torch.Generator().manual_seed(0))
    query = query[:, :, :2]
    out = attend(query, key, value, edits=[branch.attention, side(0, False)], site=CROSS)
    plain = attend(query, key, value, edits=[weighed, None], site=CROSS)
    want = papers(*(row.transpose(0, 1).flatten(1)[None] for row in plain))
    torch.testing.assert_close(out[0].transpose(0, 1).flatten(1), want[0])


def test_rows_of_a_pair_stay_together_where_memory_is_short() -> None:
    asked = {"main": MAIN, "null": MAIN.without("text")}
    plan = Plan([NAG().expand(asked, replace(STEP, picture=picture)) for picture in (0, 1)], carried=(), max_rows=1)
    assert [len(batch.branches) for batch in plan.forwards[0].batches] == [2, 1, 2, 1]
