"""What `sketch-robot draw` does with one photo: plan it, draw it on simulated paper when asked, keep files, report."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sketch_robot.errors import SketchRobotError
from sketch_robot.line_art.artist import Artist, make_artist
from sketch_robot.line_art.styles.artist import styled_artist
from sketch_robot.motion import DEFAULT_MARGIN_MM, MachineLimits, Page, load_limits, parse_page, save_plan
from sketch_robot.motion.budget import check_budget
from sketch_robot.motion.layout import PLAIN, SheetLayout, lay_out
from sketch_robot.pipeline import Pipeline, PipelineResult
from sketch_robot.plotters import Outcome, Paper, SimulatedPlotter, SimulationOptions, paper_of
from sketch_robot.plotters.paper import save_png
from sketch_robot.poses.wish import PORTRAIT, PoseWish, check_wishes
from sketch_robot.report import Report
from sketch_robot.strokes.weight import Weight
from sketch_robot.wishes import AS_IT_IS, Wishes

Say = Callable[[str, str], None]  # the stage that begins, and how far it is


@dataclass(frozen=True)
class DrawSettings:
    """What is the same for all photos."""

    page: Page
    profile: MachineLimits
    artist: Artist
    time_budget_s: float | None = None
    require_face: bool = True
    weight: Weight = 'passes'
    layout: SheetLayout = PLAIN
    wishes: Wishes = AS_IT_IS
    pose: PoseWish = PORTRAIT

    def failed(self, error: SketchRobotError) -> Report:
        """The report of a photo that could not be drawn."""
        return Report(error_code=error.code, error_msg=error.message, artist=self.artist.name, page=self.page.name)


def check_settings(
    page: str,
    *,
    orientation: str,
    margin_mm: float | None,
    profile: str,
    artist: str,
    time_budget_s: float,
    require_face: bool,
    styles: str = '',
    style_file: Path | None = None,
    weight: Weight = 'passes',
    layout: SheetLayout = PLAIN,
    wishes: Wishes = AS_IT_IS,
    pose: PoseWish = PORTRAIT,
) -> DrawSettings:
    """Check what a person asked for. A margin of None is the default one; with styles, they draw and not the artist.

    Raises:
        SketchRobotError: BAD_GOAL, one of the values cannot be used.
    """
    margin_mm = DEFAULT_MARGIN_MM if margin_mm is None else margin_mm
    sheet, machine = parse_page(page, margin_mm=margin_mm, orientation=orientation), load_limits(profile)
    lay_out(layout, sheet, machine.pen_width_mm)
    check_wishes(pose, wishes)
    return DrawSettings(
        sheet,
        machine,
        styled_artist(styles, style_file) or make_artist(artist),
        check_budget(time_budget_s),
        require_face,
        weight,
        layout,
        wishes,
        pose,
    )


@dataclass(frozen=True)
class Files:
    """Where the results for one photo go; None: not wanted."""

    plan: Path
    line_art: Path | None
    paper: Path | None


@dataclass(frozen=True, eq=False)
class DrawnPhoto:
    """What came of one photo.

    Attributes:
        result: all up to the plan.
        outcome: of the drawing on simulated paper; None when there was none.
        paper: the drawing, or what it would be.
        draw_s: wall-clock seconds of the drawing.
    """

    result: PipelineResult
    outcome: Outcome | None
    paper: Paper
    draw_s: float = 0.0

    @property
    def report(self) -> Report:
        """In figures."""
        plan = self.result.plan
        planned = Report(
            strokes=len(plan.strokes),
            ink_mm=plan.ink_mm,
            travel_mm=plan.travel_mm,
            lifts=plan.lifts,
            predicted_s=plan.predicted_s,
            stage_s={**self.result.stage_s, 'draw': self.draw_s},
            faces=self.result.sitter.faces,
            artist=plan.artist,
            page=plan.page.name,
        )
        if self.outcome is None:
            return planned
        return replace(
            planned,
            strokes=self.outcome.strokes_drawn,
            ink_mm=self.outcome.ink_mm,
            travel_mm=self.outcome.travel_mm,
            lifts=self.outcome.lifts,
            simulated_s=self.outcome.machine_s,
        )

    @property
    def figures(self) -> str:
        """In a few words."""
        plan = self.result.plan
        left_out = f', {plan.left_out} left out' if plan.left_out else ''
        return f'{len(plan.strokes)} strokes{left_out}, {plan.ink_mm / 1e3:.2f} m of ink, {plan.predicted_s:.0f} s'


def draw_one(settings: DrawSettings, pipeline: Pipeline, photo: Path, files: Files, say: Say) -> DrawnPhoto:
    """Draw one photo and write its files, the plan last.

    Raises:
        SketchRobotError: what `Pipeline.draw` raises; BAD_GOAL, a file cannot be written.
    """
    result = pipeline.draw(
        photo,
        page=settings.page,
        profile=settings.profile,
        time_budget_s=settings.time_budget_s,
        require_face=settings.require_face,
        weight=settings.weight,
        layout=settings.layout,
        wishes=settings.wishes,
        pose=settings.pose,
        on_stage=lambda stage: say(stage, ''),
    )
    if files.line_art is not None:
        save_png(files.line_art, np.rint(255.0 * (1.0 - result.art.ink)).clip(0, 255).astype(np.uint8))
    drawn = DrawnPhoto(result, None, paper_of(result.plan)) if files.paper is None else _simulated(result, say)
    if files.paper is not None:
        drawn.paper.save_png(files.paper)
    save_plan(result.plan, files.plan)
    return drawn


def _simulated(result: PipelineResult, say: Say) -> DrawnPhoto:
    say('draw', '')
    started_s = time.perf_counter()
    with SimulatedPlotter(SimulationOptions(speedup=math.inf)) as plotter:
        outcome = plotter.draw(result.plan, lambda p: say('draw', f' {p.strokes_done}/{p.strokes_total}'))
        assert plotter.paper is not None
        return DrawnPhoto(result, outcome, plotter.paper, time.perf_counter() - started_s)
