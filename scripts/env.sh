# Source this to have the virtual environment, ROS 2 and both built packages: . scripts/env.sh
_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$_root/.venv/bin/activate"
[ -f /opt/ros/jazzy/setup.bash ] && . /opt/ros/jazzy/setup.bash
[ -f "$_root/install/setup.bash" ] && . "$_root/install/setup.bash"
unset _root
