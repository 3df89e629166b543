#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/path.h"
#include "daemon/report.h"

#define LOG_SIZE (256 * 1024)

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

/* Opens path and puts it in the place of fd. */
static void
replace(int fd, const char *path)
{
	int flags = O_RDWR | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC;
	struct stat st;
	int from;

	if (stat(path, &st) == 0 && st.st_size > LOG_SIZE)
		flags |= O_TRUNC;
	from = open(path, flags, 0600);
	if (from < 0)
		return;
	(void)dup2(from, fd);
	io_close(&from);
}

void
report_end(const char *state_directory)
{
	char path[PATH_SIZE];

	replace(STDOUT_FILENO, "/dev/null");
	if (path_format(path, "%s/run/supervisor.log", state_directory) == 0)
		replace(STDERR_FILENO, path);
}
