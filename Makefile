# loopkeeper: `make help` lists the targets.

PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
LIBEXECDIR ?= $(PREFIX)/libexec/loopkeeper
DATADIR    ?= $(PREFIX)/share/loopkeeper
UNITDIR    ?= $(PREFIX)/lib/systemd

CC     ?= cc
CFLAGS ?= -O2 -g
# Ours are errors; whoever packages this for a later compiler says WERROR=.
WERROR ?= -Werror
BUILD  ?= build$(if $(SANITIZE),-sanitize)

# ---- how things are compiled ----

WARN = -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wcast-qual -Wformat=2 $(WERROR)
HARDEN = -fPIE -fstack-protector-strong -fstack-clash-protection
LINK = -pie -Wl,-z,relro,-z,now -Wl,--as-needed
# Sanitizers and -O0 don't go with the library's own checks of buffers, and
# what sanitizers insert confuses the warnings.
ifneq ($(SANITIZE),)
WERROR =
CHECKS = -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -DREPORTS=\"$(abspath $(BUILD))/reports/\"
CHECKER = $(BUILD)/tests/sanitizer.o
else ifeq ($(filter -O0,$(CFLAGS)),)
CHECKS = -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif

COMPILE = $(CC) -std=c17 -D_GNU_SOURCE -Isupervisor $(WARN) $(HARDEN) \
	-DLIBEXECDIR=\"$(LIBEXECDIR)\" -DDATADIR=\"$(DATADIR)\" $(DEFINES) \
	-ffile-prefix-map=$(CURDIR)=. -MMD -MP $(CFLAGS) $(CHECKS)
# Says in a word what is done; `make V=1` the whole of it, `make -s` nothing.
SILENT := $(V)$(findstring s,$(firstword -$(MAKEFLAGS)))
SAY = @$(if $(SILENT),,echo "  $(1) $@";) mkdir -p $(@D); $(if $(V),set -x;)
LINKED = $(call SAY,link) $(CC) $(CFLAGS) $(CHECKS) $(LINK) -o $@ $^
LIBS := $(shell pkg-config --libs libconfig sqlite3 jansson \
	expat 2>/dev/null) -lbsd

FILL = sed 's,@BINDIR@,$(BINDIR),g'

# ---- what is built ----

# Floors, lowest first; each becomes an archive that only floors above link.
FLOORS = base model system conf store control git keeper
AGENTS = recorder logger monitor pm loop
PROGRAMS = $(BUILD)/bin/loopkeeper $(BUILD)/bin/loopkeeperd \
	$(AGENTS:%=$(BUILD)/bin/loopkeeper-%)
