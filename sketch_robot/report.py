"""What a drawing came to, as `report.json` says it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

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
        stage_s: wall-clock seconds of each of `STAGES`; 0: not reached.
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

    def to_json(self) -> str:
        """The report as JSON: error_code as a number, its name as `error`, lengths and times to 1e-3."""
        fields = asdict(self)
        fields.update({name: round(fields[name], 3) for name in ('ink_mm', 'travel_mm', 'predicted_s', 'simulated_s')})
        fields['stage_s'] = {stage: round(seconds, 4) for stage, seconds in self.stage_s.items()}
        return json.dumps(
            {'error_code': int(self.error_code), 'error': self.error_code.name, **_without_code(fields)}, indent=2
        )


def _without_code(fields: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in fields.items() if key != 'error_code'}


def write_report(report: Report, path: str | Path) -> None:
    """Write a report, whole or not at all.

    Raises:
        SketchRobotError: BAD_GOAL, the file cannot be written.
    """
    with replacing(path) as draft:
        draft.write_text(report.to_json() + '\n', encoding='utf-8')
