"""Where the parts of a face lie on the face mesh of 478 points (Kartynnik et al. 2019; irises: Ablavatski 2020).

'right' and 'left' are the sitter's own: the right eye is on the left of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Side = Literal['right', 'left']
SIDES: tuple[Side, Side] = ('right', 'left')


@dataclass(frozen=True)
class EyeTable:
    """Mesh points of one eye; lids from the outer corner to the inner one."""

    upper: list[int]
    lower: list[int]
    crease: list[int]
    iris: int  # its centre; the four after it lie on its rim
    brow_top: list[int]  # from the nose outwards
    brow_bottom: list[int]
    temple: int  # where a spectacle arm meets the face's edge


EYES: dict[Side, EyeTable] = {
    'right': EyeTable(
        upper=[33, 246, 161, 160, 159, 158, 157, 173, 133],
        lower=[33, 7, 163, 144, 145, 153, 154, 155, 133],
        crease=[247, 30, 29, 27, 28, 56, 190],
        iris=468,
        brow_top=[107, 66, 105, 63, 70],
        brow_bottom=[55, 65, 52, 53, 46],
        temple=127,
    ),
    'left': EyeTable(
        upper=[263, 466, 388, 387, 386, 385, 384, 398, 362],
        lower=[263, 249, 390, 373, 374, 380, 381, 382, 362],
        crease=[467, 260, 259, 257, 258, 286, 414],
        iris=473,
        brow_top=[336, 296, 334, 293, 300],
        brow_bottom=[285, 295, 282, 283, 276],
        temple=356,
    ),
}
NOSE_WING: dict[Side, list[int]] = {'right': [209, 49, 64, 98], 'left': [429, 279, 294, 327]}  # downwards
NOSE_BASE = [235, 59, 60, 20, 141, 94, 370, 250, 290, 289, 455]
NOSE_TIP = 1
UPPER_LIP = [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291]  # its upper edge; all lips run from right to left
LOWER_LIP = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291]  # its lower edge
UPPER_INSIDE = [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308]
LOWER_INSIDE = [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308]
MOUTH_CORNERS = (61, 291)
OVAL = [10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377]
OVAL += [152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109]
FOREHEAD, BETWEEN_EYES, CHIN = 10, 168, 152
CHEEK_EDGE: dict[Side, int] = {'right': 234, 'left': 454}  # in front of the ears
SKIN = [50, 280, 101, 330, 205, 425, 36, 266, 9, 151, 108, 337, 5, 195, 187, 411, 118, 347, 69, 299]
FACE_POINTS = 468
