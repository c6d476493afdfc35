"""Check that what the robot runs on can be installed elsewhere: pip fulfils requirements/run.txt with wheels.

    python scripts/check_wheels.py

Asks the package index for each machine of `MACHINES`; nothing is downloaded or installed. Ends with 1 and pip's words
where a wheel is missing.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.requirements import Requirement

RUN = Path(__file__).parents[1] / 'requirements' / 'run.txt'
MACHINES = {  # processor, Python, the C library's minor version
    'Raspberry Pi 5, Ubuntu 24.04': ('aarch64', '3.12', 39),
    'Ubuntu 24.04': ('x86_64', '3.12', 39),
    'Ubuntu 22.04': ('x86_64', '3.11', 35),
    'Debian 13': ('x86_64', '3.13', 41),
}


def pins_for(python: str, processor: str, text: str) -> list[str]:
    """The requirements of a file that count there, without comments and markers."""
    there = {'python_version': python, 'platform_machine': processor, 'sys_platform': 'linux'}
    lines = (line.partition('#')[0].strip() for line in text.splitlines())
    pins = [Requirement(line) for line in lines if line]
    return [f'{pin.name}{pin.specifier}' for pin in pins if pin.marker is None or pin.marker.evaluate(there)]


def pip_resolves(pins: list[str], processor: str, python: str, glibc: int) -> subprocess.CompletedProcess[str]:
    """Ask pip whether wheels alone can fulfil the pins on that machine."""
    platforms = [f'--platform=manylinux_2_{minor}_{processor}' for minor in range(glibc, 16, -1)]
    platforms.append(f'--platform=manylinux2014_{processor}')
    with tempfile.TemporaryDirectory() as nowhere:
        return subprocess.run(
            [
                *(sys.executable, '-m', 'pip', 'install', '--dry-run', '--ignore-installed', '--quiet'),
                *('--disable-pip-version-check', '--only-binary=:all:', f'--target={nowhere}'),
                *(f'--python-version={python}', *platforms, *pins),
            ],
            capture_output=True,
            text=True,
            check=False,
        )


def main() -> int:
    """Check all machines; the exit status."""
    failed = 0
    for name, (processor, python, glibc) in MACHINES.items():
        pins = pins_for(python, processor, RUN.read_text())
        done = pip_resolves(pins, processor, python, glibc)
        print(f'{name} ({processor}, Python {python}): {len(pins)} pins', 'fit' if done.returncode == 0 else 'FAIL')
        if done.returncode:
            failed = 1
            print(done.stderr.strip())
    return failed


if __name__ == '__main__':
    sys.exit(main())
