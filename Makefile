# Every target installs what it needs. `make` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
MAKEFLAGS += --no-print-directory

# Arguments: make hosts INVENTORY=path, make binaries KUBERNETES=1.36.4 ETCD=3.6.16, make molecule SCENARIO=default
INVENTORY ?= inventories/lab
KUBERNETES ?=
ETCD ?=
SCENARIO ?=
# Further arguments for ansible-playbook, pytest or ansible-test, whichever the target runs.
ARGS ?=

VENV ?= .venv
# Real interpreters before any shim, so that ansible-test and Molecule find the ones they ask for.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
LAB := $(VENV)/bin/python -m lab

# The versions of etcd that the integration tests run; Kubernetes' own is built with it.
TESTED_ETCD := 3.7.3 3.6.16

# What the scenarios of upgrades begin with.
UPGRADED := 1.36.4

# One scenario a verb. LONG ones are part of test-all only.
LONG := members_moved one_master upgrade upgrade_failure
SCENARIOS := $(patsubst molecule/%/molecule.yml,%,$(wildcard molecule/*/molecule.yml))
CORE := $(filter-out $(LONG),$(SCENARIOS))

##@ A cluster on this machine

.PHONY: cluster
cluster: setup binaries ## build a cluster in containers from INVENTORY (default inventories/lab)
	$(LAB) hosts --inventory "$(INVENTORY)"
	ansible-playbook -i "$(INVENTORY)" site.yml $(ARGS)
	lab/welcome.sh "$(INVENTORY)"

.PHONY: destroy
destroy: venv ## remove all containers of the lab, and what was written beside its inventories and INVENTORY
	$(LAB) destroy
	lab/clean.sh inventories/lab molecule/*/inventory "$(INVENTORY)"

.PHONY: hosts
hosts: setup ## make fresh containers for the hosts of INVENTORY
	$(LAB) hosts --inventory "$(INVENTORY)" --fresh

.PHONY: binaries
binaries: setup ## fill the cache with the binaries of KUBERNETES= and ETCD= (default: those of the lab)
	$(LAB) binaries $(if $(KUBERNETES),--kubernetes $(KUBERNETES)) $(if $(ETCD),--etcd $(ETCD))

.PHONY: kubeconfig
kubeconfig: ## print the path of the admin kubeconfig of INVENTORY (with make -s)
	@path=$$(realpath -m "$(INVENTORY)")/admin.kubeconfig
	if [ ! -e "$$path" ]; then
	    echo "There is no $$path yet: run make cluster first." >&2
	    exit 1
	fi
	echo "$$path"

##@ Tests

.PHONY: test
test: venv ## everything below, with the core scenarios of Molecule, without what is marked as long
	@QUORATE_TEST_SHORT=yes tests/gate/all.sh $(CORE)

.PHONY: test-all
test-all: venv ## the same with the longest scenarios and tests too
	@tests/gate/all.sh $(SCENARIOS)

.PHONY: lint
lint: venv ## style and types: ruff, mypy, yamllint, ansible-lint, changelog, documentation
	@tests/gate/lint.sh

.PHONY: unit
unit: venv ## decisions, in seconds
	@pytest tests/unit --numprocesses 2 $(ARGS)

.PHONY: sanity
sanity: venv ## ansible-test sanity
	@tests/gate/ansible_test.sh sanity --venv $(ARGS)

.PHONY: importer
importer: collection ## check the built collection as Galaxy and Automation Hub do
	@tests/gate/importer.sh

.PHONY: tested-binaries
tested-binaries: setup ## the binaries that the tests run
	@$(LAB) binaries --etcd $(TESTED_ETCD)

.PHONY: host-image
host-image: setup ## the image of the hosts
	@$(LAB) image

.PHONY: integrated-binaries
integrated-binaries: setup ## those of them that the integration tests run
	@$(LAB) binaries --only etcd kubernetes --etcd $(TESTED_ETCD)

.PHONY: integration
integration: integrated-binaries ## modules against real programs
	@tests/gate/integration.sh $(ARGS)

.PHONY: molecule
molecule: setup tested-binaries ## clusters made by the shipped playbooks: SCENARIO=name, or all core ones
	@$(if $(findstring upgrade,$(or $(SCENARIO),$(CORE))),$(LAB) binaries --kubernetes $(UPGRADED))
	tests/gate/molecule.sh $(or $(SCENARIO),$(CORE))

.PHONY: bench
bench: venv ## measure the running cluster of INVENTORY against ansible -m ping
	@python -m tests.bench --inventory "$(INVENTORY)" $(ARGS)

##@ Development

.PHONY: venv
venv: ## the pinned environment in .venv (PYTHON=path chooses the interpreter)
	@tests/gate/venv.sh "$(VENV)" requirements-dev.txt

.PHONY: setup
setup: venv ## the system packages that the lab needs
	@$(LAB) setup

.PHONY: format
format: venv ## let ruff put the Python code into shape
	ruff check --fix-only --quiet .
	ruff format .

.PHONY: docs
docs: venv ## write the variables of each role into its page
	python -m tests.gate.pages

.PHONY: collection
collection: venv ## build the collection into dist/
	@rm -rf dist
	ansible-galaxy collection build --output-path dist

.PHONY: clean
clean: ## remove environments, caches and results of this checkout
	rm -rf $(VENV) .cache dist .ansible .mypy_cache .pytest_cache .ruff_cache tests/output

.PHONY: help
help: ## this list
	@echo "usage: make TARGET [NAME=value ...]"
	awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-19s %s\n", $$1, $$2}' Makefile
