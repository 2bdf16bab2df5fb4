# Every target prepares what it needs: `scripts/setup_venv.py` keeps `.venv` at the versions in
# constraints.txt. Written for GNU make 3.81, which macOS ships.
#
## Variables:
##   SUBMISSION=PATH   what to grade, train or submit (default: starter)
##   ARGS="..."        further options for the grader, train.py or pytest
##   TORCH=cpu         install PyTorch without CUDA, several GB less on Linux (remembered)
##   PYTHON=python3.12 the Python to build .venv with (default: the first that fits)

.DEFAULT_GOAL := help
SUBMISSION ?= starter
export PYTHON TORCH

quote = '$(subst ','\'',$(1))'
python := .venv/bin/python

# Any Python can start the script: it finds a supported one by itself. The environment's own comes
# first, because launchers such as pyenv's take longer to start than the whole check.
boots := $(if $(PYTHON),$(call quote,$(PYTHON)),$(python) python3 python3.13 python3.12 python3.11 python)
define setup
@for boot in $(boots); do \
	if command -v "$$boot" >/dev/null 2>&1; then exec "$$boot" -S -E scripts/setup_venv.py $(1); fi; \
done; \
echo 'error: no Python found'$(if $(PYTHON),' at `PYTHON='$(call quote,$(PYTHON))'`') >&2; \
echo 'hint: install Python 3.11, 3.12 or 3.13 from https://www.python.org/downloads/' >&2; \
exit 1
endef

.PHONY: help grade check watch train submit clean setup

help: ## list the targets (this text)
	@awk '/^## /   { print substr($$0, 4) } \
	      /^[a-z-]+:.* ## / { split($$0, a, " ## "); sub(/:.*/, ""); targets = targets sprintf("  make %-9s %s\n", $$0, a[2]) } \
	      END { printf "\nTargets:\n%s", targets }' $(MAKEFILE_LIST)

grade: setup ## grade SUBMISSION: the checks, then the CartPole run
	@$(python) -m grader grade $(call quote,$(SUBMISSION)) $(ARGS)

check: setup ## grade SUBMISSION without the CartPole run
	@$(python) -m grader grade --no-solve $(call quote,$(SUBMISSION)) $(ARGS)

watch: setup ## check what you save in SUBMISSION, part by part, until Ctrl-C
	@$(python) -m grader watch $(call quote,$(SUBMISSION)) $(ARGS)

train: setup ## run SUBMISSION's own train.py
	@$(python) $(call quote,$(SUBMISSION)/train.py) $(ARGS)

submit: setup ## pack SUBMISSION for handing in
	@$(python) -m grader.release.submit $(call quote,$(SUBMISSION)) $(ARGS)

clean: ## remove .venv and all caches
	rm -rf .venv .venv.discarded build *.egg-info
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name .git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

setup:
	$(call setup,runtime)

# The course staff's copy has further targets, and tests of its own; a student's has the check run.
ifneq ($(wildcard staff.mk),)
include staff.mk
else
.PHONY: test
test: check
endif
