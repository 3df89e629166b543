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

#endif
