"""Draw a recorded session: the whole graph, with an MCAP file in the camera's place.

ros2 launch sketch_robot replay.launch.py session:=visit.mcap speedup:=20

Takes all arguments of portrait.launch.py besides.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

from sketch_robot.files import share_folder


def generate_launch_description() -> LaunchDescription:
    """One argument of its own, and the launch file of the graph."""
    graph = PythonLaunchDescriptionSource(str(share_folder() / 'launch' / 'portrait.launch.py'))
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                'session', default_value='demo', description="The MCAP file; 'demo': the one that comes along."
            ),
            IncludeLaunchDescription(graph, launch_arguments={'replay': LaunchConfiguration('session')}.items()),
        ]
    )
