# make demo   a small real county on this machine: hub, one township, two villages (ARGS="--once" to play it through)
# make test   everything CI checks (ARGS="tests/casework -k fold" to choose tests)
# make bench  performance figures beside a peer or a limit measured in the same run (ARGS=--quick for small ones)
# make lint   style, import contracts, types
# make lock   remake the pinned requirements (ARGS="--upgrade" for newer versions)

PYTHON := .venv/bin/python

.PHONY: demo test bench lint lock clean
.DEFAULT_GOAL := demo

demo:
	@deploy/setup.sh runtime
	@$(PYTHON) -m deploy.demo $(ARGS)

test:
	@deploy/setup.sh dev
	@deploy/check.sh lint tests -- $(ARGS)

# Each runs to its end, whatever the others say; one that missed its figure fails the whole.
BENCHES := intake

bench:
	@deploy/setup.sh runtime
	@failed=; for name in $(BENCHES); do \
	    printf '\n==> %s\n' "$$name"; $(PYTHON) -m "bench.$$name" $(ARGS) || failed="$$failed $$name"; \
	done; if [ -n "$$failed" ]; then echo "missed:$$failed" >&2; exit 1; fi

lint:
	@deploy/setup.sh dev
	@deploy/check.sh lint

lock:
	@deploy/lock.sh $(ARGS)

# Leaves .venv and demo-data: one takes minutes to make, the other may hold somebody's work.
clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage *.egg-info
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
