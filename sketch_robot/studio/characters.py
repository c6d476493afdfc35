"""Characters in the studio: look at faces that nobody has, change them, and have one drawn."""

from __future__ import annotations

import threading
from typing import Annotated

import cv2
import numpy as np
from fastapi import APIRouter, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from sketch_robot.characters.latents import SEEDS
from sketch_robot.characters.runtime import shipped_maker
from sketch_robot.characters.source import ARTIST, enlarged
from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.studio import schemas
from sketch_robot.studio.service import limited, studio_of
from sketch_robot.studio.visitors import PROBLEMS, proposals_of

router = APIRouter(prefix='/api', responses=PROBLEMS)
_making = threading.Lock()  # a maker serves one thread at a time


def character_picture(seed: int, sliders: tuple[float, ...]) -> np.ndarray:
    """A character: (512, 512, 3) uint8 RGB.

    Raises:
        SketchRobotError: BAD_GOAL, the seed or a slider is out of range.
    """
    with _making:
        return enlarged(shipped_maker().make(seed, sliders).rgb)


@router.get('/characters/{seed}.png', operation_id='character', response_class=Response)
def character(
    seed: Annotated[int, Path(ge=0, lt=SEEDS)], sliders: Annotated[str, Query(max_length=80)] = ''
) -> Response:
    """A face that nobody has, PNG; the same for the same seed. `sliders`: numbers from -3 to 3 with commas between."""
    _, data = cv2.imencode('.png', cv2.cvtColor(character_picture(seed, _numbers(sliders)), cv2.COLOR_RGB2BGR))
    return Response(data.tobytes(), media_type='image/png', headers={'cache-control': 'max-age=86400'})


@router.post('/sittings/character', operation_id='sit_character')
async def sit_character(request: Request, new: schemas.NewCharacter) -> schemas.Proposals:
    """Sit for a character: its drawings are ordered as a sitter's are."""
    studio = studio_of(request)
    limited(studio.sitting, request)
    picture = await run_in_threadpool(character_picture, new.seed, tuple(new.sliders))
    name, made = await run_in_threadpool(studio.sittings.sit, picture, '', ARTIST)
    return proposals_of(studio, name, made)


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in text.split(',')) if text else ()
    except ValueError as error:
        raise SketchRobotError(ErrorCode.BAD_GOAL, f'{text!r} is no list of numbers') from error
