# Targets of the course staff: included by the Makefile where this file is, in no student's copy.

.PHONY: starter release docs pictures test validity hostile fuzz mutants bench lint setup-dev

starter: setup ## write starter/ anew from solution/
	@$(python) -m grader.release.starter $(ARGS)

release: setup ## make dist/: what is handed out
	@$(python) -m grader.release $(ARGS)

docs: setup ## write docs/reference/ anew from the code
	@$(python) -m grader.documenting

pictures: setup ## make docs/pictures/ anew from real runs
	@$(python) -m grader.documenting.pictures

test: setup-dev ## run the linters and the tests
	@status=0; $(MAKE) --no-print-directory lint || status=$$?; \
	$(python) -m pytest --numprocesses 2 --dist loadfile $(ARGS) || status=$$?; exit $$status

validity: setup-dev ## grade the corpus of right and wrong submissions, write docs/validity.md
	@$(python) -m tests.validity $(ARGS)

hostile: setup-dev ## try the corpus of hostile submissions in every isolation tier
	@$(python) -m tests.hostile $(ARGS)

fuzz: setup-dev ## put a million damaged frames, and untrue replies, before the judge
	@$(python) -m tests.fuzz $(ARGS)

mutants: setup-dev ## mutation-test the oracle and the comparison code
	@$(python) -m tests.mutation $(ARGS)

bench: setup-dev ## measure the grader's speed
	@$(python) -m tests.bench $(ARGS)

lint: setup-dev ## run ruff, mypy and import-linter
	$(python) -m ruff check
	$(python) -m ruff format --check
	$(python) -m mypy
	$(python) .venv/bin/lint-imports --no-logo

setup-dev:
	$(call setup,dev)
