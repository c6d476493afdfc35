"""What a drawing came to, as `report.json` says it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sketch_robot.errors import ErrorCode
from sketch_robot.files import replacing

STAGES = ('capture', 'line_art', 'plan', 'draw')


@dataclass(frozen=True)
class Report:
    """One drawing in figures.

    Attributes:
        error_code, error_msg: how it ended; OK and '' when it is on paper (or planned, where nothing was to be drawn).
        strokes, ink_mm, travel_mm, lifts: what was drawn; of the plan where nothing was to be drawn.
        predicted_s: machine seconds of the plan.
        simulated_s: machine seconds that drawing took; 0 when nothing was drawn.
        stage_s: wall-clock seconds of each of `STAGES`; 0 or missing: not reached.
        faces: how many faces the photo shows.
        artist: who drew the lines.
        page: the sheet.
    """

    error_code: ErrorCode = ErrorCode.OK
    error_msg: str = ''
    strokes: int = 0
    ink_mm: float = 0.0
    travel_mm: float = 0.0
    lifts: int = 0
    predicted_s: float = 0.0
    simulated_s: float = 0.0
    stage_s: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    faces: int = 0
    artist: str = ''
    page: str = ''

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold: error_code as a number, its name as `error`, all stages, lengths and times to 1e-3."""
        fields = asdict(self)
        fields.update({name: round(fields[name], 3) for name in ('ink_mm', 'travel_mm', 'predicted_s', 'simulated_s')})
        fields['stage_s'] = {stage: round(self.stage_s.get(stage, 0.0), 4) for stage in STAGES}
        del fields['error_code']
        return {'error_code': int(self.error_code), 'error': self.error_code.name, **fields}


def write_report(report: Report, path: str | Path) -> None:
    """Write a report, whole or not at all.

    Raises:
        SketchRobotError: BAD_GOAL, the file cannot be written.
    """
    _write(report.to_dict(), path)


def write_reports(reports: Mapping[str, Report], path: str | Path) -> None:
    """Write the reports of several photos, whole or not at all.

    Args:
        reports: by the photo's name; the file has `drawn` and `failed`, how many of each, and `photos`, a list of
            reports, each with its `photo`.
        path: where to.

    Raises:
        SketchRobotError: BAD_GOAL, the file cannot be written.
    """
    failed = sum(report.error_code != ErrorCode.OK for report in reports.values())
    photos = [{'photo': name, **report.to_dict()} for name, report in reports.items()]
    _write({'drawn': len(reports) - failed, 'failed': failed, 'photos': photos}, path)


def _write(values: dict[str, Any], path: str | Path) -> None:
    with replacing(path) as draft:
        draft.write_text(json.dumps(values, indent=2) + '\n', encoding='utf-8')
