/* Points in time as operators write them, for --since. */
#ifndef LOOPKEEPER_CLI_SINCE_H
#define LOOPKEEPER_CLI_SINCE_H

#include <stdint.h>

/*
 * Reads "1h" or "2d" (so long ago), "boot" (of the machine), "2026-01-07",
 * "2026-01-07 02:14[:30]" or "02:14" (local time, the last one), and ISO 8601
 * with a Z. Returns wall-clock ms; ends the program when it is none of these.
 */
int64_t since_parse(const char *text);

#endif
