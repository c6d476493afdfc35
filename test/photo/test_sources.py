"""Photo sources: pictures, folders, videos, cameras; and everything that is none of them."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.photo.sources import FolderSource, PictureSource, VideoSource, open_source


def save_picture(path: Path, grey: int, size: tuple[int, int] = (64, 48)) -> Path:
    cv2.imwrite(str(path), np.full((size[1], size[0], 3), grey, np.uint8))
    return path


def save_video(path: Path, greys: list[int], rate_hz: float = 25.0) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), rate_hz, (64, 48))
    for grey in greys:
        writer.write(np.full((48, 64, 3), grey, np.uint8))
    writer.release()
    return path


def test_a_picture_is_given_again_and_again_and_read_once(tmp_path: Path) -> None:
    path = save_picture(tmp_path / 'face.png', 90)
    source = open_source(str(path))
    path.unlink()
    assert isinstance(source, PictureSource)
    assert (source.name, source.live) == ('face.png', False)
    assert source.next() is source.next()
    assert source.next().size_px == (64, 48)
    assert (source.next().rgb == 90).all()
    source.close()
    source.close()


def test_a_folder_is_shown_by_name_and_from_the_start_again(tmp_path: Path) -> None:
    for name, grey in (('b.png', 20), ('a.png', 10), ('c.PNG', 30)):
        save_picture(tmp_path / name, grey)
    (tmp_path / 'notes.txt').write_text('no picture')
    source = open_source(str(tmp_path))
    assert isinstance(source, FolderSource)
    assert [int(source.next().rgb[0, 0, 0]) for _ in range(5)] == [10, 20, 30, 10, 20]


def test_unreadable_pictures_of_a_folder_are_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_picture(tmp_path / 'b.png', 20)
    (tmp_path / 'a.jpg').write_bytes(b'no jpeg at all')
    (tmp_path / 'c.png').mkdir()
    source = open_source(str(tmp_path))
    with caplog.at_level(logging.WARNING):
        assert [int(source.next().rgb[0, 0, 0]) for _ in range(2)] == [20, 20]
    assert 'a.jpg is no picture that can be read' in caplog.text
    assert 'c.png is a folder' in caplog.text


def test_a_folder_that_loses_its_pictures_says_so(tmp_path: Path) -> None:
    path = save_picture(tmp_path / 'a.png', 20)
    source = open_source(str(tmp_path))
    path.unlink()
    with pytest.raises(SketchRobotError, match=r'no picture of the folder .* can be read') as caught:
        source.next()
    assert caught.value.code == ErrorCode.BAD_IMAGE


def test_a_video_gives_its_frames_in_order_and_starts_again(tmp_path: Path) -> None:
    source = open_source(str(save_video(tmp_path / 'clip.avi', [40, 120, 200])))
    assert isinstance(source, VideoSource)
    assert source.live
    assert source.rate_hz == 25.0
    greys = [int(source.next().rgb.mean().round()) for _ in range(5)]
    assert greys == pytest.approx([40, 120, 200, 40, 120], abs=3)
    source.close()
    source.close()


def test_a_video_s_colours_are_rgb(tmp_path: Path) -> None:
    writer = cv2.VideoWriter(str(tmp_path / 'red.avi'), cv2.VideoWriter.fourcc(*'MJPG'), 25.0, (64, 48))
    writer.write(np.full((48, 64, 3), (0, 0, 250), np.uint8))  # OpenCV writes BGR
    writer.release()
    red, green, blue = open_source(str(tmp_path / 'red.avi')).next().rgb.reshape(-1, 3).mean(0)
    assert red > 240
    assert max(green, blue) < 15


@pytest.mark.parametrize(
    ('name', 'content', 'code', 'words'),
    [
        ('nothing.png', None, ErrorCode.BAD_IMAGE, 'cannot read the picture .*nothing.png: No such file'),
        ('nothing.mp4', None, ErrorCode.BAD_IMAGE, 'cannot read the picture .*nothing.mp4: No such file'),
        ('empty.jpg', b'', ErrorCode.BAD_IMAGE, 'empty.jpg is empty'),
        ('text.png', b'hello', ErrorCode.BAD_IMAGE, 'text.png is no picture that can be read'),
        ('text.mp4', b'hello', ErrorCode.NO_FRAME, 'video text.mp4 cannot be opened; it is damaged'),
        ('a' * 300 + '.png', None, ErrorCode.BAD_IMAGE, 'cannot read the photo source a+.png: .*too long'),
    ],
)
def test_a_file_that_is_no_source_is_refused_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes | None, code: ErrorCode, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path(name).write_bytes(content)
    with pytest.raises(SketchRobotError, match=words) as caught:
        open_source(name)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ('text', 'code', 'words'),
    [
        ('/dev/video99', ErrorCode.NO_FRAME, 'camera /dev/video99 does not exist; plug one in'),
        (' 99 ', ErrorCode.NO_FRAME, 'camera /dev/video99 does not exist'),
        ('', ErrorCode.BAD_IMAGE, 'no photo source is named'),
        ('~nobody-of-that-name/face.png', ErrorCode.BAD_IMAGE, 'cannot read the photo source ~nobody'),
        ('a\0b.png', ErrorCode.BAD_IMAGE, 'cannot read the picture'),
    ],
)
def test_a_name_that_is_no_source_is_refused_with_its_reason(text: str, code: ErrorCode, words: str) -> None:
    with pytest.raises(SketchRobotError, match=words) as caught:
        open_source(text)
    assert caught.value.code == code


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SketchRobotError, match='holds no pictures') as caught:
        open_source(str(tmp_path))
    assert caught.value.code == ErrorCode.BAD_IMAGE


def test_a_truncated_video_gives_no_frame_or_only_whole_ones(tmp_path: Path) -> None:
    whole = save_video(tmp_path / 'whole.avi', [40] * 3).read_bytes()
    (tmp_path / 'cut.avi').write_bytes(whole[:300])
    with pytest.raises(SketchRobotError) as caught:
        open_source(str(tmp_path / 'cut.avi')).next()
    assert caught.value.code == ErrorCode.NO_FRAME
    assert 'cut.avi' in caught.value.message


def test_a_file_uri_names_a_picture_whatever_its_name_is(tmp_path: Path) -> None:
    for name in ('fäce.png', os.fsdecode(b'j\xff\xfe.png'), 'with space%41.png'):
        path = tmp_path / name
        path.write_bytes(save_picture(tmp_path / 'plain.png', 90).read_bytes())
        assert (open_source(path.as_uri()).next().rgb == 90).all()
        assert open_source(path.as_uri()).name.isprintable()
        open_source(path.as_uri()).name.encode()  # UTF-8, as logs and messages want it


def test_a_video_passes_by_without_being_decoded_and_begins_again(tmp_path: Path) -> None:
    source = open_source(str(save_video(tmp_path / 'clip.avi', [10, 60, 110, 160])))
    assert isinstance(source, VideoSource)
    source.skip()
    source.skip()
    assert abs(int(source.next().rgb[0, 0, 0]) - 110) < 6
    for _ in range(3):
        source.skip()
    assert source.next().rgb.shape == (48, 64, 3)
    source.close()


def test_files_wait_until_somebody_wants_them(tmp_path: Path) -> None:
    for name, grey in (('a.png', 10), ('b.png', 20)):
        save_picture(tmp_path / name, grey)
    source = open_source(str(tmp_path))
    source.skip()
    assert int(source.next().rgb[0, 0, 0]) == 10
