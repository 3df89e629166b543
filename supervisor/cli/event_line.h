/*
 * One event as one line for people: when, who, and what happened, in words.
 * The phrases stand in one table in event_line.c, by event type.
 */
#ifndef LOOPKEEPER_CLI_EVENT_LINE_H
#define LOOPKEEPER_CLI_EVENT_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "cli/print.h"

/* What a line is made of, wherever the event comes from. */
struct event_view {
	const char *timestamp; /* as stored */
	const char *source;
	const char *event_type;
	const json_t *payload; /* an object, or NULL */
};

/*
 * Writes what happened without the time: "loop-1 passed CP-UFS-001 (attempt
 * 2)". An event of another program, or of a type that isn't known, is told by
 * its type and its fields. Control characters are cleaned away.
 */
void event_line_text(char *buf, size_t size, const struct event_view *event);

/* How the line is coloured. */
enum print_colour event_line_colour(const struct event_view *event);

#endif
