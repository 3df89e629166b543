#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "daemon/report.h"

void
report(char kind, const char *format, ...)
{
	char line[1024], text[1000];
	struct buf b;
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	buf_init(&b, line, sizeof(line));
	buf_addf(&b, "%c%s\n", kind, text);
	if (write(STDOUT_FILENO, b.data, b.len) < 0)
		return;
}

void
report_lines(const struct log *log, char kind, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")) != NULL) {
		if (line[0] == '\0')
			continue;
		report(kind, "%s", line);
		if (kind != REPORT_FOUND)
			log_line(log, "%s", line);
	}
}

void
report_refusal(const struct log *log, const char *format, ...)
{
	char text[1000];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	report(REPORT_FAILED, "%s", text);
	log_line(log, "%s", text);
}

void
report_end(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)dup2(fd, STDOUT_FILENO);
	(void)close(fd);
}
