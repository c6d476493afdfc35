"""Looking at a training run while it goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tensorboardX.proto.event_pb2 import Event

from sketch_robot.line_art.student.u2net import U2Net, U2NetChannels
from sketch_robot.training.batches import Batch
from sketch_robot.training.watch import BOARD_FOLDER, Bar, Board, sample_sheet

TINY = U2NetChannels(inner=(2,) * 11, outer=(4,) * 11)


def _samples() -> Batch:
    rgb, ink = torch.zeros(2, 3, 64, 64), torch.zeros(2, 1, 64, 64)
    rgb[1] = 1
    ink[0, 0, 10] = 1
    return Batch(rgb, ink)


def _events(folder: Path) -> list[Event]:
    (file,) = folder.glob('events.*')
    data, events = file.read_bytes(), []
    while data:  # length (8 bytes), its checksum (4), the event, its checksum (4)
        size = int.from_bytes(data[:8], 'little')
        events.append(Event.FromString(data[12 : 12 + size]))
        data = data[16 + size :]
    return events


def test_a_sample_sheet_shows_photo_label_and_drawing_in_a_row():
    net = U2Net(TINY).eval()
    torch.nn.init.zeros_(net.fuse.weight)
    torch.nn.init.constant_(net.fuse.bias, 20.0)  # all ink
    sheet = sample_sheet(net, _samples())
    assert sheet.shape == (128, 192, 3)
    photos, labels, drawings = np.split(sheet, 3, axis=1)
    assert (photos[:64] == 0).all()
    assert (photos[64:] == 255).all()
    assert (labels[10] == 0).all()
    assert (np.delete(labels, 10, axis=0) == 255).all()
    assert (drawings == 0).all()


def test_the_board_holds_losses_by_step_and_a_drawing_for_each_saved_step(tmp_path):
    board = Board(tmp_path, _samples())
    board.logged({'step': 20, 'loss': 0.5, 'rate': 0.001, 'seconds': 1.5})
    board.saved(40, U2Net(TINY).eval())
    board.close()
    values = [(event.step, value) for event in _events(tmp_path / BOARD_FOLDER) for value in event.summary.value]
    scalars = {(step, value.tag): value.simple_value for step, value in values if not value.HasField('image')}
    assert scalars == {(20, 'loss'): 0.5, (20, 'rate'): np.float32(0.001), (20, 'seconds'): 1.5}
    ((step, picture),) = [(step, value.image) for step, value in values if value.HasField('image')]
    assert (step, picture.height, picture.width) == (40, 128, 192)


def test_the_bar_goes_on_where_a_run_was_interrupted(capsys):
    bar = Bar(10, done=4)
    bar.stepped(7)
    bar.logged({'step': 7, 'loss': 0.25})
    bar.saved(7, U2Net(TINY))
    bar.close()
    shown = capsys.readouterr().err
    assert '7/10' in shown
    assert 'loss 0.25' in shown
