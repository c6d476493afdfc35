"""From a photo to a drawing plan in one call, without ROS.

>>> plan = draw_photo('face.jpg', page='A5', time_budget_s=120.0).plan
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from sketch_robot.line_art import DEFAULT_ARTIST
from sketch_robot.line_art.art import LineArt
from sketch_robot.line_art.artist import Artist, make_artist
from sketch_robot.motion import DrawingPlan, MachineLimits, Page, load_limits, parse_page
from sketch_robot.motion.budget import check_budget
from sketch_robot.motion.layout import PLAIN, SheetLayout
from sketch_robot.motion.planner import pen_in_pixels, plan_drawing
from sketch_robot.photo import Photo, Sitter, SitterFinder, load_photo, whole_picture
from sketch_robot.poses.drawing import FigureArtist, full_length_art
from sketch_robot.poses.wish import PORTRAIT, PoseWish, check_wishes
from sketch_robot.stroke import Stroke
from sketch_robot.strokes import strokes_from
from sketch_robot.strokes.weight import Weight
from sketch_robot.wishes import AS_IT_IS, Wishes


@dataclass(frozen=True, eq=False)
class PipelineResult:
    """A plan and all that it came from.

    Attributes:
        sitter: the crop, and what was found in it.
        art: the line art, as large as the crop; at full length that of the whole figure.
        strokes: of the line art, in its pixels, before any was left out.
        plan: what to draw.
        stage_s: wall-clock seconds. capture: reading the photo, 0 when it was in memory; line_art: finding the sitter
            and drawing the lines; plan: strokes, page, order and times.
    """

    sitter: Sitter
    art: LineArt
    strokes: tuple[Stroke, ...]
    plan: DrawingPlan
    stage_s: dict[str, float]


class Pipeline:
    """Keeps the models that are slow to load, and serves one thread at a time. A context manager.

    Args:
        artist: who draws the lines: a name, or an artist of your own.
        finder: who finds the sitter; None: a new one, which `close` frees.

    Raises:
        SketchRobotError: BAD_GOAL, no artist has that name.
    """

    def __init__(self, artist: str | Artist = DEFAULT_ARTIST, *, finder: SitterFinder | None = None) -> None:
        self.artist = make_artist(artist) if isinstance(artist, str) else artist
        self._own_finder = finder is None
        self._finder = SitterFinder() if finder is None else finder
        self._figures = FigureArtist()

    def draw(
        self,
        photo: Photo | str | Path,
        *,
        page: Page,
        profile: MachineLimits | None = None,
        time_budget_s: float | None = None,
        require_face: bool = True,
        weight: Weight = 'passes',
        layout: SheetLayout = PLAIN,
        wishes: Wishes = AS_IT_IS,
        pose: PoseWish = PORTRAIT,
        on_stage: Callable[[str], None] | None = None,
    ) -> PipelineResult:
        """Draw a photo's largest face.

        Args:
            photo: in memory, or the path of a picture file.
            page, profile: the sheet, and the machine (None: the default profile).
            time_budget_s: the most the drawing may take as predicted; None or 0: no limit.
            require_face: without a face, whether to fail or to draw the whole picture, as some artists do in any case.
            weight: what makes lines wider than the pen, see `plan_drawing`.
            layout: what is on the sheet beside the drawing.
            wishes: how many lines and folds, and how much of a caricature.
            pose: how the sitter stands, at full length; a portrait of the head without.
            on_stage: called with the name of each stage of `PipelineResult.stage_s` as it begins.

        Raises:
            SketchRobotError: BAD_GOAL, an unusable budget, or wishes that do not go together; BAD_IMAGE, the file is
                no picture; NO_FACE; NO_BODY, for a pose; NOTHING_TO_DRAW, no line was found or the budget is too short
                for any.
        """
        check_budget(time_budget_s)
        check_wishes(pose, wishes)
        say = on_stage or (lambda _stage: None)
        say('capture')
        started_s = time.perf_counter()
        taken = photo if isinstance(photo, Photo) else load_photo(photo)
        captured_s = time.perf_counter()
        say('line_art')
        if self.artist.whole_picture and not pose:
            sitter = whole_picture(taken)
        else:
            sitter = self._finder.find(taken, require_face=require_face or bool(pose))
        figure = self._figures.draw(taken.rgb, pose) if pose else None
        art = self.artist.draw(sitter)
        drawn_s = time.perf_counter()
        say('plan')
        machine = profile or MachineLimits()
        strokes = strokes_from(art, sitter, wishes, pen_px=pen_in_pixels(art.size_px, page, machine, layout))
        if figure is not None:
            art = full_length_art(art, strokes, sitter, figure)
            strokes = art.strokes or ()
        plan = plan_drawing(
            strokes,
            art.size_px,
            page,
            machine,
            time_budget_s=time_budget_s,
            artist=art.artist,
            weight=weight,
            layout=layout,
        )
        planned_s = time.perf_counter()
        stage_s = {
            'capture': captured_s - started_s,
            'line_art': drawn_s - captured_s,
            'plan': planned_s - drawn_s,
        }
        return PipelineResult(sitter, art, strokes, plan, stage_s)

    def warm_up(self) -> None:
        """Do what makes the first drawing slow. May be called more than once."""
        self._finder.warm_up()
        self.artist.warm_up()

    def close(self) -> None:
        """Free the models; closing twice is harmless."""
        if self._own_finder:
            self._own_finder = False
            self._finder.close()

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def draw_photo(
    photo: Photo | str | Path,
    *,
    page: Page | str = 'A5',
    profile: MachineLimits | str = 'default',
    artist: str | Artist = DEFAULT_ARTIST,
    time_budget_s: float | None = None,
    require_face: bool = True,
    weight: Weight = 'passes',
    layout: SheetLayout = PLAIN,
    wishes: Wishes = AS_IT_IS,
    pose: PoseWish = PORTRAIT,
) -> PipelineResult:
    """Draw one photo; for several, a `Pipeline` saves the seconds that loading takes. See `Pipeline.draw`.

    Args:
        page: the sheet, or its name as `parse_page` takes it.
        profile: the machine, or its name.
    """
    sheet = parse_page(page) if isinstance(page, str) else page
    machine = load_limits(profile) if isinstance(profile, str) else profile
    with Pipeline(artist) as pipeline:
        return pipeline.draw(
            photo,
            page=sheet,
            profile=machine,
            time_budget_s=time_budget_s,
            require_face=require_face,
            weight=weight,
            layout=layout,
            wishes=wishes,
            pose=pose,
        )
