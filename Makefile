# The two commands of the README, and what they need.

PACKAGES := libopenblas-dev liblapacke-dev libpng-dev libturbojpeg0-dev
SWIFT ?= swift
DEMO ?= nti-demo
CODE := Package.swift $(wildcard Sources Tests Examples Benchmarks)

.PHONY: demo test test-release dependencies format lint clean

demo: dependencies
	$(SWIFT) build -c release --product nti
	$$($(SWIFT) build -c release --show-bin-path)/nti demo -o $(DEMO)

test: dependencies
	$(SWIFT) test

test-release: dependencies
	$(SWIFT) test -c release

# Installs only what is missing, so that a second call needs neither network nor rights.
dependencies:
	@missing=""; for name in openblas lapacke libpng libturbojpeg; do \
	  pkg-config --exists $$name 2>/dev/null || missing="$$missing $$name"; done; \
	if [ -n "$$missing" ]; then echo "Installing system packages for:$$missing"; \
	  sudo=$$(test "$$(id -u)" = 0 || echo sudo); \
	  $$sudo apt-get update && $$sudo apt-get install -y pkg-config $(PACKAGES); fi

format:
	$(SWIFT) format --in-place --recursive $(CODE)

lint:
	$(SWIFT) format lint --strict --recursive $(CODE)

clean:
	rm -rf .build Examples/.build nti-demo
