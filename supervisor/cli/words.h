/*
 * What a component is in one word and a few more, as `health` and `status`
 * show it: `NAME: WORD (DETAIL)`.
 */
#ifndef LOOPKEEPER_CLI_WORDS_H
#define LOOPKEEPER_CLI_WORDS_H

#include <stdbool.h>

#include "cli/overview.h"
#include "cli/print.h"

struct words {
	const char *word; /* healthy, running, idle, degraded, ... */
	char detail[256];
	bool unhealthy; /* makes `health` exit 1 */
	enum print_colour colour;
};

void words_of(struct words *ret, const struct overview *o,
    const struct overview_component *c);

/*
 * Writes o->mode_reason: "monitor down 4m: 60s between tests, no overlapping
 * files"; "" in mode normal. The daemon decides; this only finds its reason.
 */
void words_of_mode(struct overview *o);

/* The line as a whole. */
void words_print(const char *name, const struct words *w, bool colour);

#endif
