# Source this to have the virtual environment, ROS 2 and the built packages: source scripts/env.sh
_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$_root/.venv/bin/activate"
[ -f /opt/ros/jazzy/setup.bash ] && . /opt/ros/jazzy/setup.bash
[ -f "$_root/install/setup.bash" ] && . "$_root/install/setup.bash"
export PATH="$_root/install/sketch_robot/lib/sketch_robot:$PATH"
unset _root
