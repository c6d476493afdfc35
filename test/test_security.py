"""Permissions for SROS 2, checksums of networks, and what may be named at run time."""

from __future__ import annotations

import ast
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from sketch_robot.cli import main
from sketch_robot.errors import ErrorCode, SketchRobotError
from sketch_robot.files import SUMS_NAME, check_sums
from sketch_robot.graph import INTERFACES, NODES, portrait_graph
from sketch_robot.security import interfaces_of, make_policy

PACKAGE = Path(__file__).parents[1] / 'sketch_robot'
MODELS = ('line_art/student/weights', 'photo/nets', 'poses/weights')


def allowed(policy: str, enclave: str, kind: str, verb: str) -> set[str]:
    """The names that an enclave's profile allows."""
    root = ET.fromstring(policy)
    (profile,) = [e.find('profiles/profile') for e in root.iter('enclave') if e.get('path') == enclave]
    return {name.text for group in profile.findall(f'{kind}s') if group.get(verb) == 'ALLOW' for name in group}


def test_the_graph_names_the_interfaces_of_every_node() -> None:
    several = {'attract': 'true', 'studio': 'true', 'record': 'a.mcap', 'plotters': 'left=default'}
    started = {spec.name for spec in (*portrait_graph(several), *portrait_graph({'replay': 'demo'}))}
    assert set(INTERFACES) == started >= set(NODES)


def test_each_node_has_an_enclave_of_its_name_and_may_do_what_it_is_for() -> None:
    policy = make_policy({'namespace': '/fair', 'attract': 'true'})
    root = ET.fromstring(policy)
    assert root.get('version') == '0.2.0'
    paths = [enclave.get('path') for enclave in root.iter('enclave')]
    assert paths == [f'/fair/{name}' for name in [*NODES[:-1], 'client']]
    assert {profile.get('ns') for profile in root.iter('profile')} == {'/fair'}
    assert 'image_raw' in allowed(policy, '/fair/camera', 'topic', 'publish')
    assert 'image_raw' not in allowed(policy, '/fair/line_artist', 'topic', 'publish')
    assert allowed(policy, '/fair/portrait', 'action', 'execute') == {'draw'}
    assert allowed(policy, '/fair/portrait', 'action', 'call') == {'execute_plan'}
    assert allowed(policy, '/fair/portrait', 'service', 'request') == {'render_line_art', 'plan_drawing'}
    assert {'~/pause', '~/set_parameters', '~/change_state'} <= allowed(policy, '/fair/plotter', 'service', 'reply')


def test_a_client_may_draw_and_pause_but_not_move_the_pen_along_a_plan_of_its_own() -> None:
    policy = make_policy({})
    assert allowed(policy, '/client', 'action', 'call') == {'draw'}
    assert 'plotter/pause' in allowed(policy, '/client', 'service', 'request')


def test_who_stays_is_taken_to_the_studio_where_there_is_one() -> None:
    policy = make_policy({'attract': 'true', 'studio': 'true'})
    assert allowed(policy, '/attract', 'action', 'call') == {'studio/sit'}
    assert '~/sit' in allowed(policy, '/studio', 'action', 'execute')
    assert {'execute_plan', 'draw'} == allowed(policy, '/studio', 'action', 'call')


def test_remapped_pictures_and_several_machines_are_allowed_under_their_names() -> None:
    policy = make_policy({'image': '/front/image', 'plotters': 'left=default,right=axidraw'})
    heard = allowed(policy, '/left/portrait', 'topic', 'subscribe')
    assert {'/front/image', '/front/image/compressed'} <= heard
    assert allowed(policy, '/left/portrait', 'service', 'request') == {'/render_line_art', 'plan_drawing'}
    assert allowed(policy, '/dispatcher', 'action', 'call') == {'left/draw', 'right/draw'}
    assert 'left/plotter_state' in allowed(policy, '/dispatcher', 'topic', 'subscribe')


@pytest.mark.parametrize('spec', portrait_graph({'attract': 'true'}), ids=lambda spec: spec.name)
def test_every_node_may_log_and_tell_how_it_is(spec: object) -> None:
    told = interfaces_of(spec)
    assert {'/rosout', '/diagnostics'} <= set(told.publishes)
    assert '~/get_parameters' in told.serves


def test_the_command_writes_the_policy_and_refuses_what_the_graph_does_not_take(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / 'policy.xml'
    assert main(['policy', 'namespace:=fair', '-o', str(out)]) == 0
    assert out.read_text() == make_policy({'namespace': 'fair'})
    assert main(['policy']) == 0
    assert capsys.readouterr().out == make_policy({})
    assert main(['policy', 'colour:=red']) == 1
    assert main(['policy', 'namespace']) == 2
    assert "'namespace' is not of the form NAME:=VALUE" in capsys.readouterr().err


@pytest.mark.parametrize('folder', MODELS)
def test_the_shipped_networks_are_those_that_their_checksums_name(folder: str) -> None:
    names = [path.name for path in (PACKAGE / folder).iterdir() if path.suffix in ('.bin', '.xml', '.safetensors')]
    assert names
    check_sums(PACKAGE / folder, *names)


def test_a_network_that_was_changed_or_has_no_checksum_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / 'net.bin').write_bytes(b'weights')
    with pytest.raises(SketchRobotError, match='cannot check the networks'):
        check_sums(tmp_path, 'net.bin')
    (tmp_path / SUMS_NAME).write_text(
        '9fb93d8a3b9c4f6c52a6c8f7d0ac6d6ed0a8a9ed84a9b79f44e4b9e2ef7e4b0b  net.bin\n'  # of another file
    )
    with pytest.raises(SketchRobotError, match=r'net\.bin is not the file that SHA256SUMS .* names') as caught:
        check_sums(tmp_path, 'net.bin')
    assert caught.value.code == ErrorCode.INTERNAL


def test_no_module_unpickles_evaluates_or_runs_a_shell() -> None:
    """Torch's own weight files are read with `weights_only`; subprocesses get lists of words."""
    wrong: list[str] = []
    for path in PACKAGE.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            words = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            reads = called.split('.')[0] in ('pickle', 'marshal', 'shelve')  # their errors may be named
            if reads or called in ('eval', 'exec', 'os.system', 'os.popen') or words.get('shell') == 'True':
                wrong.append(f'{path.name}: {called}')
            if called == 'torch.load' and words.get('weights_only') != 'True':
                wrong.append(f'{path.name}: torch.load without weights_only')
            if called in ('np.load', 'numpy.load') and words.get('allow_pickle') == 'True':
                wrong.append(f'{path.name}: np.load with pickles')
            if called == 'yaml.load':
                wrong.append(f'{path.name}: yaml.load')
    assert wrong == []
