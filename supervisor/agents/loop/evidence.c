#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/common/tail.h"
#include "agents/common/transcript.h"
#include "agents/loop/evidence.h"
#include "agents/loop/fingerprint.h"
#include "base/io.h"

#define EVIDENCE_MAX (12 * 1024)

void
evidence_keep(struct runner *r, const char *title)
{
	char path[PATH_SIZE],
	    *tail = tail_read(r->transcript_fd, r->job_offset, EVIDENCE_MAX);
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

/* Both, where there are two; second is freed. */
static char *
join(const char *first, char *second)
{
	char *text;

	if (first == NULL || first[0] == '\0')
		return second;
	if (asprintf(&text, "%s%s%s", first, second != NULL ? "\n\n" : "",
		second != NULL ? second : "") < 0)
		return second;
	free(second);
	return text;
}

void
evidence_recall(struct runner *r)
{
	free(r->failure);
	r->failure = read_beside(r->claim.last_transcript);
	/* It may have ended before it came to anything. */
	if (r->failure == NULL)
		r->failure = read_beside(r->claim.session.transcript);
	r->failure = join(r->claim.evidence, r->failure);
}
