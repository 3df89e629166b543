/*
 * Events as JSON lines, built in memory; spool_add() takes them to a file.
 *
 * A line: {"id":UUID,"timestamp":ISO,"source":WRITER,"event_type":TYPE,
 *          "epoch":E,"payload":{...}}
 * epoch only where the writer knows one. The payload is flat.
 */
#ifndef LOOPKEEPER_SYSTEM_EVENT_H
#define LOOPKEEPER_SYSTEM_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/uuid.h"

struct event {
	struct buf line;
	char data[4096];
};

/*
 * Builds one event: begin, any number of payload fields, then spool_add().
 * epoch may be NULL. Too long a value is cut so that the line stays JSON.
 */
void event_begin(
    struct event *e, const char *source, const char *type, const char *epoch);
void event_text(struct event *e, const char *key, const char *value);
void event_int(struct event *e, const char *key, int64_t value);
/* number as it is written, in JSON's grammar. */
void event_number(struct event *e, const char *key, const char *number);
void event_bool(struct event *e, const char *key, bool value);

/* Gives the event this id instead of its own. */
void event_identify(struct event *e, const char id[static UUID_SIZE]);

/* It happened at wall_ms, not only now. */
void event_stamp(struct event *e, int64_t wall_ms);

/* Ends the line: "}}" and a newline. To be called once, by spool_add(). */
void event_end(struct event *e);

#endif
