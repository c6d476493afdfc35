"""Portraits of all photos in a folder, one after the other; what fails is told, and the rest goes on.

python3 examples/batch.py photos/ plans/ --dry-run      # plans only
python3 examples/batch.py photos/ plans/ --page A6      # onto paper; Enter when a new sheet is in
"""

import argparse
import sys
from pathlib import Path

from sketch_robot import SketchRobotError, save_plan
from sketch_robot.client import PortraitClient

PICTURES = {'.jpg', '.jpeg', '.png'}


def main() -> int:
    """Draw a folder; the exit status is how many photos failed."""
    parser = argparse.ArgumentParser(description='Draw every photo of a folder.')
    parser.add_argument('photos', type=Path)
    parser.add_argument('plans', type=Path, help='where the plans go, as SVG')
    parser.add_argument('--page', default='')
    parser.add_argument('--dry-run', action='store_true', help='plan only')
    args = parser.parse_args()
    args.plans.mkdir(parents=True, exist_ok=True)
    failed = 0
    with PortraitClient(server_timeout=60.0) as robot:
        for photo in sorted(path for path in args.photos.iterdir() if path.suffix.lower() in PICTURES):
            if not args.dry_run and sys.stdin.isatty():
                input(f'Put a sheet in for {photo.name} and press Enter ')
            try:
                result = robot.draw(photo, page=args.page, dry_run=args.dry_run).result(timeout=3600.0)
            except SketchRobotError as error:
                print(f'{photo.name}: {error}')
                failed += 1
                continue
            assert result.plan is not None
            save_plan(result.plan, args.plans / f'{photo.stem}.svg')
            print(f'{photo.name}: {len(result.plan.strokes)} strokes, {result.predicted_s:.0f} s')
    return failed


if __name__ == '__main__':
    sys.exit(main())
