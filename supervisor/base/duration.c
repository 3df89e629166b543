#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/duration.h"

#define LONGEST_MS (INT64_C(100) * 365 * 24 * 3600 * 1000)

static const struct {
	const char *name;
	int64_t ms;
} units[] = {
	{ "w", INT64_C(7) * 24 * 3600 * 1000 },
	{ "d", INT64_C(24) * 3600 * 1000 },
	{ "h", INT64_C(3600) * 1000 },
	{ "m", INT64_C(60) * 1000 },
	{ "s", 1000 },
	{ "ms", 1 },
};
#define NUNITS (sizeof(units) / sizeof(units[0]))

static int64_t
parse_unit(const char **p)
{
	size_t len = strspn(*p, "abcdefghijklmnopqrstuvwxyz");

	for (size_t i = 0; i < NUNITS; i++) {
		if (strlen(units[i].name) == len &&
		    strncmp(*p, units[i].name, len) == 0) {
			*p += len;
			return units[i].ms;
		}
	}
	return 0;
}

int
duration_parse(const char *text, int64_t *ret_ms)
{
	const char *p = text;
	int64_t total = 0;

	if (strcmp(text, "0") == 0) {
		*ret_ms = 0;
		return 0;
	}
	do {
		int64_t number = 0, unit;
		bool digits = false;

		for (; *p >= '0' && *p <= '9'; p++, digits = true) {
			number = number * 10 + (*p - '0');
			if (number > LONGEST_MS)
				goto range;
		}
		unit = parse_unit(&p);
		if (!digits || unit == 0) {
			errno = EINVAL;
			return -1;
		}
		if (number > LONGEST_MS / unit)
			goto range;
		total += number * unit;
		if (total > LONGEST_MS)
			goto range;
	} while (*p != '\0');
	*ret_ms = total;
	return 0;
range:
	errno = ERANGE;
	return -1;
}

void
duration_format(char buf[static DURATION_SIZE], int64_t ms)
{
	/* Weeks are for reading only: "9d" says more than "1w". */
	for (size_t i = 1; i < NUNITS - 1; i++) {
		if (ms >= units[i].ms || units[i].ms == 1000) {
			(void)snprintf(buf, DURATION_SIZE, "%" PRId64 "%s",
			    ms > 0 ? ms / units[i].ms : 0, units[i].name);
			return;
		}
	}
}

void
duration_format_exact(char buf[static DURATION_SIZE], int64_t ms)
{
	size_t len = 0;

	(void)snprintf(buf, DURATION_SIZE, "0");
	for (size_t i = 1; i < NUNITS && len < DURATION_SIZE; i++) {
		if (ms < units[i].ms)
			continue;
		len += (size_t)snprintf(buf + len, DURATION_SIZE - len,
		    "%" PRId64 "%s", ms / units[i].ms, units[i].name);
		ms %= units[i].ms;
	}
}
