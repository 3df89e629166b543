#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "agents/loop/limit_end.h"
#include "base/clock.h"

#define SECOND	 INT64_C(1000)
#define MINUTE	 (60 * SECOND)
#define DAY	 (24 * 3600 * SECOND)
#define WAIT_MAX (366 * DAY) /* more is taken for a misunderstanding */

static const char *
skip_blank(const char *p)
{
	return p + strspn(p, " \t,");
}

/* A number from min to max at *p, which is then passed. */
static bool
take_number(const char **p, int min, int max, int *ret)
{
	char *end;
	long n;

	if (!isdigit((unsigned char)**p))
		return false;
	n = strtol(*p, &end, 10);
	if (n < min || n > max)
		return false;
	*p = end;
	*ret = (int)n;
	return true;
}

static bool
take_word(const char **p, const char *word)
{
	size_t len = strlen(word);

	if (strncasecmp(*p, word, len) != 0)
		return false;
	*p += len;
	return true;
}

/* A moment of which only the fields that are there are known. */
struct moment {
	struct tm tm;
	bool has_date;
	bool has_year;
	bool utc;
};

/* "Oct 6,", "Aug 8th, 2026"; nothing at all is well, too. */
static bool
take_date(const char **p, struct moment *m)
{
	static const char *const months[] = { "jan", "feb", "mar", "apr", "may",
		"jun", "jul", "aug", "sep", "oct", "nov", "dec" };
	const char *before;
	int n = 0;

	while (n < 12 && strncasecmp(*p, months[n], 3) != 0)
		n++;
	if (n == 12)
		return true;
	while (isalpha((unsigned char)**p))
		(*p)++;
	m->tm.tm_mon = n;
	*p = skip_blank(*p);
	if (!take_number(p, 1, 31, &m->tm.tm_mday))
		return false;
	(void)(take_word(p, "st") || take_word(p, "nd") || take_word(p, "rd") ||
	    take_word(p, "th"));
	m->has_date = true;
	*p = before = skip_blank(*p);
	if (take_number(p, 2000, 9999, &n)) {
		m->tm.tm_year = n - 1900;
		m->has_year = true;
	} else {
		*p = before;
	}
	*p = skip_blank(*p);
	(void)take_word(p, "at ");
	return true;
}

/* "5pm", "12:10 PM", "15:45"; a bare hour isn't enough. */
static bool
take_time(const char **p, struct moment *m)
{
	bool minutes = false;
	int n;

	*p = skip_blank(*p);
	if (!take_number(p, 0, 23, &m->tm.tm_hour))
		return false;
	if (**p == ':') {
		(*p)++;
		minutes = take_number(p, 0, 59, &m->tm.tm_min);
		if (!minutes)
			return false;
		if (**p == ':') {
			(*p)++;
			if (!take_number(p, 0, 60, &m->tm.tm_sec))
				return false;
		}
	}
	*p = skip_blank(*p);
	n = take_word(p, "pm") ? 12 : take_word(p, "am") ? 0 : -1;
	if (n < 0)
		return minutes;
	if (m->tm.tm_hour < 1 || m->tm.tm_hour > 12)
		return false;
	m->tm.tm_hour = m->tm.tm_hour % 12 + n;
	return true;
}

static int64_t
to_ms(const struct moment *m, int days, int years)
{
	struct tm tm = m->tm;
	time_t t;

	tm.tm_mday += days;
	tm.tm_year += years;
	tm.tm_isdst = -1;
	t = m->utc ? timegm(&tm) : mktime(&tm);
	return t < 0 ? -1 : t * SECOND;
}

static int64_t
parse_clock(const char *text, int64_t wall_ms)
{
	struct moment m = { 0 };
	time_t now = wall_ms / SECOND;
	const char *p = skip_blank(text);
	struct tm today;
	int64_t ms;

	if (!take_date(&p, &m) || !take_time(&p, &m))
		return -1;
	p += strspn(p, " (");
	m.utc = take_word(&p, "utc") || take_word(&p, "gmt");
	if ((m.utc ? gmtime_r(&now, &today) : localtime_r(&now, &today)) ==
	    NULL)
		return -1;
	if (!m.has_year)
		m.tm.tm_year = today.tm_year;
	if (!m.has_date) {
		m.tm.tm_mon = today.tm_mon;
		m.tm.tm_mday = today.tm_mday;
	}
	ms = to_ms(&m, 0, 0);
	/* Its own minute may have begun. */
	if (ms > wall_ms - MINUTE || m.has_year)
		return ms;
	return m.has_date ? to_ms(&m, 0, 1) : to_ms(&m, 1, 0);
}

int64_t
limit_end_at(const char *text, int64_t wall_ms)
{
	char *end;
	double number = strtod(text, &end);
	int64_t ms;

	if (end != text && *end == '\0') {
		if (number >= 1e12 && number < 1e14)
			return (int64_t)number;
		return number >= 1e9 && number < 1e11
		    ? (int64_t)(number * SECOND)
		    : -1;
	}
	if (clock_parse_iso(text, &ms) == 0)
		return ms;
	return parse_clock(text, wall_ms);
}

/* What one of a unit is; 0 for none. The unit is passed. */
static int64_t
take_unit(const char **p)
{
	size_t len =
	    strspn(*p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	const char *unit = *p;

	*p += len;
	if (len == 2 && strncasecmp(unit, "ms", 2) == 0)
		return 1;
	switch (len > 0 ? tolower((unsigned char)*unit) : '\0') {
	case 's': return SECOND;
	case 'm': return 60 * SECOND;
	case 'h': return 3600 * SECOND;
	case 'd': return DAY;
	default: return 0;
	}
}

int64_t
limit_end_after(const char *text, int64_t wall_ms)
{
	const char *p = skip_blank(text);
	double wait_ms = 0;
	bool any = false;

	while (isdigit((unsigned char)*p)) {
		char *end;
		double n = strtod(p, &end);
		int64_t unit;

		p = skip_blank(end);
		unit = *p == '\0' && !any ? SECOND : take_unit(&p);
		if (unit == 0)
			return -1;
		wait_ms += n * (double)unit;
		any = true;
		p = skip_blank(p);
		if (take_word(&p, "and "))
			p = skip_blank(p);
	}
	if (!any || !(wait_ms <= (double)WAIT_MAX))
		return -1;
	return wall_ms + (int64_t)wait_ms;
}
