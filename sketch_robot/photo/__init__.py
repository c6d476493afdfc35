"""From a picture to a sitter in frame."""

from typing import TYPE_CHECKING

from sketch_robot.lazy import lazily

if TYPE_CHECKING:
    from sketch_robot.photo.decode import decode_photo, load_photo
    from sketch_robot.photo.finder import SitterFinder, find_sitter, whole_picture
    from sketch_robot.photo.picture import MAX_PIXELS, MIN_SIDE_PX, Photo, photo_from_array
    from sketch_robot.photo.sitter import CROP_PX, Sitter

__all__ = [
    'CROP_PX',
    'MAX_PIXELS',
    'MIN_SIDE_PX',
    'Photo',
    'Sitter',
    'SitterFinder',
    'decode_photo',
    'find_sitter',
    'load_photo',
    'photo_from_array',
    'whole_picture',
]

__getattr__ = lazily(
    __name__,
    decode='decode_photo load_photo',
    finder='SitterFinder find_sitter whole_picture',
    picture='MAX_PIXELS MIN_SIDE_PX Photo photo_from_array',
    sitter='CROP_PX Sitter',
)
