/*
 * When a provider's limit ends, as programs tell it: in a text for people, or
 * as a number.
 */
#ifndef LOOPKEEPER_AGENTS_LOOP_LIMIT_END_H
#define LOOPKEEPER_AGENTS_LOOP_LIMIT_END_H

#include <stdint.h>

/*
 * A moment: seconds or milliseconds since 1970, ISO 8601 in UTC, or a time of
 * day with or without a date, in local time unless it says UTC: "5pm",
 * "12:10pm (Europe/Berlin)", "15:45 UTC", "Oct 6, 1pm", "Aug 8th, 2026 12:30
 * PM". Another zone's name is passed over: programs name the machine's. Where
 * the date or the year is left open, it is the next one after wall_ms. Returns
 * milliseconds since 1970, or -1 for anything else.
 */
int64_t limit_end_at(const char *text, int64_t wall_ms);

/*
 * A wait that begins at wall_ms: seconds ("39", "39.5"), or a sum with units:
 * "13h19m12s", "20s", "3 days 6 hours 57 minutes". Returns the moment in which
 * it ends, or -1.
 */
int64_t limit_end_after(const char *text, int64_t wall_ms);

#endif
