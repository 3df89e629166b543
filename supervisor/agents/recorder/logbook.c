#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/recorder/logbook.h"
#include "base/io.h"

static void
begin_file(const struct logbook *l)
{
	int fd = open(l->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	/* Without a file the lines go where they went before. */
	if (fd >= 0) {
		(void)dup2(fd, STDOUT_FILENO);
		(void)dup2(fd, STDERR_FILENO);
	}
	io_close(&fd);
}

void
logbook_open(struct logbook *l, const char *state_directory)
{
	char logs[PATH_SIZE];

	*l = (struct logbook){ .log = { .name = "recorder", .stamped = true } };
	if (isatty(STDERR_FILENO) ||
	    path_format(logs, "%s/logs", state_directory) < 0 ||
	    path_make(logs, 0700) < 0)
		return;
	if (path_format(l->path, "%s/recorder.log", logs) == 0)
		begin_file(l);
}

void
logbook_say(struct logbook *l, const char *format, ...)
{
	char text[1024], older[PATH_SIZE];
	struct stat st;
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (l->path[0] != '\0' && fstat(STDERR_FILENO, &st) == 0 &&
	    (st.st_size > LOGBOOK_SIZE || st.st_nlink == 0)) {
		if (st.st_nlink > 0 && path_format(older, "%s.1", l->path) == 0)
			(void)rename(l->path, older);
		begin_file(l);
	}
	log_line(&l->log, "%s", text);
}
