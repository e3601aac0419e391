# The commands that README.md and Docs mention, and their dependencies.

PACKAGES := libopenblas-dev liblapacke-dev libpng-dev libturbojpeg0-dev libwebp-dev liblcms2-dev zlib1g-dev
SWIFT ?= swift
PYTHON ?= python3
DEMO ?= nti-demo
# Kernels are optimized in debug builds too; without this, tests take 50 % longer.
DEBUG := -Xcc -O2
CODE := Package.swift $(wildcard Sources Tests Examples Benchmarks Documentation)

.PHONY: demo test install uninstall test-release test-tsan test-asan soak fuzz check-faults check-aarch64 verify-full-size verify-checkpoints benchmark benchmark-layers \
  docs check-docs dependencies format lint clean

demo: dependencies
	$(SWIFT) build -c release --product nti
	$$($(SWIFT) build -c release --show-bin-path)/nti demo -o $(DEMO)

test: dependencies
	$(SWIFT) test $(DEBUG)

# Installs the program, its model, its shell completions and its manual in the system's folders. The program does not
# need the Swift toolchain. Use PREFIX=$HOME/.local for one user; DESTDIR is for packagers.
PREFIX ?= /usr/local
INSTALLED := bin/nti share/nti share/man/man1/nti.1 share/bash-completion/completions/nti \
  share/zsh/site-functions/_nti share/fish/vendor_completions.d/nti.fish
STATIC := -c release --static-swift-stdlib --scratch-path .build-install

install: dependencies
	$(SWIFT) package --scratch-path .build-install --allow-writing-to-package-directory generate-manual
	$(SWIFT) build $(STATIC) --product nti
	@set -e; nti=$$($(SWIFT) build $(STATIC) --show-bin-path)/nti; root="$(DESTDIR)$(PREFIX)"; \
	put() { install -D -m $$1 "$$2" "$$root/$$3" && echo "$$root/$$3"; }; \
	put 755 "$$nti" bin/nti; \
	rm -rf "$$root/share/nti"; install -d "$$root/share/nti"; \
	for module in EmojiScenes CLIPVocabulary; do cp -R Sources/$$module/Resources "$$root/share/nti/$$module"; done; echo "$$root/share/nti"; \
	put 644 .build-install/plugins/GenerateManual/outputs/nti/nti.1 share/man/man1/nti.1; \
	script=$$(mktemp); trap 'rm -f "$$script"' EXIT; \
	"$$nti" --generate-completion-script bash > "$$script"; put 644 "$$script" share/bash-completion/completions/nti; \
	"$$nti" --generate-completion-script zsh > "$$script"; put 644 "$$script" share/zsh/site-functions/_nti; \
	"$$nti" --generate-completion-script fish > "$$script"; put 644 "$$script" share/fish/vendor_completions.d/nti.fish

uninstall:
	cd "$(DESTDIR)$(PREFIX)" && rm -rf $(INSTALLED)

test-release: dependencies
	$(SWIFT) test -c release

# Runs the tests with a sanitizer; FILTER='TensorTests' selects tests. Leak detection is off, because Swift's runtime
# keeps objects permanently.
test-tsan: dependencies
	TSAN_OPTIONS=exitcode=66 \
	  $(SWIFT) test $(DEBUG) --sanitize=thread --scratch-path .build-tsan $(if $(FILTER),--filter '$(FILTER)')

test-asan: dependencies
	ASAN_OPTIONS=detect_leaks=0 \
	  $(SWIFT) test $(DEBUG) --sanitize=address --scratch-path .build-asan $(if $(FILTER),--filter '$(FILTER)')

# Runs EDITS edits in one process and checks its memory.
EDITS ?= 2000
soak: dependencies
	SOAK_EDITS=$(EDITS) $(SWIFT) test -c release --filter SoakTests

# Fuzzes the file readers, starting from valid files. READER=picture selects one of them.
SECONDS ?= 60
fuzz: dependencies
	Tools/fuzz.sh $(SECONDS) $(READER)

# Makes each system call of the commands fail, one at a time, and kills the commands at random moments.
KILLS ?= 20
check-faults: dependencies
	$(SWIFT) build -c release --product nti
	$(PYTHON) Tools/check_faults.py --nti "$$($(SWIFT) build -c release --show-bin-path)/nti" --kills $(KILLS)

