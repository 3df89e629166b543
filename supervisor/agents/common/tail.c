#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/common/tail.h"
#include "base/text.h"

/* Control characters but for newlines and tabs, and what is no UTF-8, have no
 * place in a prompt. */
static void
clean(char *text)
{
	for (char *p = text; *p != '\0';) {
		size_t len = text_utf8_len(p);

		if (len == 0) {
			*p++ = '?';
			continue;
		}
		if (len == 1 && (unsigned char)*p < ' ' && *p != '\n' &&
		    *p != '\t')
			*p = ' ';
		p += len;
	}
}

char *
tail_read(int fd, off_t from, size_t max)
{
	char *text = malloc(max + 1), *line;
	struct stat st;
	off_t at = from;
	ssize_t n;

	if (text == NULL || fstat(fd, &st) < 0) {
		free(text);
		return NULL;
	}
	if (st.st_size - at > (off_t)max)
		at = st.st_size - (off_t)max;
	n = pread(fd, text, max, at);
	/* A NUL isn't its end. */
	for (ssize_t i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	text[n > 0 ? n : 0] = '\0';
	line = at > from ? strchr(text, '\n') : NULL;
	if (line != NULL)
		(void)memmove(text, line + 1, strlen(line + 1) + 1);
	clean(text);
	return text;
}
