#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/log_print.h"
#include "cli/print.h"

/* Of names, one after the other; no red, which is for stderr. */
static const char *const colours[] = { "\033[36m", "\033[33m", "\033[32m",
	"\033[35m", "\033[34m" };
#define TIME_SIZE 32
#define NCOLOURS  (sizeof(colours) / sizeof(colours[0]))

/* line->stamp as local time, "2026-01-07 02:14:00.123". */
static void
format_time(char ret[static TIME_SIZE], const struct line *line)
{
	char stamp[sizeof(line->stamp) + 1], clock[24];
	int64_t wall_ms;
	time_t seconds;
	struct tm tm;

	(void)snprintf(stamp, sizeof(stamp), "%.*s", (int)sizeof(line->stamp),
	    line->stamp);
	if (clock_parse_iso(stamp, &wall_ms) < 0) {
		(void)snprintf(ret, TIME_SIZE, "%s", stamp);
		return;
	}
	seconds = (time_t)(wall_ms / 1000);
	if (localtime_r(&seconds, &tm) == NULL ||
	    strftime(clock, sizeof(clock), "%Y-%m-%d %H:%M:%S", &tm) == 0)
		clock[0] = '\0';
	(void)snprintf(ret, TIME_SIZE, "%s.%03d", clock, (int)(wall_ms % 1000));
}

/* A copy with a NUL at its end and '?' for those inside; NULL with ENOMEM. */
static char *
copy_text(const struct line *line)
{
	char *text = malloc(line->len + 1);

	if (text == NULL)
		return NULL;
	(void)memcpy(text, line->text, line->len);
	text[line->len] = '\0';
	for (char *p = text;
	     (p = memchr(p, '\0', line->len - (size_t)(p - text))) != NULL;)
		*p = '?';
	return text;
}

static void
print_object(FILE *out, const char *name, const struct line *line, char *text)
{
	json_t *object = json_pack("{s:s%, s:s, s:s, s:b, s:o}", "timestamp",
	    line->stamp, sizeof(line->stamp), "component", name, "stream",
	    line->stream == LINE_STDOUT ? "stdout" : "stderr", "partial",
	    (int)line->partial, "text", print_json_text(text));

	if (object != NULL)
		(void)json_dumpf(object, out, JSON_COMPACT);
	(void)putc('\n', out);
	json_decref(object);
}

/* Cleans all between the tabs, which a terminal may have. */
static void
clean(char *text)
{
	for (char *tab; (tab = strchr(text, '\t')) != NULL; text = tab + 1) {
		*tab = '\0';
		text_clean(text);
		*tab = '\t';
	}
	text_clean(text);
}

static void
print_text(FILE *out, const struct log_style *style, const char *name,
    size_t index, const struct line *line)
{
	char time[TIME_SIZE];
	bool error = line->stream == LINE_STDERR;

	if (style->stamps) {
		format_time(time, line);
		(void)fprintf(out, "%s ", time);
	}
	if (style->name_width > 0)
		(void)fprintf(out, "%s%-*s%s %c%c",
		    style->colour ? colours[index % NCOLOURS] : "",
		    style->name_width, name,
		    print_end(style->colour, PRINT_RED), error ? '!' : '|',
		    line->partial ? '+' : ' ');
	else if (style->stamps)
		(void)fprintf(
		    out, "%c%c", error ? '!' : '|', line->partial ? '+' : ' ');
}

void
log_print(FILE *out, const struct log_style *style, const char *name,
    size_t index, const struct line *line)
{
	enum print_colour colour =
	    line->stream == LINE_STDERR ? PRINT_RED : PRINT_PLAIN;
	char *text = NULL;

	if (style->json || style->clean)
		text = copy_text(line);
	if (style->json && text != NULL) {
		print_object(out, name, line, text);
		free(text);
		return;
	}
	print_text(out, style, name, index, line);
	(void)fputs(print_begin(style->colour, colour), out);
	if (text != NULL) {
		clean(text);
		(void)fputs(text, out);
		free(text);
	} else {
		(void)fwrite(line->text, 1, line->len, out);
	}
	(void)fputs(print_end(style->colour, colour), out);
	(void)putc('\n', out);
}
