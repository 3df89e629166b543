#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/duration.h"
#include "base/size.h"
#include "base/text.h"
#include "conf/value.h"

#define MILLION 1000000

static int
invalid(void)
{
	errno = EINVAL;
	return -1;
}

static int
parse_choice(const struct key *key, const char *text, int64_t *ret)
{
	for (int i = 0; key->choices[i] != NULL; i++) {
		if (strcmp(key->choices[i], text) == 0) {
			*ret = i;
			return 0;
		}
	}
	return invalid();
}

/* "TERM", "SIGTERM", "15". Signals that end nothing are no choice. */
static int
parse_signal(const char *text, int64_t *ret)
{
	int64_t number = 0;

	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	if (text_parse_int(text, 1, SIGRTMAX, &number) < 0) {
		for (int i = 1; i < NSIG && number == 0; i++) {
			const char *name = sigabbrev_np(i);

			if (name != NULL && strcasecmp(name, text) == 0)
				number = i;
		}
	}
	if (number == 0 || number == SIGSTOP || number == SIGTSTP ||
	    number == SIGTTIN || number == SIGTTOU || number == SIGCONT ||
	    number == SIGCHLD)
		return invalid();
	*ret = number;
	return 0;
}

/* "512", "64k", "512M", "2G", "1T": powers of 1024. */
static int
parse_size(const char *text, int64_t *ret)
{
	static const char units[] = "KMGT";
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits;
	int shift = 0;
	long long n;

	if (digits == 0)
		return invalid();
	if (*unit != '\0') {
		const char *found = strchr(units, *unit & ~0x20);

		if (found == NULL || *found == '\0')
			return invalid();
		shift = 10 * (int)(found - units + 1);
		unit++;
		if (strcasecmp(unit, "B") == 0 || strcasecmp(unit, "iB") == 0)
			unit += strlen(unit);
	}
	if (*unit != '\0')
		return invalid();
	errno = 0;
	n = strtoll(text, NULL, 10);
	if (errno != 0 || n > INT64_MAX >> shift) {
		errno = ERANGE;
		return -1;
	}
	*ret = n << shift;
	return 0;
}

/* "5", "0.75", "$5": millionths. */
static int
parse_usd(const char *text, int64_t *ret)
{
	char *end;
	double usd = strtod(text[0] == '$' ? text + 1 : text, &end);

	if (end == text || *end != '\0' || !(usd >= 0))
		return invalid();
	if (usd > 1e9) {
		errno = ERANGE;
		return -1;
	}
	*ret = (int64_t)(usd * MILLION + 0.5);
	return 0;
}

static int
parse_octal(const char *text, int64_t *ret)
{
	size_t len = strlen(text);

	if (len == 0 || len > 5 || strspn(text, "01234567") != len)
		return invalid();
	*ret = strtol(text, NULL, 8);
	return 0;
}

static int
parse_daily(const char *text, int64_t *ret)
{
	static const char digits[] = "0123456789";

	if (strlen(text) != 5 || strspn(text, digits) != 2 || text[2] != ':' ||
	    strspn(text + 3, digits) != 2)
		return invalid();
	if (text[3] > '5' || strncmp(text, "23", 2) > 0)
		return invalid();
	*ret = strtol(text, NULL, 10) * 60 + strtol(text + 3, NULL, 10);
	return 0;
}

/* "30s", or a fraction between 0 and 1 as millionths below 0. */
static int
parse_late(const char *text, int64_t *ret)
{
	char *end;
	double fraction = strtod(text, &end);

	if (end == text || *end != '\0')
		return duration_parse(text, ret);
	if (!(fraction > 1.0 / MILLION && fraction < 1))
		return invalid();
	*ret = -(int64_t)(fraction * MILLION + 0.5);
	return 0;
}

static int
parse_bool(const char *text, int64_t *ret)
{
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return invalid();
	*ret = text[0] == 't';
	return 0;
}

bool
value_in_range(const struct key *key, int64_t number)
{
	if (key->min == 0 && key->max == 0)
		return true;
	return (key->type == TYPE_LATE && number < 0) ||
	    (number >= key->min && number <= key->max);
}

static int
parse(const struct key *key, const char *text, int64_t *ret)
{
	switch (key->type) {
	case TYPE_BOOL: return parse_bool(text, ret);
	case TYPE_INT: return text_parse_int(text, INT64_MIN, INT64_MAX, ret);
	case TYPE_DURATION: return duration_parse(text, ret);
	case TYPE_SIZE: return parse_size(text, ret);
	case TYPE_USD: return parse_usd(text, ret);
	case TYPE_SIGNAL: return parse_signal(text, ret);
	case TYPE_CHOICE: return parse_choice(key, text, ret);
	case TYPE_OCTAL: return parse_octal(text, ret);
	case TYPE_DAILY: return parse_daily(text, ret);
	case TYPE_LATE: return parse_late(text, ret);
	default: return invalid();
	}
}

