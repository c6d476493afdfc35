"""Run benches, print one table, write the figures as JSON.

python -m bench                 all but the slow ones, on two cores
python -m bench pipeline ros    those whose names begin so
python -m bench --quick         few repetitions: for a look, not for the README
python -m bench --all           the slow ones too
python -m bench --photos DIR    with the pictures of a folder as well, where a bench takes photos
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.registry import BENCHES, Figure, add_photos, find_benches
from sketch_robot.errors import SketchRobotError
from sketch_robot.files import replacing

CORES = 2  # what the promised times hold for
OUT = Path('out/bench.json')
MISSED, USAGE = 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benches named.

    Returns:
        0; 1 when a figure missed its promise or a bench failed; 2 when no bench has such a name or photos are missing.
    """
    args = _parse(argv)
    missing = find_benches()
    for module, why in missing.items():
        print(f'bench: {module} is left out: {why}', file=sys.stderr)
    if args.list:
        for name, each in BENCHES.items():
            print(f'{name:20} {each.about}{" (slow)" if each.slow else ""}')
        return 0
    unknown = [name for name in args.names if not any(known.startswith(name) for known in BENCHES)]
    if unknown:
        print(f'bench: there is no bench {unknown[0]!r}; choose from: {", ".join(BENCHES)}', file=sys.stderr)
        return USAGE
    try:
        if args.photos is not None:
            add_photos(args.photos)
    except (OSError, SketchRobotError) as error:
        print(f'bench: {error}', file=sys.stderr)
        return USAGE
    logging.basicConfig(level=logging.WARNING)
    cores = _keep_to_cores(args.cores)
    print(f'{cores} cores, Python {platform.python_version()}{", quick" if args.quick else ""}\n')
    print('| bench | figure | value | promised | | note |\n|---|---|---|---|---|---|')
    results = {
        name: _run(name, args.quick)
        for name, each in BENCHES.items()
        if (any(name.startswith(wanted) for wanted in args.names) if args.names else args.all or not each.slow)
    }
    about = {'cores': cores, 'python': platform.python_version(), 'machine': platform.machine(), 'quick': args.quick}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(args.out) as draft:
        draft.write_text(json.dumps({**about, 'left_out': missing, 'benches': results}, indent=2) + '\n')
    print(f'\nwritten to {args.out}')
    bad = [n for n, r in results.items() if r['error'] or any(figure['kept'] is False for figure in r['figures'])]
    return MISSED if bad else 0


def _run(name: str, quick: bool) -> dict[str, Any]:
    figures: list[dict[str, Any]] = []
    started_s = time.perf_counter()
    error = ''
    try:
        for figure in BENCHES[name].run(quick):
            figures.append({**asdict(figure), 'kept': figure.kept})
            print(_row(name, figure), flush=True)
    except Exception as failure:  # noqa: BLE001  one bench that fails must not cost the others their figures
        error = f'{type(failure).__name__}: {failure}'
        traceback.print_exc()
        print(f'| {name} | failed | {" ".join(error.split())} | | | |', flush=True)
    return {'figures': figures, 'error': error, 'seconds': round(time.perf_counter() - started_s, 1)}


def _row(name: str, figure: Figure) -> str:
    verdict = {True: 'kept', False: '**missed**', None: ''}[figure.kept]
    return (
        f'| {name} | {figure.name} | {figure.value:.4g} {figure.unit} | {figure.promise} | {verdict} | {figure.note} |'
    )


def _keep_to_cores(cores: int) -> int:
    """Let this process and its children use some cores only; returns how many they are."""
    allowed = sorted(os.sched_getaffinity(0))
    if 0 < cores < len(allowed):
        os.sched_setaffinity(0, allowed[:cores])
    return len(os.sched_getaffinity(0))


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='python -m bench', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('names', nargs='*', metavar='BENCH', help='the beginning of a name; default: all')
    parser.add_argument('--quick', action='store_true', help='fewer repetitions')
    parser.add_argument('--all', action='store_true', help='the slow benches too')
    parser.add_argument('--photos', type=Path, metavar='DIR', help="photos beside scikit-image's astronaut")
    parser.add_argument('--list', action='store_true', help='say which benches there are')
    parser.add_argument('--cores', type=int, default=CORES, help='use so many cores; 0: all (default: %(default)s)')
    parser.add_argument('--out', type=Path, default=OUT, help='where the JSON goes (default: %(default)s)')
    return parser.parse_args(argv)


if __name__ == '__main__':
    sys.exit(main())
