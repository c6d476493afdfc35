"""Install the emulated controllers the way ROS 2 and pip expect it."""

from setuptools import find_packages, setup

NAME = 'sketch_robot_emulators'

setup(
    name=NAME,
    version='0.1.0',
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        (f'share/{NAME}', ['package.xml']),
    ],
    install_requires=['setuptools', 'numpy>=1.26,<2', 'numba>=0.59'],
    python_requires='>=3.11,<3.13',
    zip_safe=True,
    maintainer='sketch_robot maintainers',
    maintainer_email='maintainers@sketch-robot.invalid',
    description='Emulated GRBL and EBB plotter controllers with a pen, paper and faults on demand.',
    license='Apache-2.0',
)
