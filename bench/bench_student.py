"""Time the student artist: torch and OpenVINO, at 512 and 256 px, the shipped net beside the published U2-Netp.

    python bench/bench_student.py [--repeats 30]

Medians of single pictures, all in one run. The published net has random weights here: its time doesn't depend on them.
Memory is what the process holds at its highest with OpenVINO alone, measured in a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np

SIZES_PX = (512, 256)
MEMORY = 'import resource, numpy as np; from sketch_robot.line_art.student import StudentArtist; a = StudentArtist(); \
[a.net_ink(np.zeros((512, 512, 3), np.uint8)) for _ in range(5)]; \
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)'


def median_s(draw, crop: np.ndarray, repeats: int) -> float:
    """Median seconds of a drawing after two to warm up."""
    times = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        draw(crop)
        times.append(time.perf_counter() - start)
    return float(np.median(times[2:]))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--repeats', type=int, default=30)
    repeats = parser.parse_args().repeats

    memory = subprocess.run([sys.executable, '-c', MEMORY], capture_output=True, text=True, check=True).stdout.strip()
    start = time.perf_counter()
    from sketch_robot.line_art.student import StudentArtist

    StudentArtist().warm_up()
    ready_s = time.perf_counter() - start

    from sketch_robot.line_art.complexity import count_complexity
    from sketch_robot.line_art.student import convert_to_openvino, load_student, openvino_ink, torch_ink
    from sketch_robot.line_art.u2net import STUDENT, U2Net

    print('| net | parameters (M) | multiply-adds at 512 (G) | runtime | 512 px (s) | 256 px (s) |')
    print('|---|---|---|---|---|---|')
    rng = np.random.default_rng(0)
    crops = {px: rng.integers(0, 256, (px, px, 3), dtype=np.uint8) for px in SIZES_PX}
    for name, net in (('shipped student', load_student()), ('U2-Netp as published', U2Net(STUDENT).eval())):
        cost = count_complexity(net)
        for runtime in ('torch', 'openvino'):
            cells = []
            for px in SIZES_PX:
                draw = torch_ink(net) if runtime == 'torch' else openvino_ink(convert_to_openvino(net), px)
                cells.append(f'{median_s(draw, crops[px], repeats):.3f}')
            size = f'{cost.parameters / 1e6:.2f} | {cost.multiply_adds / 1e9:.1f}'
            print(f'| {name} | {size} | {runtime} | ' + ' | '.join(cells) + ' |', flush=True)
    print(f'\nready on OpenVINO after {ready_s:.1f} s; {memory} MB with OpenVINO alone')
    print(f'this process held {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB')


if __name__ == '__main__':
    main()
