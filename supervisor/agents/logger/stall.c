/*
 * Logs that can't be written: a full disk, a wrong owner, a directory in the
 * place of the file. The output waits in its pipe, everybody else is served,
 * and it is tried again, ever more rarely.
 */
#include <errno.h>
#include <string.h>

#include "agents/logger/logger.h"
#include "base/buf.h"
#include "system/notify_send.h"

#define STALLED_MS	 500
#define STALLED_MAX_MS	 10000
#define STALLED_DROP_MS	 50
#define STALLED_SAID	 10 /* logs that are named; of the others one hears */
#define STATUS_TEXT_SIZE 128

static void
tell(const char *text)
{
	char status[STATUS_TEXT_SIZE];
	struct buf b;

	buf_init(&b, status, sizeof(status));
	buf_addf(&b, "STATUS=%s", text);
	(void)notify_send(status);
}

/* All are tried again together. A component that rather loses output than
 * waits isn't kept waiting. */
static void
plan_retry(struct logger *l, bool soon)
{
	int64_t at_ms = l->now_ms + STALLED_DROP_MS;

	if (soon && (l->stalled_retry_ms == 0 || at_ms < l->stalled_retry_ms))
		l->stalled_retry_ms = at_ms;
	if (l->stalled_retry_ms != 0)
		return;
	if (l->stalled_backoff_ms == 0)
		l->stalled_backoff_ms = STALLED_MS;
	l->stalled_retry_ms = l->now_ms + l->stalled_backoff_ms;
	l->stalled_backoff_ms *= 2;
	if (l->stalled_backoff_ms > STALLED_MAX_MS)
		l->stalled_backoff_ms = STALLED_MAX_MS;
}

void
logger_stall(struct logger *l, struct stream *s, int error)
{
	logger_wait(l, s, WAIT_SPACE);
	if (!s->stalled) {
		s->stalled = true;
		if (l->nstalled++ < STALLED_SAID)
			log_line(&l->log,
			    "%s: cannot write %s/logs/%s.log: %s; its output "
			    "waits in the pipe and is tried again",
			    s->source->name, l->state, s->source->name,
			    strerror(error));
		if (l->nstalled == 1)
			tell("logs cannot be written, see logs/logger.log");
	}
	plan_retry(l, s->source->log.when_full == WHEN_FULL_DROP);
}

void
logger_recover(struct logger *l, struct stream *s)
{
	if (!s->stalled)
		return;
	s->stalled = false;
	log_line(&l->log, "%s: its log is written again", s->source->name);
	if (--l->nstalled > 0)
		return;
	tell("");
	l->stalled_backoff_ms = 0;
}
