/*
 * Durations as people write them: "250ms", "5s", "1h30m", "30d". In memory
 * they are int64_t milliseconds.
 */
#ifndef LOOPKEEPER_BASE_DURATION_H
#define LOOPKEEPER_BASE_DURATION_H

#include <stddef.h>
#include <stdint.h>

#define DURATION_SIZE 32

/*
 * Reads a sum of numbers with units (ms, s, m, h, d, w), largest first or
 * not. A bare "0" is allowed; any other number needs its unit. Returns 0, or
 * -1 with EINVAL (not a duration) or ERANGE (over 100 years); *ret_ms is then
 * untouched.
 */
int duration_parse(const char *text, int64_t *ret_ms);

/* One unit, rounded down, for people: "5s", "2m", "3h", "1d". */
void duration_format(char buf[static DURATION_SIZE], int64_t ms);

/* Exact, in the form that duration_parse() reads: "1h30m", "250ms", "0". */
void duration_format_exact(char buf[static DURATION_SIZE], int64_t ms);

#endif
