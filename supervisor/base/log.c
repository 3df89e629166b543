#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

void
log_line(const struct log *log, const char *format, ...)
{
	char line[2048], text[1900], stamp[CLOCK_ISO_SIZE];
	struct buf b;
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	buf_init(&b, line, sizeof(line));
	if (log->stamped) {
		clock_format_iso(stamp, clock_wall_ms());
		buf_addf(&b, "%s ", stamp);
	}
	buf_addf(&b, "%s: %s\n", log->name, text);
	if (write(STDERR_FILENO, b.data, b.len) < 0)
		return;
}
