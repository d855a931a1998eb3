"""A plan: which questions share a forward pass, and where each picture finds its answers."""

from __future__ import annotations

import torch

from limn.kernel.branch import Branch
from limn.kernel.plan import Plan, Rows
from limn.kernel.prompt import Prompt

MAIN = Branch(Prompt("a heart"))
NULL = MAIN.without("text")


def test_all_rows_are_the_tensor_itself() -> None:
    values = torch.arange(6).view(3, 2)
    assert Rows([0, 1, 2]).of(values) is values
    assert Rows([0, 1]).of(values).tolist() == [[0, 1], [2, 3]]
    assert Rows([2, 0, 2]).of(values).tolist() == [[4, 5], [0, 1], [4, 5]]


def test_equal_questions_are_one_row_and_absent_ones_are_answered_as_main() -> None:
    plan = Plan([{"main": MAIN, "again": MAIN, "null": NULL}, {"main": MAIN}], carried=())
    (forwards,) = plan.forwards
    (batch,) = forwards.batches
    assert batch.pictures.places == (0, 0, 1)
    assert batch.branches == [MAIN, NULL, MAIN]
    answers = plan.answers([torch.tensor([10, 20, 30])])
    assert {name: answer.tolist() for name, answer in answers.items()} == {
        "main": [10, 30], "again": [10, 30], "null": [20, 30],
    }  # fmt: skip


def test_weights_that_rows_carry_join_the_forward_and_others_have_their_own() -> None:
    worse, style = Branch(MAIN.prompt, adapter="worse"), Branch(MAIN.prompt, adapter="style")
    plan = Plan([{"main": MAIN, "bad": worse, "styled": style}, {"main": style, "bad": MAIN}], carried={"style"})
    assert [(forwards.weights, forwards.carried) for forwards in plan.forwards] == [
        ((None, False), ("style",)), (("worse", False), ()),
    ]  # fmt: skip
    assert plan.forwards[0].batches[0].carrying("style") == [1, 2]
    answers = plan.answers([torch.tensor([1, 2, 3, 4]), torch.tensor([5])])
    assert answers["bad"].tolist() == [5, 4], "one picture asks one set of weights, the other another"


def test_rows_are_cut_into_batches() -> None:
    plan = Plan([{"main": MAIN, "null": NULL}] * 2, carried=(), max_rows=3)
    assert [batch.pictures.places for batch in plan.forwards[0].batches] == [(0, 0, 1), (1,)]
    assert not plan.gradient
    assert plan.prompts == (MAIN.prompt, MAIN.prompt)
