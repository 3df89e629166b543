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

/* By which events are found without a look at all of them. */
enum queries_event_key {
	QUERIES_EVENT_ALL,
	QUERIES_EVENT_TEST,
	QUERIES_EVENT_LOOP,
	QUERIES_EVENT_COMPONENT,
	QUERIES_EVENT_TYPE,
};

struct event_query {
	int64_t since_wall_ms; /* those that happened then or later */
	enum queries_event_key key;
	const char *value; /* of it, in any case; NULL for all */
	int64_t limit;	   /* so many at most, the newest; -1: all */
};

/* Events in order of time. Returns 0, what each() returned, or -1 with errno
 * of store.h. */
int queries_each_event(struct store *s, const struct event_query *query,
    int (*each)(const struct event_row *row, void *argument), void *argument);

/* Whether there are more than the limit. Returns 1, 0 or -1. */
int queries_has_more_events(struct store *s, const struct event_query *query);

/* Events that came in after rowid, in that order. The same. */
int queries_each_event_after(struct store *s, int64_t rowid,
    int (*each)(const struct event_row *row, void *argument), void *argument);

/* The last n events about a component or loop, oldest first. The same. */
int queries_last_events(struct store *s, const char *component, int n,
    int (*each)(const struct event_row *row, void *argument), void *argument);

/* Rowid of the last event; 0 when there is none. Returns 0 or -1. */
int queries_last_event_rowid(struct store *s, int64_t *ret);

/* Whether any event's payload has that field, at its top. Returns 1, 0 or -1.
 */
int queries_has_payload_key(struct store *s, const char *key);

/* Such fields of some ten thousand events, the last ones, by name. As
 * queries_each_event(). */
int queries_each_payload_key(struct store *s,
    int (*each)(const char *key, void *argument), void *argument);

#endif
