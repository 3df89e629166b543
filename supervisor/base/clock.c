#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define DAY_MS (24LL * 60 * 60 * 1000)

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	/* Fails only for an unknown id or a bad pointer; neither is passed. */
	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
clock_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t
clock_boot_ms(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

int64_t
clock_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

void
clock_format_iso(char buf[static CLOCK_ISO_SIZE], int64_t wall_ms)
{
	struct tm tm;
	time_t seconds = (time_t)(wall_ms / 1000);
	char day[20];

	if (gmtime_r(&seconds, &tm) == NULL || tm.tm_year > 9999 - 1900)
		(void)memset(&tm, 0, sizeof(tm));
	(void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(buf, CLOCK_ISO_SIZE, "%s.%03uZ", day,
	    (unsigned)(wall_ms % 1000) % 1000);
}

/* Reads an optional ".123" of any length; returns the first byte after it. */
static const char *
parse_fraction(const char *p, int64_t *ret_ms)
{
	int64_t unit = 100;

	*ret_ms = 0;
	if (*p != '.')
		return p;
	for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
		*ret_ms += (*p - '0') * unit;
	return p;
}

int
clock_parse_iso(const char *text, int64_t *ret_wall_ms)
{
	struct tm tm = { 0 };
	int64_t fraction;
	const char *p;

	p = strptime(text, "%Y-%m-%d", &tm);
	if (p != NULL && (*p == 'T' || *p == ' '))
		p = strptime(p + 1, "%H:%M:%S", &tm);
	if (p == NULL) {
		errno = EINVAL;
		return -1;
	}
	p = parse_fraction(p, &fraction);
	if (strcmp(p, "") != 0 && strcmp(p, "Z") != 0 &&
	    strcmp(p, "+00:00") != 0) {
		errno = EINVAL;
		return -1;
	}
	*ret_wall_ms = (int64_t)timegm(&tm) * 1000 + fraction;
	return 0;
}

void
clock_format_local(char buf[static CLOCK_LOCAL_SIZE], int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	bool near = llabs(wall_ms - clock_wall_ms()) < DAY_MS;
	struct tm tm;

	if (localtime_r(&seconds, &tm) == NULL ||
	    strftime(buf, CLOCK_LOCAL_SIZE, near ? "%H:%M" : "%Y-%m-%d %H:%M",
		&tm) == 0)
		(void)snprintf(buf, CLOCK_LOCAL_SIZE, "?");
}

void
clock_format_time(char buf[static CLOCK_TIME_SIZE], int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	if (localtime_r(&seconds, &tm) == NULL ||
	    strftime(buf, CLOCK_TIME_SIZE, "%H:%M:%S", &tm) == 0)
		(void)snprintf(buf, CLOCK_TIME_SIZE, "?");
}

void
clock_format_day(char buf[static CLOCK_DAY_SIZE], int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	if (localtime_r(&seconds, &tm) == NULL ||
	    strftime(buf, CLOCK_DAY_SIZE, "%Y-%m-%d", &tm) == 0)
		(void)snprintf(buf, CLOCK_DAY_SIZE, "?");
}

int64_t
clock_local_day(int64_t wall_ms, int days)
{
	time_t seconds = (time_t)(wall_ms / 1000), begin;
	struct tm tm;

	if (localtime_r(&seconds, &tm) == NULL)
		return wall_ms - wall_ms % DAY_MS + days * DAY_MS;
	/* Days are not all equally long: the calendar is asked. */
	tm.tm_mday += days;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	begin = mktime(&tm);
	return (int64_t)begin * 1000;
}
