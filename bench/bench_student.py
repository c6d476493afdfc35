"""The student's net: torch and OpenVINO, at 512 and 256 px, the shipped net beside the published U2-Netp.

The published net has random weights here: its time does not depend on them.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import numpy as np

from bench.registry import Figure, bench, median_s

PROMISED_S = {512: 0.17, 256: 0.06}
MEMORY = """import numpy as np
from sketch_robot.line_art.student.artist import StudentArtist
artist = StudentArtist()
for _ in range(5):
    artist.net_ink(np.zeros((512, 512, 3), np.uint8))
print(int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) / 1024)"""


@bench('student', 'the student net on its runtimes, at 512 and 256 px', slow=True)
def student(quick: bool) -> Iterator[Figure]:
    """Seconds a picture, all in one run, and the memory of a process that draws with OpenVINO alone."""
    from sketch_robot.line_art.student.runtime import convert_to_openvino, load_student, openvino_ink, torch_ink
    from sketch_robot.line_art.student.u2net import STUDENT, U2Net

    rng = np.random.default_rng(0)
    crops = {px: rng.integers(0, 256, (px, px, 3), dtype=np.uint8) for px in PROMISED_S}
    for name, net in (('shipped student', load_student()), ('U2-Netp as published', U2Net(STUDENT).eval())):
        for runtime in ('OpenVINO', 'torch'):
            for px, promised_s in PROMISED_S.items():
                draw = torch_ink(net) if runtime == 'torch' else openvino_ink(convert_to_openvino(net), px)
                seconds = median_s(lambda draw=draw, px=px: draw(crops[px]), 5 if quick else 30, warm_ups=2)
                counts = name == 'shipped student' and runtime == 'OpenVINO'
                yield Figure(f'{name}, {runtime}, {px} px', seconds, 's', at_most=promised_s if counts else None)
    memory = subprocess.run([sys.executable, '-c', MEMORY], capture_output=True, text=True, check=True).stdout
    yield Figure('memory of a process with the student on OpenVINO', float(memory), 'MB', at_most=400.0)
