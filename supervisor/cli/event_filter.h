/* --filter KEY=VALUE: which events are shown. Several are and-ed. */
#ifndef LOOPKEEPER_CLI_EVENT_FILTER_H
#define LOOPKEEPER_CLI_EVENT_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "store/queries_events.h"

#define EVENT_FILTERS_MAX 16

struct event_filter {
	struct {
		char key[64];
		const char *value; /* the caller's */
	} terms[EVENT_FILTERS_MAX];
	size_t n;
};

/* Reads "KEY=VALUE" words; ends the program when one is none. */
void
event_filter_parse(struct event_filter *filter, const struct option_list *list);

/*
 * Whether every key is an event column or occurs in some payload. Returns
 * CLI_DONE, or after an error that names those that exist CLI_USAGE, or
 * CLI_FAILED when the database can't be asked.
 */
int event_filter_check(const struct event_filter *filter, struct store *s);

/* Has the database pick the events by the term of which it knows best, if it
 * knows of any. Returns whether what it finds is all that passes: else they
 * must be matched, too. */
bool event_filter_query(
    const struct event_filter *filter, struct event_query *query);

/* event is an object with the columns of table events; payload an object in
 * it. Values are compared as text, in any case. */
bool
event_filter_matches(const struct event_filter *filter, const json_t *event);

#endif
