# make portrait PHOTO=face.jpg OUT=dir   set up, then draw a photo through the ROS graph on simulated paper
# make studio                            set up, then the pages for visitors and the operator, at http://localhost:8080/
# make test                              set up, then all tests
# make browser                           look at the studio in a real browser; needs Chromium
# make bench                             measure what the README claims; prints a table, writes out/bench.json
# make lint                              ruff and mypy
# make wheels                            ask the package index whether the robot can be installed on other computers
# make docs                              API pages from the docstrings, into out/api/; a warning is an error

SHELL := /bin/bash
PHOTO ?=
OUT ?= out
ARGS ?=
PAGE ?=
TIME_BUDGET ?=
env := source scripts/env.sh
# Named, because an installed ROS 2 brings plugins of its own that do not fit this pytest.
plugins := -p xdist -p pytest_timeout -p pytest_rerunfailures -p _hypothesis_pytestplugin
# Three on two cores: tests of the graph mostly wait. In the order of test/conftest.py.
workers := -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: setup portrait studio test browser bench lint wheels docs clean

setup:
	@scripts/setup.sh run loops

portrait: setup
	@$(env) && draw_portrait --out "$(OUT)" $(if $(PHOTO),--photo "$(PHOTO)") $(if $(PAGE),--page "$(PAGE)") \
		$(if $(TIME_BUDGET),--time-budget "$(TIME_BUDGET)") $(ARGS)

# Without a camera a demo photo sits, unless PHOTO says who; ARGS="studio_address:=0.0.0.0" lets phones in.
studio: setup
	@$(env) && portrait_system studio:=true attract:=true $(if $(PHOTO),photo:="$(PHOTO)",$$(ls /dev/video* >/dev/null 2>&1 || echo photo:=astronaut)) \
		$(if $(PAGE),page:="$(PAGE)") $(ARGS)

test:
	@scripts/setup.sh run test
	@$(env) && python -m scripts.compile_loops && PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m pytest $(plugins) $(workers) $(ARGS)

# Needs Chromium; BROWSER=/path/to/it when it is not called chromium.
browser:
	@scripts/setup.sh run loops test browser
	@$(env) && PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m pytest -p pytest_timeout bench/browser $(ARGS)

bench:
	@scripts/setup.sh run test bench
	@$(env) && python -m bench $(ARGS)

lint:
	@scripts/setup.sh run test
	@$(env) && ruff check . && ruff format --check . && mypy

wheels:
	@scripts/setup.sh run
	@$(env) && python -P scripts/check_wheels.py

docs:
	@scripts/setup.sh run docs
	@$(env) && rm -rf out/api && mkdir -p out/api/source && cp docs/api/conf.py docs/api/index.rst out/api/source && \
		python docs/api/pages.py out/api/source/rooms && \
		python -m sphinx -q -W --keep-going -b html out/api/source out/api/html && echo "out/api/html/index.html"

clean:
	rm -rf build install log out .venv
