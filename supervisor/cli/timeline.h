/*
 * Follows the fleet's events as they happen, from the spools and from the
 * database, whichever has one first; prints each once, as one readable line.
 * Made for a poll loop: wait for timeline_fd() to be readable, or for
 * timeline_due_ms(), then call timeline_print_new(). Never waits itself for a
 * locked or released database: what is only there comes later.
 */
#ifndef LOOPKEEPER_CLI_TIMELINE_H
#define LOOPKEEPER_CLI_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/event_filter.h"
#include "cli/event_line.h"
#include "store/store.h"

struct timeline;

/* The view of an event that is a JSON object, which must outlive it. */
struct event_view timeline_view(const json_t *event);

/*
 * Follows from now on: what is already in spools and database isn't shown.
 * Works before the fleet is up: the run directory is looked for again until
 * it is there. Returns NULL with errno; free with timeline_close().
 */
struct timeline *timeline_open(const char *state_directory, bool colour);
void timeline_close(struct timeline *t);

/* For poll(2): readable when something may have happened. */
int timeline_fd(const struct timeline *t);

/* The longest that poll(2) may wait before timeline_print_new() is due; -1
 * for as long as it likes. */
int timeline_due_ms(const struct timeline *t);

/* Prints what is new. Returns 0, or -1 with the errno of writing to out. */
int timeline_print_new(struct timeline *t, FILE *out);

enum timeline_format {
	TIMELINE_PLAIN,
	TIMELINE_COLOUR,
	TIMELINE_OBJECTS, /* JSON, one object on each line */
	TIMELINE_ARRAY,	  /* JSON, one array of the whole history */
};

struct timeline_request {
	int64_t since_wall_ms;
	const struct event_filter *filter; /* the caller's; NULL: all */
	enum timeline_format format;
	int64_t max;  /* events of the history, the newest; -1: all */
	bool follows; /* timeline_print_new() will be called */
};

/* For the command: what happened, as it is asked for. As timeline_open(). */
struct timeline *timeline_open_request(
    const char *state_directory, const struct timeline_request *request);

/* Prints what s has, and whether that isn't all, then what only the spools
 * have. Returns 1, 0 when there was nothing, or -1 with errno of store.h, or of
 * writing. */
int timeline_print_history(struct timeline *t, struct store *s, FILE *out);

#endif
