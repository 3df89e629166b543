/*
 * Two clocks and no more. Every interval in loopkeeper is measured on
 * clock_ms(); clock_wall_ms() is only ever shown to people or stored for
 * them. Both are int64_t milliseconds.
 */
#ifndef LOOPKEEPER_BASE_CLOCK_H
#define LOOPKEEPER_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_ISO_SIZE 25 /* "2026-01-07T02:14:00.123Z" and the NUL */

/* CLOCK_MONOTONIC in ms. Stands still while the machine sleeps. */
int64_t clock_ms(void);

/* CLOCK_BOOTTIME in ms: as clock_ms(), but goes on during sleep. */
int64_t clock_boot_ms(void);

/* CLOCK_REALTIME in ms since 1970, for display only. */
int64_t clock_wall_ms(void);

/* Writes wall_ms as ISO 8601 UTC, for example "2026-01-07T02:14:00.123Z". */
void clock_format_iso(char buf[static CLOCK_ISO_SIZE], int64_t wall_ms);

/*
 * Reads ISO 8601 UTC ("2026-01-07T02:14:00Z", with or without fraction or
 * Z), SQLite's "2026-01-07 02:14:00", or a bare "2026-01-07" (midnight UTC).
 * Returns 0, or -1 with EINVAL; then *ret_wall_ms is untouched.
 */
int clock_parse_iso(const char *text, int64_t *ret_wall_ms);

#define CLOCK_LOCAL_SIZE 32

/* Writes wall_ms for people, in their time: "05:00", or "2026-01-07 05:00" when
 * that is a day or more away. */
void clock_format_local(char buf[static CLOCK_LOCAL_SIZE], int64_t wall_ms);

#define CLOCK_TIME_SIZE 9 /* "05:00:07" and the NUL */

/* Writes the local time of day of wall_ms. */
void clock_format_time(char buf[static CLOCK_TIME_SIZE], int64_t wall_ms);

/* When the local day began that is so many days after the one of wall_ms: 0 for
 * that day itself, 1 for the next, -1 for the one before. In ms as wall_ms. */
int64_t clock_local_day(int64_t wall_ms, int days);

#define CLOCK_DAY_SIZE 11 /* "2026-01-07" and the NUL */

/* Writes the local date of wall_ms. */
void clock_format_day(char buf[static CLOCK_DAY_SIZE], int64_t wall_ms);

#endif
