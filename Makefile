# make portrait PHOTO=face.jpg OUT=dir   set up, then draw a photo through the ROS graph on simulated paper
# make test                              set up, then all tests
# make bench                             measure what the README claims; prints a table, writes out/bench.json
# make lint                              ruff and mypy

SHELL := /bin/bash
PHOTO ?=
OUT ?= out
ARGS ?=
PAGE ?=
TIME_BUDGET ?=
env := source scripts/env.sh
# Named, because an installed ROS 2 brings plugins of its own that do not fit this pytest.
plugins := -p xdist -p pytest_timeout -p _hypothesis_pytestplugin
# Three on two cores: tests of the graph mostly wait. In the order of test/conftest.py.
workers := -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: setup portrait test bench lint clean

setup:
	@scripts/setup.sh run loops

portrait: setup
	@$(env) && draw_portrait --out "$(OUT)" $(if $(PHOTO),--photo "$(PHOTO)") $(if $(PAGE),--page "$(PAGE)") \
		$(if $(TIME_BUDGET),--time-budget "$(TIME_BUDGET)") $(ARGS)

test:
	@scripts/setup.sh run test
	@$(env) && python -m scripts.compile_loops && PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m pytest $(plugins) $(workers) $(ARGS)

bench:
	@scripts/setup.sh run test bench
	@$(env) && python -m bench $(ARGS)

lint:
	@scripts/setup.sh run test
	@$(env) && ruff check . && ruff format --check . && mypy

clean:
	rm -rf build install log out .venv
