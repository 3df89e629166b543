#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/common/transcript.h"
#include "agents/loop/evidence.h"
#include "agents/loop/fingerprint.h"
#include "base/io.h"
#include "base/text.h"

#define EVIDENCE_MAX (12 * 1024)

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

/* The last bytes from `from` on, from the beginning of a line if there is
 * one. To be freed. */
static char *
read_tail(int fd, off_t from)
{
	char *text = malloc(EVIDENCE_MAX + 1), *line;
	struct stat st;
	off_t at = from;
	ssize_t n;

	if (text == NULL || fstat(fd, &st) < 0) {
		free(text);
		return NULL;
	}
	if (st.st_size - at > EVIDENCE_MAX)
		at = st.st_size - EVIDENCE_MAX;
	n = pread(fd, text, EVIDENCE_MAX, at);
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

void
evidence_keep(struct runner *r, const char *title)
{
	char path[PATH_SIZE],
	    *tail = read_tail(r->transcript_fd, r->job_offset);
	char *text = NULL;

	if (tail != NULL && r->is_worked)
		fingerprint_make(r->fingerprint, title, tail,
		    r->place.trees[TREE_VERIFY].path);
	if (tail == NULL || asprintf(&text, "%s:\n%s", title, tail) < 0)
		text = NULL;
	free(tail);
	if (text == NULL)
		return;
	free(r->failure);
	r->failure = text;
	/* Without it the next attempt knows less: no reason to end this one. */
	if (transcript_beside(r->transcript, ".failure", path) < 0 ||
	    io_replace_file(AT_FDCWD, path, text, strlen(text), 0) < 0)
		log_line(&r->agent.log, "%s: %s", path, strerror(errno));
}

void
evidence_forget(struct runner *r)
{
	char path[PATH_SIZE];

	free(r->failure);
	r->failure = NULL;
	r->fingerprint[0] = '\0';
	if (transcript_beside(r->transcript, ".failure", path) < 0 ||
	    (unlink(path) < 0 && errno != ENOENT))
		log_line(&r->agent.log, "%s: %s", path, strerror(errno));
}

/* What was kept beside that transcript; NULL for nothing. To be freed. */
static char *
read_beside(const char *transcript)
{
	char path[PATH_SIZE], *text;

	if (transcript == NULL || transcript[0] == '\0' ||
	    transcript_beside(transcript, ".failure", path) < 0)
		return NULL;
	text = malloc(EVIDENCE_MAX + 1024);
	if (text == NULL ||
	    io_read_file(AT_FDCWD, path, text, EVIDENCE_MAX + 1024) > 0)
		return text;
	free(text);
	return NULL;
}

void
evidence_recall(struct runner *r)
{
	free(r->failure);
	r->failure = read_beside(r->claim.last_transcript);
	/* It may have ended before it came to anything. */
	if (r->failure == NULL)
		r->failure = read_beside(r->claim.session.transcript);
}
