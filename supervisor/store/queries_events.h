/*
 * Events for the eyes of people, oldest first. Rows as in queries_tests.h:
 * texts live until each() returns, are never NULL, and a result other than 0
 * ends the query, which returns it.
 */
#ifndef LOOPKEEPER_STORE_QUERIES_EVENTS_H
#define LOOPKEEPER_STORE_QUERIES_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct event_row {
	int64_t rowid; /* in the order in which they came in */
	const char *id;
	const char *timestamp;
	const char *source;
	const char *event_type;
	const char *payload; /* JSON, or what another program wrote */
	const char *correlation_id;
	int64_t priority;
	int64_t acknowledged;
	const char *acknowledged_by;
	const char *acknowledged_at;
};

/*
 * Events that happened at or after since_wall_ms, in order of time. Returns
 * 0, what each() returned, or -1 with errno of store.h.
 */
int queries_each_event(struct store *s, int64_t since_wall_ms,
    int (*each)(const struct event_row *row, void *argument), void *argument);

/* Events that came in after rowid, in that order. The same. */
int queries_each_event_after(struct store *s, int64_t rowid,
    int (*each)(const struct event_row *row, void *argument), void *argument);

/* The last n events about a component or loop, oldest first. The same. */
int queries_last_events(struct store *s, const char *component, int n,
    int (*each)(const struct event_row *row, void *argument), void *argument);

/* Rowid of the last event; 0 when there is none. Returns 0 or -1. */
int queries_last_event_rowid(struct store *s, int64_t *ret);

/* Top-level fields that occur in any event's payload, by name. As
 * queries_each_event(). */
int queries_each_payload_key(struct store *s,
    int (*each)(const char *key, void *argument), void *argument);

#endif