int
value_parse(const struct key *key, const char *text, int64_t *ret)
{
	int64_t number;

	if (parse(key, text, &number) < 0)
		return -1;
	if (!value_in_range(key, number)) {
		errno = ERANGE;
		return -1;
	}
	*ret = number;
	return 0;
}

static void
expected_choice(const struct key *key, struct buf *out)
{
	for (int i = 0; key->choices[i] != NULL; i++) {
		const char *before = i == 0	  ? ""
		    : key->choices[i + 1] == NULL ? " or "
						  : ", ";

		buf_addf(out, "%s\"%s\"", before, key->choices[i]);
	}
}

/* Adds the least value, where there is one worth telling. */
static void
expected_least(const struct key *key, struct buf *out)
{
	if (key->min > 1) {
		buf_add(out, ", at least ");
		value_format(key, key->min, out);
	}
}

void
value_expected(const struct key *key, struct buf *out)
{
	static const char *const texts[] = {
		[TYPE_TEXT] = "a text in quotes",
		[TYPE_PATH] = "a path in quotes",
		[TYPE_WORDS] = "a list of texts, such as [ \"a\", \"b\" ]",
		[TYPE_COMMAND] =
		    "a command, such as [ \"program\", \"argument\" ]",
		[TYPE_ENVIRONMENT] = "variables, such as { KEY = \"value\"; }",
		[TYPE_GROUP] = "a group of keys: { ... }",
		[TYPE_GROUPS] = "a list of groups: ( { ... }, { ... } )",
		[TYPE_BOOL] = "true or false, without quotes",
		[TYPE_DURATION] = "a duration, such as \"90s\" or \"1h30m\"",
		[TYPE_SIZE] = "a size, such as \"512M\" or \"2G\"",
		[TYPE_USD] = "an amount of USD above 0, such as 5.00",
		[TYPE_SIGNAL] = "a signal that ends it, such as \"TERM\"",
		[TYPE_OCTAL] = "octal digits in quotes, such as \"022\"",
		[TYPE_DAILY] = "a time of day in quotes, such as \"03:30\"",
		[TYPE_LATE] = "a fraction such as 0.5, or a duration",
	};

	if (key->type == TYPE_CHOICE)
		expected_choice(key, out);
	else if (key->type == TYPE_INT && key->max >= INT32_MAX)
		buf_addf(out, "a whole number, at least %" PRId64, key->min);
	else if (key->type == TYPE_INT)
		buf_addf(out, "a whole number from %" PRId64 " to %" PRId64,
		    key->min, key->max);
	else
		buf_add(out, texts[key->type]);
	if (key->type == TYPE_DURATION || key->type == TYPE_SIZE)
		expected_least(key, out);
}

static void
format_size(int64_t number, struct buf *out)
{
	char text[SIZE_TEXT_SIZE];

	size_format_exact(text, number);
	/* What has no unit is a number. */
	if (number > 0 && number % 1024 == 0)
		buf_addf(out, "\"%s\"", text);
	else
		buf_add(out, text);
}

static void
format_duration(int64_t number, struct buf *out)
{
	char text[DURATION_SIZE];

	duration_format_exact(text, number);
	buf_addf(out, "\"%s\"", text);
}

void
value_format(const struct key *key, int64_t number, struct buf *out)
{
	const char *name;

	switch (key->type) {
	case TYPE_BOOL: buf_add(out, number != 0 ? "true" : "false"); break;
	case TYPE_USD: buf_addf(out, "%.2f", (double)number / MILLION); break;
	case TYPE_LATE:
		if (number < 0)
			buf_addf(out, "%.6g", -(double)number / MILLION);
		else
			format_duration(number, out);
		break;
	case TYPE_DURATION: format_duration(number, out); break;
	case TYPE_SIZE: format_size(number, out); break;
	case TYPE_SIGNAL:
		name = sigabbrev_np((int)number);
		if (name != NULL)
			buf_addf(out, "\"%s\"", name);
		else
			buf_addf(out, "%" PRId64, number);
		break;
	case TYPE_CHOICE: buf_addf(out, "\"%s\"", key->choices[number]); break;
	case TYPE_OCTAL: buf_addf(out, "\"%03o\"", (unsigned)number); break;
	case TYPE_DAILY:
		buf_addf(
		    out, "\"%02d:%02d\"", (int)number / 60, (int)number % 60);
		break;
	default: buf_addf(out, "%" PRId64, number);
	}
}

static const char *
nearest_signal(const char *text)
{
	/* Of two that are as near the one that is set more often. */
	static const char *const names[] = { "TERM", "INT", "HUP", "QUIT",
		"KILL", "ABRT", "USR1", "USR2", "ALRM", "TRAP", "SEGV", "WINCH",
		"PIPE", "SYS", "IO", "PWR" };

	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	return text_nearest(text, names, sizeof(names) / sizeof(names[0]));
}

const char *
value_nearest(const struct key *key, const char *text)
{
	size_t n = 0;

	if (key->type == TYPE_SIGNAL)
		return nearest_signal(text);
	if (key->type != TYPE_CHOICE)
		return NULL;
	while (key->choices[n] != NULL)
		n++;
	return text_nearest(text, key->choices, n);
}
