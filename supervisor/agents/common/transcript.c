#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agents/common/transcript.h"
#include "base/clock.h"
#include "base/io.h"

void
transcript_name(const char *test_id, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s", test_id);
	for (char *p = buf; *p != '\0'; p++)
		if (*p == '/' || (unsigned char)*p <= ' ')
			*p = '_';
}

void
transcript_note(int fd, const char *format, ...)
{
	char line[4096], text[4000], now[CLOCK_ISO_SIZE];
	va_list ap;
	int len;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	clock_format_iso(now, clock_wall_ms());
	len = snprintf(line, sizeof(line), "# %s %s\n", now, text);
	/* The outcome doesn't hang on it: a full disk shows elsewhere. */
	(void)io_write_all(fd, line, (size_t)len);
}