# Compares the networks with PyTorch at the size of Stable Diffusion 1 (needs Tools/requirements.txt).
# VERIFY='--cache DIR' keeps PyTorch's results and the checkpoints for the next call.
verify-full-size: dependencies
	$(SWIFT) build -c release --product nti
	$(PYTHON) Tools/verify_full_size.py --nti "$$($(SWIFT) build -c release --show-bin-path)/nti" $(VERIFY)

# Compares small checkpoints of every variant and naming, and LoRAs, with diffusers (needs Tools/requirements.txt).
verify-checkpoints: dependencies
	$(SWIFT) build -c release --product nti
	$(PYTHON) Tools/verify_checkpoints.py --nti "$$($(SWIFT) build -c release --show-bin-path)/nti"

# Measures the networks and the demo's recipe in this and in other programs, alternately (Benchmarks/README.md).
# BENCHMARK='--model DIR …' passes options.
benchmark: dependencies
	$(SWIFT) build -c release --product nti
	$(PYTHON) Benchmarks/compare_networks.py --nti "$$($(SWIFT) build -c release --show-bin-path)/nti" $(BENCHMARK)
	PATH="$$($(SWIFT) build -c release --show-bin-path):$$PATH" PYTHON="$(PYTHON)" Benchmarks/demo_recipe.sh

# Measures the layers of the UNet and cblas_sgemm. FILTER='Linear.*' selects layers.
benchmark-layers: dependencies
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(SWIFT) package -c release --package-path Benchmarks benchmark \
	  --filter '$(or $(FILTER),.*)'

# Installs only missing packages, so that a second call needs neither network nor privileges.
dependencies:
	@missing=""; for name in openblas lapacke libpng libturbojpeg libwebp lcms2 zlib; do \
	  pkg-config --exists $$name 2>/dev/null || missing="$$missing $$name"; done; \
	if [ -n "$$missing" ]; then echo "Installing system packages for:$$missing"; \
	  sudo=$$(test "$$(id -u)" = 0 || echo sudo); \
	  $$sudo apt-get update && $$sudo apt-get install -y pkg-config $(PACKAGES); fi

# Builds the DocC documentation of all products as a website; warnings are errors. To read it:
# python3 -m http.server -d Documentation/.build/site, then http://localhost:8000/documentation.
DOCUMENTED := Tensor Pictures DiffusionCore NullTextInversion EditEvaluation EmojiScenes

docs: dependencies
	@mkdir -p Documentation/.build
	$(SWIFT) package --package-path Documentation --allow-writing-to-directory Documentation/.build \
	  generate-documentation --enable-experimental-combined-documentation --warnings-as-errors \
	  --output-path Documentation/.build/site $(addprefix --target ,$(DOCUMENTED))

# Checks that the Swift code of pages and documentation comments compiles and runs, that links lead somewhere, and that versions agree.
check-docs: dependencies
	$(SWIFT) test --package-path Documentation
	$(SWIFT) run -c release --package-path Documentation PageSnippets

# Tests the kernels for aarch64 processors: cross-compiled with Swift's clang and run in an emulator.
KERNELS := Sources/CTensorKernels
CROSS := aarch64-linux-gnu

check-aarch64:
	@which qemu-aarch64 $(CROSS)-ld > /dev/null || { \
	  sudo=$$(test "$$(id -u)" = 0 || echo sudo); \
	  $$sudo apt-get update && $$sudo apt-get install -y --no-install-recommends \
	    gcc-$(CROSS) libc6-dev-arm64-cross qemu-user; }
	@mkdir -p .build
	clang --target=$(CROSS) --gcc-toolchain=/usr --ld-path=$$(which $(CROSS)-ld) -static -O3 -Wall -Wextra -Werror \
	  -I$(KERNELS)/include $(KERNELS)/*.c Tools/check_kernels.c -lm -o .build/check-aarch64
	qemu-aarch64 .build/check-aarch64

format:
	$(SWIFT) format --in-place --recursive $(CODE)

lint:
	$(SWIFT) format lint --strict --recursive $(CODE)

clean:
	rm -rf .build .build-tsan .build-asan .build-install Examples/.build Examples/EditServer/.build Benchmarks/.build Documentation/.build nti-demo
