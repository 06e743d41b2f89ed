# pertpipe. `make`, `make test`, `make demo`, `make install`; see README.md.
# SAN=1 (address and undefined behaviour), COV=1 (gcov) and FUZZ=1 (libFuzzer, clang) build beside, in build-*.

PREFIX ?= /usr/local
DESTDIR ?=
BINDIR = $(DESTDIR)$(PREFIX)/bin
LIBEXECDIR = $(DESTDIR)$(PREFIX)/libexec/pertpipe
# Debian's is lib/$(DEB_HOST_MULTIARCH).
LIB ?= lib
LIBDIR = $(DESTDIR)$(PREFIX)/$(LIB)
INCLUDEDIR = $(DESTDIR)$(PREFIX)/include
MANDIR = $(DESTDIR)$(PREFIX)/share/man
DATADIR = $(DESTDIR)$(PREFIX)/share
LINKS ?= yes

CC ?= cc
PKG_CONFIG ?= pkg-config
OBJCOPY ?= objcopy
CFLAGS ?= -O2 -g
BUILD ?= build$(if $(SAN),-san)$(if $(COV),-cov)$(if $(FUZZ),-fuzz)

ifdef FUZZ
CC = clang
endif

PACKAGES = hdf5 libzstd zlib yaml-0.1 jansson openblas lapacke
WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-psabi -Wno-pass-failed -Werror
# Asked once, and only when something is compiled: `make demo` runs before the packages are there.
PACKAGE_CFLAGS = $(eval PACKAGE_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES)))$(PACKAGE_CFLAGS)
PACKAGE_LIBS = $(eval PACKAGE_LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES)))$(PACKAGE_LIBS)
FLAGS = -std=c11 -D_GNU_SOURCE -fopenmp -ftree-vectorize -fno-math-errno $(WARN) -Iinclude -Icommon $(PACKAGE_CFLAGS) $(EXTRA)
LIBS = -Wl,--as-needed $(PACKAGE_LIBS) -lm
EXTRA = $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer) \
	$(if $(COV),--coverage -O0) $(if $(FUZZ),-fsanitize=fuzzer-no-link$(comma)address$(comma)undefined -fno-sanitize-recover=undefined)
comma = ,

