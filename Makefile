# loopkeeper. `make help` lists the targets.
CC ?= cc
CFLAGS ?= -O2 -g
BUILD ?= build
PREFIX ?= /usr/local
WARN = -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wcast-qual -Wformat=2 -Werror
HARDEN = -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2
LINK = -pie -Wl,-z,relro,-z,now -Wl,--as-needed

ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -Isupervisor $(WARN) $(HARDEN) \
	-ffile-prefix-map=$(CURDIR)=. -MMD -MP $(CFLAGS)

# Floors, lowest first; each becomes an archive that only floors above link.
FLOORS = base model system conf store control
AGENTS = recorder logger monitor pm loop

objects = $(patsubst supervisor/%.c,$(BUILD)/%.o,$(wildcard supervisor/$(1)/*.c))
archive = $(BUILD)/lib$(1).a
LOW = $(foreach f,control system model base,$(call archive,$f))
FULL = $(foreach f,conf store control system model base,$(call archive,$f))
LIBS = $(shell pkg-config --libs libconfig sqlite3 jansson) -lbsd
PROGRAMS = $(BUILD)/bin/loopkeeper $(BUILD)/bin/loopkeeperd \
	$(AGENTS:%=$(BUILD)/bin/loopkeeper-%)

all: $(PROGRAMS)

define floor
$(call archive,$(1)): $(call objects,$(1))
	@rm -f $$@
	$(AR) rcs $$@ $$^
endef
$(foreach f,$(FLOORS),$(eval $(call floor,$f)))

$(BUILD)/bin/loopkeeperd: $(call objects,daemon) $(call objects,keeper) $(LOW)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LINK) -o $@ $^ -lbsd

$(BUILD)/bin/loopkeeper: $(call objects,cli) $(FULL)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LINK) -o $@ $^ $(LIBS)

define agent
$(BUILD)/bin/loopkeeper-$(1): $(call objects,agents/$(1)) \
    $(call objects,agents/common) $(FULL)
	@mkdir -p $$(@D)
	$(CC) $(CFLAGS) $(LINK) -o $$@ $$^ $(LIBS)
endef
$(foreach a,$(AGENTS),$(eval $(call agent,$a)))

$(BUILD)/%.o: supervisor/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

clean:
	rm -rf build build-*

.PHONY: all clean
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
