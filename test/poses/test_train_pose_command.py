"""`sketch-robot train-pose`."""

from __future__ import annotations

from sketch_robot.cli import main
from sketch_robot.poses import shape
from sketch_robot.poses.weight_file import load_pose_weights


def test_a_network_is_trained_kept_and_gone_on_with(tmp_path, people, capsys, monkeypatch):
    monkeypatch.setattr(shape, 'SLIM', shape.PoseShape((4, 6, 8, 8), 4))
    words = ['train-pose', str(people), str(tmp_path / 'run'), '--height', '64', '--pairs', '2', '--device', 'cpu']
    assert main([*words, '--steps', '2', '-o', str(tmp_path / 'pose.safetensors')]) == 0
    assert load_pose_weights(tmp_path / 'pose.safetensors').height_px == 64
    assert main([*words, '--steps', '2', '--seed', '5']) == 1
    assert 'other options' in capsys.readouterr().err
    assert main(['train-pose', str(tmp_path), str(tmp_path / 'new')]) == 1
    assert 'no folder of people' in capsys.readouterr().err
    assert main([*words, '--steps', '2', '--height', '100']) == 1
    assert 'multiple of' in capsys.readouterr().err
    assert main([*words, '--device', 'abacus']) == 1
    assert 'no device' in capsys.readouterr().err
