"""450 seeded faults of all kinds on both emulated controllers: what is lost, astray or drawn twice afterwards."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench.registry import Figure, bench

sys.path.append(str(Path(__file__).parents[1] / 'test' / 'plotters'))  # the machines on a bench are the tests'
from fault_campaign import (
    EBB_KINDS,
    GRBL_KINDS,
    MOST_OFF_MM,
    MOST_TWICE_MM,
    VALUES,
    Outcome,
    ebb_outcome,
    grbl_outcome,
)

SEEDS, SEEDS_QUICK, FIRST_SEED = 9, 1, 1000


@bench('faults', 'seeded faults of every kind on both controllers, and what they leave on paper', slow=True)
def faults(quick: bool) -> Iterator[Figure]:
    seeds = range(FIRST_SEED, FIRST_SEED + (SEEDS_QUICK if quick else SEEDS))
    for controller, kinds, run in (('GRBL', GRBL_KINDS, grbl_outcome), ('EBB', EBB_KINDS, ebb_outcome)):
        outcomes = []
        for kind in kinds:
            own = [run(kind, seed) for seed in seeds]
            outcomes += own
            yield _figure(f'{controller}, {kind}', own)
        yield from _totals(controller, outcomes)


def _figure(name: str, outcomes: Sequence[Outcome]) -> Figure:
    """One kind: how many drawings were not as they should be, and in what."""
    wrong = [f'seed {each.seed}: {each.wrong}' for each in outcomes if each.wrong]
    said = sorted({error for each in outcomes for error in each.errors})
    twice = max(each.twice_mm for each in outcomes)
    note = '; '.join(
        [*wrong, f'twice at most {max(0.0, twice):.2f} mm', *([f'said {", ".join(said)}'] if said else [])]
    )
    return Figure(name, float(len(wrong)), f'of {len(outcomes)} wrong', at_most=0.0, note=note)


def _totals(controller: str, outcomes: Sequence[Outcome]) -> Iterator[Figure]:
    def count(is_so: Callable[[Outcome], bool]) -> float:
        return float(sum(map(is_so, outcomes)))

    of = f'of {len(outcomes)}'
    yield Figure(f'{controller}: faults that came before the end', count(lambda each: each.happened), of)
    yield Figure(
        f'{controller}: ink lost or astray', count(lambda each: 'lost' in each.wrong or not each.drawn), of, at_most=0.0
    )
    yield Figure(f'{controller}: outside the page', count(lambda each: 'outside' in each.wrong), of, at_most=0.0)
    dragged = count(lambda each: 'pen down' in each.wrong or 'dragged' in each.wrong)
    yield Figure(f'{controller}: pen down or dragged', dragged, of, at_most=0.0)
    known = [each for each in outcomes if not (each.resets_board or each.is_unseen)]
    most = max(known, key=lambda each: each.twice_mm)
    yield Figure(
        f'{controller}: ink drawn twice, at most', most.twice_mm, 'mm', at_most=MOST_TWICE_MM, note=f'after {most.kind}'
    )
    if resetting := [each.twice_mm for each in outcomes if each.resets_board]:
        yield Figure(
            f'{controller}: the same where opening the port resets the board', max(resetting), 'mm',
            at_most=MOST_TWICE_MM, note='it draws on with what it holds, then forgets where that ended',
        )  # fmt: skip
    stuck = [each for each in outcomes if each.is_unseen]
    yield Figure(
        f'{controller}: a lift that sticks for {VALUES["stuck-pen"]:g} s: drawings with ink missing or dragged',
        float(sum(each.off_mm > MOST_OFF_MM or each.dragged_mm > 0.0 for each in stuck)), f'of {len(stuck)}',
        note='nothing tells of it',
    )  # fmt: skip
