#include <string.h>

#include "base/clock.h"
#include "base/line.h"

static const char marks[] = { [LINE_STDOUT] = '|', [LINE_STDERR] = '!' };

void
line_format(char ret[static LINE_PREFIX], int64_t wall_ms,
    enum line_stream stream, bool partial)
{
	char stamp[CLOCK_ISO_SIZE];

	clock_format_iso(stamp, wall_ms);
	(void)memcpy(ret, stamp, CLOCK_ISO_SIZE - 1);
	ret[24] = ' ';
	ret[25] = marks[stream];
	ret[26] = partial ? '+' : ' ';
}

static bool
is_stamp(const char *p)
{
	static const char form[] = "0000-00-00T00:00:00.000Z";

	for (size_t i = 0; i < sizeof(form) - 1; i++) {
		bool digit = p[i] >= '0' && p[i] <= '9';

		if (form[i] == '0' ? !digit : p[i] != form[i])
			return false;
	}
	return true;
}

static bool
is_marked(const char *p, size_t n)
{
	return n >= LINE_PREFIX &&
	    (p[25] == marks[LINE_STDOUT] || p[25] == marks[LINE_STDERR]) &&
	    (p[26] == ' ' || p[26] == '+');
}

bool
line_parse(const char *bytes, size_t n, struct line *ret)
{
	size_t prefix = sizeof(ret->stamp) + 1;

	if (n < prefix || bytes[24] != ' ' || !is_stamp(bytes))
		return false;
	(void)memcpy(ret->stamp, bytes, sizeof(ret->stamp));
	ret->stream = LINE_STDERR;
	ret->partial = false;
	if (is_marked(bytes, n)) {
		prefix = LINE_PREFIX;
		ret->stream =
		    bytes[25] == marks[LINE_STDOUT] ? LINE_STDOUT : LINE_STDERR;
		ret->partial = bytes[26] == '+';
	}
	ret->text = bytes + prefix;
	ret->len = n - prefix;
	return true;
}
