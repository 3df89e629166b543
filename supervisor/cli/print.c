#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/print.h"

int
print_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

const char *
print_begin(bool colour, enum print_colour which)
{
	static const char *const codes[] = {
		[PRINT_PLAIN] = "",
		[PRINT_GREEN] = "\033[32m",
		[PRINT_YELLOW] = "\033[33m",
		[PRINT_RED] = "\033[31m",
	};
	return colour ? codes[which] : "";
}

const char *
print_end(bool colour, enum print_colour which)
{
	return colour && which != PRINT_PLAIN ? "\033[0m" : "";
}

void
print_time(char buf[static PRINT_TIME_SIZE], const char *stored)
{
	int64_t wall_ms;
	time_t then, now = time(NULL);
	struct tm tm, today;

	if (clock_parse_iso(stored, &wall_ms) < 0) {
		(void)strlcpy(buf, stored, PRINT_TIME_SIZE);
		text_clean(buf);
		return;
	}
	then = (time_t)(wall_ms / 1000);
	if (localtime_r(&then, &tm) == NULL ||
	    localtime_r(&now, &today) == NULL) {
		(void)strlcpy(buf, stored, PRINT_TIME_SIZE);
		return;
	}
	(void)strftime(buf, PRINT_TIME_SIZE,
	    tm.tm_year == today.tm_year && tm.tm_yday == today.tm_yday
		? "%H:%M:%S"
		: "%Y-%m-%d %H:%M:%S",
	    &tm);
}

int64_t
print_age_ms(const char *stored)
{
	int64_t wall_ms, age_ms;

	if (clock_parse_iso(stored, &wall_ms) < 0)
		return -1;
	age_ms = clock_wall_ms() - wall_ms;
	return age_ms > 0 ? age_ms : 0;
}

void
print_cut(char *buf, size_t size, const char *text, int columns)
{
	size_t at = 0, used = 0, limit = columns > 3 ? (size_t)columns : 3;
	size_t cut = 0; /* where "..." would go */

	while (text[at] != '\0' && used < limit) {
		size_t n = text_utf8_len(text + at);

		if (used == limit - 3)
			cut = at;
		at += n > 0 ? n : 1;
		used++;
	}
	if (text[at] == '\0')
		(void)snprintf(buf, size, "%s", text);
	else
		(void)snprintf(buf, size, "%.*s...", (int)cut, text);
	text_clean(buf);
}

void
print_clean(const char *text)
{
	while (*text != '\0') {
		size_t n = text_utf8_len(text);
		bool control = n <= 1 &&
		    ((unsigned char)*text < 0x20 || *text == 0x7f) &&
		    *text != '\n' && *text != '\t';

		if (n == 0 || control) {
			(void)putchar('?');
			n = 1;
		} else {
			(void)fwrite(text, 1, n, stdout);
		}
		text += n;
	}
}

int
print_json(json_t *value, int code)
{
	int result;

	if (value == NULL)
		return cli_error(CLI_FAILED, "out of memory");
	result = json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	(void)putchar('\n');
	json_decref(value);
	return result < 0 ? CLI_FAILED : code;
}

int
print_json_next(json_t *value, size_t nbefore)
{
	int result;

	(void)fputs(nbefore == 0 ? "[" : ",\n", stdout);
	if (value == NULL) {
		errno = ENOMEM;
		return -1;
	}
	result = json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(value);
	return result;
}

void
print_json_end(size_t n)
{
	(void)fputs(n == 0 ? "[]\n" : "]\n", stdout);
}

json_t *
print_json_text(const char *text)
{
	json_t *value = json_string(text);
	char *copy;

	if (value != NULL || (copy = strdup(text)) == NULL)
		return value;
	for (char *p = copy; *p != '\0';) {
		size_t n = text_utf8_len(p);

		if (n == 0) {
			*p = '?';
			n = 1;
		}
		p += n;
	}
	value = json_string(copy);
	free(copy);
	return value;
}

json_t *
print_json_set(const char *text)
{
	return text == NULL || text[0] == '\0' ? json_null()
					       : print_json_text(text);
}

const char *
print_json_get(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

json_t *
print_json_raw(const char *text)
{
	json_t *value;

	if (text == NULL || text[0] == '\0')
		return json_null();
	value = json_loads(text, JSON_DECODE_ANY, NULL);
	return value != NULL ? value : print_json_text(text);
}

static json_t *
field_json(enum print_kind kind, const void *member)
{
	const char *const *text = member;
	const int64_t *number = member;
	const double *real = member;

	switch (kind) {
	case PRINT_TEXT: return print_json_set(*text);
	case PRINT_STORED: return print_json_raw(*text);
	case PRINT_NUMBER: return json_integer(*number);
	case PRINT_SOME:
		return *number == 0 ? json_null() : json_integer(*number);
	case PRINT_FLAG: return json_boolean(*number != 0);
	case PRINT_KNOWN:
		return *number < 0 ? json_null() : json_integer(*number);
	case PRINT_REAL: return *real < 0 ? json_null() : json_real(*real);
	}
	return NULL;
}

json_t *
print_json_row(const struct print_field *fields, size_t n, const void *row)
{
	json_t *object = json_object();

	for (size_t i = 0; i < n; i++)
		(void)json_object_set_new(object, fields[i].key,
		    field_json(
			fields[i].kind, (const char *)row + fields[i].offset));
	return object;
}
