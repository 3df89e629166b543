#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agents/common/transcript.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"

#define NAME_SIZE 200 /* leaves room for the rest of a file's name */

/* What a file's name can't have, or nobody wants in one, as in a URL: no two
 * tests have the same. */
static void
make_name(const char *test_id, char *buf, size_t size)
{
	struct buf b;

	buf_init(&b, buf, size);
	for (const char *p = test_id; *p != '\0'; p++) {
		unsigned c = (unsigned char)*p;

		if (c == '/' || c == '%' || c <= ' ')
			buf_addf(&b, "%%%02X", c);
		else
			buf_add_bytes(&b, p, 1);
	}
}

static int
open_log(const char *directory, const char *test_id, const char *suffix,
    int flag, char ret[static PATH_SIZE])
{
	char name[NAME_SIZE];

	make_name(test_id, name, sizeof(name));
	if (path_make(directory, 0700) < 0 ||
	    path_format(ret, "%s/%s-%s.log", directory, name, suffix) < 0)
		return -1;
	return open(ret, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | flag, 0600);
}

int
transcript_open(const char *directory, const char *test_id, const char *suffix,
    char ret[static PATH_SIZE])
{
	return open_log(directory, test_id, suffix, O_TRUNC, ret);
}

int
transcript_create(const char *directory, const char *test_id,
    const char *suffix, char ret[static PATH_SIZE])
{
	return open_log(directory, test_id, suffix, O_EXCL, ret);
}

int
transcript_beside(
    const char *transcript, const char *end, char ret[static PATH_SIZE])
{
	size_t len = strlen(transcript);

	if (len > 4 && strcmp(transcript + len - 4, ".log") == 0)
		len -= 4;
	return path_format(ret, "%.*s%s", (int)len, transcript, end);
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
