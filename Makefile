# make demo   a small real county on this machine: hub, one township, two villages (ARGS="--once" to play it through)
# make test   everything CI checks (ARGS="tests/casework -k fold" to choose tests)
# make soak   the repeated and random tests at length: kills, cuts, seeds (hours)
# make coverage   the tests but for the long random ones, and which lines they never reach
# make test-mutations   faults built into the product on purpose, each of which the county's play must catch
# make bench  performance figures beside their limits (ARGS="--quick", ARGS="wire memory", ARGS="--without openssl")
# make bench-weak-link   a village on 2G, 3G and a link that comes and goes, beside its peers; as root (ARGS="--quick",
#             ARGS="2g quiet --cases 10", ARGS="--jobs 6" to run six at once, ARGS="--without-peers"); five seeds
#             one after another take some three hours, the peers some three more
# make screenshots   every page of a filled county as PNG: desktop, tablet, elder view, English, into build/screenshots
#             (ARGS="village" for one place)
# make lint   style, import contracts, types
# make translations   bring the catalogues of casework/web/locale up to date with the sources (docs/translation.md)
# make lock   remake the pinned requirements (ARGS="--upgrade" for newer versions)

PYTHON := .venv/bin/python

.PHONY: demo test coverage screenshots soak test-mutations bench bench-weak-link lint translations lock clean
.DEFAULT_GOAL := demo

demo:
	@deploy/setup.sh runtime
	@$(PYTHON) -m deploy.demo $(ARGS)

test:
	@deploy/setup.sh dev
	@deploy/check.sh lint tests -- $(ARGS)

coverage:
	@deploy/setup.sh dev
	@mkdir -p .coverage
	@$(PYTHON) -m pytest -n 2 --dist loadscope --cov --cov-report=term-missing:skip-covered \
		--ignore tests/federation --ignore tests/fuzz --ignore tests/durability $(ARGS)

screenshots:
	@deploy/setup.sh dev
	@$(PYTHON) -m tests.browser.screenshots $(ARGS)

soak:
	@deploy/setup.sh dev
	@LIANBAN_SOAK=1 $(PYTHON) -m pytest -n 2 --dist loadscope tests/durability tests/federation tests/fuzz $(ARGS)

test-mutations:
	@deploy/setup.sh dev
	@$(PYTHON) -m pytest -q -rA tests/federation/test_mutations.py $(ARGS)

bench:
	@deploy/setup.sh dev
	@$(PYTHON) -m bench $(ARGS)

bench-weak-link:
	@deploy/setup.sh dev
	@$(PYTHON) -m bench.weak_link $(ARGS)

lint:
	@deploy/setup.sh dev
	@deploy/check.sh lint

translations:
	@deploy/setup.sh dev
	@deploy/translations.sh

lock:
	@deploy/lock.sh $(ARGS)

# Leaves .venv and demo-data: one takes minutes to make, the other may hold somebody's work.
clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage *.egg-info
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