UNITS = $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/*_test.c))
BENCH = $(BUILD)/tests/bench/bare $(BUILD)/tests/bench/probe \
	$(BUILD)/tests/bench/step
HELPERS = $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/helpers/*.c))

objects = $(patsubst supervisor/%.c,$(BUILD)/%.o,$(wildcard supervisor/$(1)/*.c))
archive = $(BUILD)/lib$(1).a
# In the order in which they need each other.
LOW  = $(foreach f,control system model base,$(call archive,$f))
FULL = $(foreach f,conf store control git system model base,$(call archive,$f))

all: $(PROGRAMS)

# The supervisor proper has no library but libbsd: no SQLite, no JSON. Linked
# statically a keeper has a third of the mappings to copy at each fork, and
# fewer pages of its own: a restart takes 0.1 ms less. Not where a library is
# to be put before it: sanitizers, and tests that move its clock.
ifeq ($(SANITIZE)$(DEFINES),)
$(BUILD)/bin/loopkeeperd: LINK := $(patsubst -pie,-static-pie,$(LINK))
endif
$(BUILD)/bin/loopkeeperd: $(call objects,daemon) $(call objects,keeper) \
    $(CHECKER) $(LOW)
	$(LINKED) -lbsd -lmd

# Small, for it is always there: no library either.
$(BUILD)/bin/loopkeeper-logger: $(call objects,agents/logger) $(CHECKER) $(LOW)
	$(LINKED) -lbsd

$(BUILD)/bin/loopkeeper: $(call objects,cli) $(CHECKER) $(FULL)
	$(LINKED) $(LIBS)

define agent
$(BUILD)/bin/loopkeeper-$(1): $(call objects,agents/$(1)) \
    $(call objects,agents/common) $(CHECKER) $(FULL)
	$$(LINKED) $$(LIBS)
endef
$(foreach a,$(filter-out logger,$(AGENTS)),$(eval $(call agent,$a)))

define floor
$(call archive,$(1)): $(call objects,$(1))
	$$(call SAY,ar  ) rm -f $$@; $(AR) rcs $$@ $$^
endef
$(foreach f,$(FLOORS),$(eval $(call floor,$f)))

$(UNITS): $(BUILD)/tests/%: $(BUILD)/tests/%.o $(CHECKER) \
    $(BUILD)/tests/libunit.a $(call archive,keeper) $(FULL)
	$(LINKED) -lcmocka $(LIBS)

# Hooks as a loop makes them, without one.
$(BUILD)/tests/helpers/git-hooks: $(BUILD)/agents/loop/hooks.o \
    $(BUILD)/agents/loop/git_program.o $(FULL)

# What unit tests share, and what they test of an agent or a command.
$(BUILD)/tests/libunit.a: $(patsubst %.c,$(BUILD)/%.o,\
    $(filter-out %_test.c,$(wildcard tests/unit/*.c))) \
    $(patsubst %,$(BUILD)/agents/loop/%.o,fingerprint git_program hooks \
    limit_end output output_line worker) \
    $(patsubst %,$(BUILD)/agents/monitor/%.o,bisect changed) \
    $(patsubst %,$(BUILD)/cli/junit_%.o,case detail report spread verify)
	$(call SAY,ar  ) rm -f $@; $(AR) rcs $@ $^

$(HELPERS): $(BUILD)/tests/%: $(BUILD)/tests/%.o
	$(LINKED) -lbsd -lsystemd

$(BENCH): $(BUILD)/tests/%: tests/%.c $(BUILD)/flags
	$(call SAY,cc  ) $(filter-out $(HARDEN),$(COMPILE)) -static -o $@ $<

$(BUILD)/tests/bench/claims: $(BUILD)/tests/bench/claims.o $(FULL)
	$(LINKED) $(LIBS)

# Only `tests/fuzz/run` builds these, with clang.
$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(FULL)
	$(LINKED) -fsanitize=fuzzer $(LIBS)

$(BUILD)/%.o: supervisor/%.c $(BUILD)/flags | needs
	$(call SAY,cc  ) $(COMPILE) -c -o $@ $<

$(BUILD)/tests/%.o: tests/%.c $(BUILD)/flags | needs
	$(call SAY,cc  ) $(COMPILE) -c -o $@ $<

# Rewritten when the command to compile changes: everything is built anew.
$(BUILD)/flags: always
	@mkdir -p $(@D)
	@echo '$(COMPILE)' | cmp -s - $@ || echo '$(COMPILE)' > $@

needs:
	@config/deps --check build

# All of it, on all processors unless told otherwise.
BUILD_ALL = $(MAKE) --no-print-directory \
	$(if $(findstring j,$(MAKEFLAGS)),,-j$(shell nproc)) all

# ---- what one does with it ----

## make             builds all programs into build/bin
help:
	@sed -n 's/^## //p' Makefile

## make run         builds and starts the example fleet; Ctrl-C stops it
run:
	config/deps build
	$(BUILD_ALL)
	examples/three-loops/setup
	$(BUILD)/bin/loopkeeper -c config/loopkeeper.conf import \
	    examples/three-loops/tests.json
	$(BUILD)/bin/loopkeeper -c config/loopkeeper.conf up

## make test        builds and runs every test; TEST=death runs those whose
##                  path says so; SANITIZE=1 runs them under ASan and UBSan
test:
	config/deps build test
	$(BUILD_ALL) tests
	@BUILD=$(BUILD) SANITIZE=$(SANITIZE) tests/run $(TEST)

# All that `make test` runs. The programs in points/ can be told to wait, or
# not to (base/point.h).
tests: $(UNITS) $(HELPERS)
	+$(BUILD_ALL) BUILD=$(BUILD)/points DEFINES=-DLOOPKEEPER_TEST

## make lint        floors, headers, analysers, format, scripts
lint:
	tests/lint/run

## make fuzz        runs each fuzz target for FUZZ_SECONDS (60)
fuzz:
	tests/fuzz/run

## make bench       measures beside s6, runit and others, what a loop adds to
##                  its tests, and how long it takes to look at a large
##                  database; BENCH_QUICK=1, BENCH_ONLY=loop or =reading
bench: all $(BENCH) $(BUILD)/tests/bench/claims
	BUILD=$(BUILD) tests/bench/run
	BUILD=$(BUILD) tests/bench/loop
	BUILD=$(BUILD) tests/bench/reading

## make deps        installs what building and testing need and isn't there
deps:
	config/deps build test

## make deps-dev    the same for lint, fuzz and bench
deps-dev:
	config/deps build test dev bench

## make install     into DESTDIR, PREFIX (/usr/local)
install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBEXECDIR) \
	    $(DESTDIR)$(UNITDIR)/system $(DESTDIR)$(UNITDIR)/user \
	    $(DESTDIR)$(DATADIR)
	install $(BUILD)/bin/loopkeeper $(DESTDIR)$(BINDIR)
	install $(filter-out %/loopkeeper,$(PROGRAMS)) $(DESTDIR)$(LIBEXECDIR)
	ln -sf $(BINDIR)/loopkeeper $(DESTDIR)$(LIBEXECDIR)/loopkeeper
	cp -R config/loopkeeper.conf config/prompt.txt config/workers \
	    $(wildcard hooks) examples $(DESTDIR)$(DATADIR)
	rm -rf $(DESTDIR)$(DATADIR)/examples/*/state \
	    $(DESTDIR)$(DATADIR)/examples/*/work
	$(FILL) config/init/loopkeeper.service \
	    > $(DESTDIR)$(UNITDIR)/system/loopkeeper.service
	$(FILL) config/init/loopkeeper-user.service \
	    > $(DESTDIR)$(UNITDIR)/user/loopkeeper.service
	$(FILL) config/init/loopkeeper.init > $(DESTDIR)$(DATADIR)/loopkeeper.init
	chmod 755 $(DESTDIR)$(DATADIR)/loopkeeper.init

## make clean       removes what was built
clean:
	rm -rf build build-*

always:
.PHONY: all always bench clean deps deps-dev fuzz help install \
	lint needs run test tests
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
