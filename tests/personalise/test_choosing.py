"""Which step is kept, and when learning ends: closed cases."""

from __future__ import annotations

from limn.personalise.choosing import Measured, best, finished


def history(*figures: tuple[float, float, float]) -> list[Measured]:
    return [
        Measured(step=10 * place, held=held, drift=drift, copies=copies)
        for place, (held, drift, copies) in enumerate(figures)
    ]


def test_the_least_sum_of_loss_and_drift_is_kept() -> None:
    assert best(history((3, 0, 0), (1, 0.5, 0), (0.5, 2, 0))) == 1


def test_a_step_that_copies_is_not_kept_unless_all_do() -> None:
    assert best(history((3, 0, 0), (1, 0, 0.75), (2, 0, 0.5))) == 2
    assert best(history((3, 0, 1), (1, 0, 0.75))) == 1


def test_of_equal_steps_the_first_is_kept() -> None:
    assert best(history((1, 0, 0), (1, 0, 0))) == 0


def test_learning_ends_when_nothing_better_came_for_long_enough() -> None:
    steps = history((3, 0, 0), (1, 0, 0), (2, 0, 0), (2, 0, 0))
    assert finished(steps, 2)
    assert not finished(steps, 3)


def test_what_learned_nothing_is_not_kept_where_something_learned() -> None:
    drifting = history((1.0, 0.0, 0.0), (0.9, 0.3, 0.0), (0.8, 0.5, 0.0), (1.1, 0.6, 0.0))
    assert best(drifting) == 1
    assert best(history((1.0, 0.0, 0.0), (1.2, 0.3, 0.0))) == 0