SOURCES = $(wildcard common/*/*.c)
OBJECTS = $(SOURCES:%.c=$(BUILD)/%.o)
TOOLS = $(filter-out TEMPLATE,$(notdir $(basename $(wildcard tools/*.c))))
BIN = $(TOOLS:%=$(BUILD)/bin/%)
UNITS = $(patsubst tests/common/%.c,$(BUILD)/tests/%,$(wildcard tests/common/*/test_*.c))
HELPERS = $(patsubst tests/helpers/%.c,$(BUILD)/helpers/%,$(wildcard tests/helpers/*.c))
FUZZERS = $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
# How long `make fuzz FUZZ=1` runs each of them.
SECONDS = 60
PAGES = $(TOOLS:%=man/man1/%.1)
# libpertpipe, for programs that read and write PMX: include/pertpipe/pmx.h and nothing else is visible.
VERSION = $(eval VERSION := $(shell sed -n 's/^.define PERTPIPE_VERSION "\(.*\)"/\1/p' common/cli/cli.h))$(VERSION)
SONAME = libpertpipe.so.$(firstword $(subst ., ,$(VERSION)))
LIBRARY_OBJECTS = $(patsubst %.c,$(BUILD)/pic/%.o,$(wildcard common/base/*.c common/stream/*.c))
LIBRARY = $(BUILD)/lib/libpertpipe.a $(BUILD)/lib/libpertpipe.so

say = $(if $(V),,@echo "  $(1) $@";)

.PHONY: all library test units demo bench check-layers check-man man lint install uninstall clean deps fuzz
.DELETE_ON_ERROR:
all: $(BIN)

library: $(LIBRARY)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,cc)$(CC) $(CPPFLAGS) $(CFLAGS) $(FLAGS) -MMD -MP -c -o $@ $<

# Where AVX-512 is there, compilers look values up one by one unless they are told that the CPU gathers them fast.
ifneq ($(filter x86_64-%,$(shell $(CC) -dumpmachine)),)
$(BUILD)/common/connect/setscore.o: FLAGS += -mtune=haswell
endif

# Script and styles of the report, as bytes of a C array.
EMBEDDED = $(addprefix $(BUILD)/embedded/,$(addsuffix .h,$(notdir $(wildcard common/report/*.js common/report/*.css))))
$(BUILD)/embedded/%.h: common/report/%
	@mkdir -p $(@D)
	$(call say,od)od -An -v -tu1 $< | sed 's/[0-9][0-9]*/&,/g' >$@
$(BUILD)/common/report/page.o: $(EMBEDDED)
$(BUILD)/common/report/page.o: CPPFLAGS += -I$(BUILD)/embedded

$(BUILD)/libpertpipe.a: $(OBJECTS)
	@rm -f $@
	$(call say,ar)$(AR) rcs $@ $^

$(BUILD)/pic/%.o: %.c
	@mkdir -p $(@D)
	$(call say,cc)$(CC) $(CPPFLAGS) $(CFLAGS) $(FLAGS) -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<

$(BUILD)/lib/libpertpipe.a: $(LIBRARY_OBJECTS)
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,ar)$(LD) -r -o $(BUILD)/lib/pmx.o $^ && $(OBJCOPY) --localize-hidden $(BUILD)/lib/pmx.o && $(AR) rcs $@ $(BUILD)/lib/pmx.o

$(BUILD)/lib/libpertpipe.so: $(LIBRARY_OBJECTS)
	@mkdir -p $(@D)
	$(call say,ld)$(CC) $(CFLAGS) $(FLAGS) $(LDFLAGS) -shared -Wl,-soname,$(SONAME) -o $@ $^ -Wl,--as-needed \
		$(shell $(PKG_CONFIG) --libs libzstd jansson) -lm

$(BUILD)/bin/%: $(BUILD)/tools/%.o $(BUILD)/libpertpipe.a
	@mkdir -p $(@D)
	$(call say,ld)$(CC) $(CFLAGS) $(FLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/libpertpipe.a $(LIBS)

$(BUILD)/tests/%: tests/common/%.c $(BUILD)/libpertpipe.a
	@mkdir -p $(@D)
	$(call say,ld)$(CC) $(CPPFLAGS) $(CFLAGS) $(FLAGS) -Itests $(LDFLAGS) -MMD -MP -o $@ $< $(BUILD)/libpertpipe.a $(LIBS)

$(BUILD)/helpers/%: tests/helpers/%.c $(BUILD)/libpertpipe.a
	@mkdir -p $(@D)
	$(call say,ld)$(CC) $(CPPFLAGS) $(CFLAGS) $(FLAGS) $(LDFLAGS) -MMD -MP -o $@ $< $(BUILD)/libpertpipe.a $(LIBS)

# With libFuzzer, or with a main that replays files.
$(BUILD)/fuzz/%: tests/fuzz/fuzz_%.c tests/fuzz/fuzz.c tests/fuzz/replay.c tests/fuzz/fuzz.h $(BUILD)/libpertpipe.a
	@mkdir -p $(@D)
	$(call say,ld)$(CC) $(CPPFLAGS) $(CFLAGS) $(FLAGS) $(if $(FUZZ),-DFUZZ -fsanitize=fuzzer) $(LDFLAGS) -o $@ $< tests/fuzz/fuzz.c \
		$(if $(FUZZ),,tests/fuzz/replay.c) $(BUILD)/libpertpipe.a $(LIBS)

.SECONDARY:
-include $(OBJECTS:.o=.d) $(LIBRARY_OBJECTS:.o=.d) $(TOOLS:%=$(BUILD)/tools/%.d) $(UNITS:%=%.d) $(HELPERS:%=%.d)

units: $(UNITS) $(HELPERS) $(FUZZERS:%=$(BUILD)/fuzz/%)

fuzz: $(FUZZERS:%=$(BUILD)/fuzz/%)
	$(if $(FUZZ),tests/fuzz/run $(abspath $(BUILD)) $(SECONDS) $(FUZZERS),@BUILD=$(abspath $(BUILD)) tests/run tests/fuzz/replay.bats)

# What the tests need is installed (or asked for) before anything is compiled.
ifneq ($(filter test,$(MAKECMDGOALS)),)
$(shell workflows/install-dependencies.sh tests >&2)
endif

# Everything; the last line counts. TESTS=tests/tools/mixscale.bats runs one file.
test: all units library
	@BUILD=$(abspath $(BUILD)) tests/run $(TESTS)

demo:
	@workflows/demo.sh

deps:
	@workflows/install-dependencies.sh

bench: all
	@BUILD=$(abspath $(BUILD)) tests/bench/run $(BENCH)

check-layers:
	@tests/check-layers

man: $(BIN)
	@mkdir -p man/man1
	@for t in $(TOOLS); do $(BUILD)/bin/$$t --emit man > man/man1/$$t.1; done

check-man: $(BIN)
	@for t in $(TOOLS); do $(BUILD)/bin/$$t --emit man | diff -u man/man1/$$t.1 - || exit 1; done
	@for p in man/man*/*; do mandoc -Tlint -W warning $$p || exit 1; done

# With LINKS=no the tools are not on the PATH, and only pertpipe is completed.
LINKED = $(if $(filter no,$(LINKS)),pertpipe,$(TOOLS))

install: all library
	install -d $(BINDIR) $(LIBEXECDIR) $(LIBDIR)/pkgconfig $(INCLUDEDIR)/pertpipe $(MANDIR)/man1 $(MANDIR)/man5 $(MANDIR)/man7 \
		$(DATADIR)/bash-completion/completions $(DATADIR)/zsh/site-functions $(DATADIR)/fish/vendor_completions.d
	install -m 755 $(BIN) $(LIBEXECDIR)
	for t in $(LINKED); do \
		ln -sf ../libexec/pertpipe/$$t $(BINDIR)/$$t && \
		$(BUILD)/bin/$$t --emit bash > $(DATADIR)/bash-completion/completions/$$t && \
		$(BUILD)/bin/$$t --emit zsh > $(DATADIR)/zsh/site-functions/_$$t && \
		$(BUILD)/bin/$$t --emit fish > $(DATADIR)/fish/vendor_completions.d/$$t.fish || exit 1; \
	done
	install -m 644 $(PAGES) $(MANDIR)/man1
	install -m 644 man/man5/*.5 $(MANDIR)/man5
	install -m 644 man/man7/*.7 $(MANDIR)/man7
	install -m 644 include/pertpipe/pmx.h $(INCLUDEDIR)/pertpipe
	install -m 644 $(BUILD)/lib/libpertpipe.a $(LIBDIR)
	install -m 755 $(BUILD)/lib/libpertpipe.so $(LIBDIR)/libpertpipe.so.$(VERSION)
	ln -sf libpertpipe.so.$(VERSION) $(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(LIBDIR)/libpertpipe.so
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIB@|$(LIB)|' -e 's|@VERSION@|$(VERSION)|' packaging/libpertpipe.pc.in \
		> $(LIBDIR)/pkgconfig/libpertpipe.pc

uninstall:
	for t in $(TOOLS); do rm -f $(BINDIR)/$$t $(LIBEXECDIR)/$$t $(MANDIR)/man1/$$t.1 \
		$(DATADIR)/bash-completion/completions/$$t $(DATADIR)/zsh/site-functions/_$$t \
		$(DATADIR)/fish/vendor_completions.d/$$t.fish; done
	for p in $(notdir $(wildcard man/man5/*.5)); do rm -f $(MANDIR)/man5/$$p; done
	for p in $(notdir $(wildcard man/man7/*.7)); do rm -f $(MANDIR)/man7/$$p; done
	rm -f $(INCLUDEDIR)/pertpipe/pmx.h $(LIBDIR)/pkgconfig/libpertpipe.pc $(LIBDIR)/libpertpipe.a \
		$(LIBDIR)/libpertpipe.so $(LIBDIR)/$(SONAME) $(LIBDIR)/libpertpipe.so.$(VERSION)
	for d in $(LIBEXECDIR) $(INCLUDEDIR)/pertpipe; do [ ! -d $$d ] || rmdir --ignore-fail-on-non-empty $$d; done

clean:
	rm -rf build build-san build-cov build-fuzz
