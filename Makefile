# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
.DEFAULT_GOAL := help
.PHONY: help environment demo test unit embedded integration modules story molecule browser report bench chaos chaos-mutants privileges simulate prowler docs lint changelog sanity build matrix aws package clean
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHONDONTWRITEBYTECODE := 1
PYTEST := .venv/bin/python -m pytest
PORT ?= 4566

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

environment: ## make .venv (tools) and .venv-lambda (what a Lambda holds)
	@scripts/bootstrap

demo: environment ## the whole story: an old fleet, deploy, rotate, grace over, 85 days later
	@.venv/bin/python -m demo

test: unit embedded integration modules story molecule ## every test: unit, embedded AWS, modules, the story, molecule

unit: environment ## the pure packages, against tables
	$(PYTEST) tests/unit

embedded: environment ## the embedded AWS: does it keep AWS's promises, does it notice broken functions
	$(PYTEST) tests/sandbox

integration: environment ## each module as ansible-test runs it on the built collection, against the embedded AWS
	@.venv/bin/python -m release.integration

modules: environment ## what a playbook cannot see of the modules: their calls, their pace, old lists
	$(PYTEST) -n 2 --dist loadfile tests/modules

story: environment ## the playbooks, end to end
	$(PYTEST) -n 4 --dist loadfile tests/story

molecule: environment ## the scenarios in extensions/molecule
	cd extensions && ../.venv/bin/molecule test --all

browser: environment docs ## the report and the built site in headless Chromium (Debian: apt-get install chromium)
	$(PYTEST) tests/browser

report: environment ## reports of made-up fleets of 5 and 1,000 service accounts, with the times, into build/report
	@.venv/bin/python scripts/report --examples build/report

bench: environment ## what a fleet costs: N = 20 to 1,000 secrets, quotas, 10,000 hosts, against loops and bare scripts
	@.venv/bin/python -m bench

chaos: environment ## every crash point and fault through the real zip, every interleaving, random histories
	.venv/bin/python -m chaos.interleave
	.venv/bin/python -m chaos.histories --examples 1000
	.venv/bin/python -m chaos.embedded

chaos-mutants: environment ## each guard of the life cycle taken away: which sweep notices
	.venv/bin/python -m chaos.mutants

privileges: environment ## each right of the deployed roles taken away: what fails without it
	.venv/bin/python -m chaos.privileges

simulate: environment ## 10,000 service accounts over 5 years on the real code: keys past their promise, outages
	.venv/bin/python -m chaos.simulate

prowler: ## the real Prowler, in an environment of its own (2.3 GB): the old fleet, then the same fleet deployed
	@scripts/bootstrap prowler
	@.venv/bin/python -m judge

docs: ## the site, in an environment of its own (160 MB): build/docs/html/index.html
	@scripts/bootstrap docs
	@.venv/bin/python scripts/docs

lint: environment ## ruff, mypy --strict, yamllint, ansible-lint at the production profile, IAM policies, changelog, workflows
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy plugins/module_utils sandbox demo chaos judge bench release
	.venv/bin/yamllint --strict .
	.venv/bin/ansible-lint --offline --profile production
	.venv/bin/python -m chaos.policy_lint
	.venv/bin/antsibull-changelog lint
	.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/ci.yml .github/workflows/long.yml
	.venv/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	.venv/bin/zizmor --offline --quiet .github

sanity: environment ## ansible-test sanity on the collection as it is built, nothing ignored
	@.venv/bin/python -m release.sanity

changelog: environment ## CHANGELOG.md from changelogs/fragments, for the version of galaxy.yml
	.venv/bin/antsibull-changelog release --reload-plugins --refresh-plugins prevent-removal \
		--refresh-fragments without-archives --update-existing

build: environment ## the artefact for Galaxy: checked, imported, installed into an empty folder, deployed from there (1 min)
	@scripts/bootstrap galaxy
	@.venv/bin/python -m release

matrix: environment ## the oldest and the newest ansible-core, Python, boto3 and Lambda runtime, each in an environment of its own
	@.venv/bin/python scripts/matrix

aws: environment ## the embedded AWS alone, on 127.0.0.1 (PORT=4566)
	@exec .venv/bin/python -m sandbox --port $(PORT)

package: environment ## build/rotation.zip, the same bytes each time
	@.venv/bin/python scripts/package

clean: ## remove what the targets above made
	rm -rf .venv .venv-lambda .venv-prowler .venv-docs .venv-galaxy build .cache .mypy_cache .pytest_cache .ruff_cache .ansible collections
