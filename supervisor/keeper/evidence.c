#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/io.h"
#include "keeper/evidence.h"
#include "system/tree.h"

void
evidence_keep(struct keeper *k)
{
	bool has_proc = k->dead.has_proc;

	output_keep(&k->output);
	k->dead = (struct keeper_dead){ .due = true,
		.has_proc = has_proc,
		.fallback = k->c.fallback,
		.pid = k->pid,
		.error = k->error,
		.started_ms = k->c.started_ms };
	(void)memcpy(
	    k->dead.status, k->record.status_text, sizeof(k->dead.status));
}

void
evidence_snapshot(struct keeper *k)
{
	int fd;

	if (k->dead.has_proc) /* the first one tells more */
		return;
	fd = openat(
	    k->dirfd, "proc", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	tree_table(fd, k->self);
	io_close(&fd);
	k->dead.has_proc = true;
}

void
evidence_describe(char *buf, size_t size, const struct component_death *death)
{
	if (death->cause == CAUSE_START_FAILED)
		(void)snprintf(buf, size, "cannot start: %s: %s",
		    spawn_stage_name(death->stage),
		    strerrordesc_np(death->error));
	else
		component_describe_death(buf, size, death);
}

static void
describe_circuit(const struct keeper *k, struct buf *b)
{
	char window[DURATION_SIZE], retry[DURATION_SIZE];
	int64_t now_ms = clock_ms();

	duration_format_exact(window, k->config->restart.window_ms);
	duration_format(retry, k->c.retry_ms - now_ms);
	buf_addf(b, "circuit open: %d deaths in %s, %s; tried again in %s",
	    component_deaths(&k->c, k->config, now_ms), window,
	    k->c.fallback ? "fallback" : "nothing runs", retry);
}

/* What was decided, and why. */
static void
describe_decision(const struct keeper *k, struct buf *b)
{
	const struct component *c = &k->c;
	char delay[DURATION_SIZE];

	switch (c->state) {
	case COMPONENT_FAILED: describe_circuit(k, b); break;
	case COMPONENT_STARTING:
	case COMPONENT_RUNNING:
		if (c->circuit == CIRCUIT_OPEN)
			describe_circuit(k, b);
		else
			buf_addf(b, "restarted at once (level %d)",
			    c->level > 0 ? c->level - 1 : 0);
		break;
	case COMPONENT_BACKOFF:
		duration_format_exact(delay, c->deadline_ms - c->death.at_ms);
		buf_addf(b, "waits %s (level %d)", delay,
		    c->level > 0 ? c->level - 1 : 0);
		break;
	case COMPONENT_WAITING:
		buf_add(b,
		    c->held ? "held by the circuit of the fleet"
			    : "waits for those that it comes after");
		break;
	case COMPONENT_STOPPED:
		buf_add(b,
		    c->want != WANT_RUN ? "not restarted: not wanted"
			: c->done	? "not restarted: it is done"
					: "not restarted: restart.policy");
		break;
	case COMPONENT_STOPPING: break;
	}
}

static void
add_times(const struct keeper *k, struct buf *b)
{
	int64_t now_ms = clock_ms(), wall_ms = clock_wall_ms();
	char started[CLOCK_ISO_SIZE], died[CLOCK_ISO_SIZE];

	clock_format_iso(started, wall_ms - (now_ms - k->dead.started_ms));
	clock_format_iso(died, wall_ms - (now_ms - k->c.death.at_ms));
	buf_addf(b,
	    "started_ms=%" PRId64 "\ndied_ms=%" PRId64
	    "\nstarted_at=%s\ndied_at=%s\n",
	    k->dead.started_ms, k->c.death.at_ms, started, died);
}

static void
add_death(const struct keeper *k, struct buf *b)
{
	const struct component_death *death = &k->c.death;
	char text[128];

	evidence_describe(text, sizeof(text), death);
	buf_addf(b, "component=%s\ncause=%s\ntext=%s\ncode=%d\n", k->name,
	    component_cause_name(death->cause), text, death->code);
	if (death->cause == CAUSE_START_FAILED)
		buf_addf(b, "stage=%s\nerrno=%d\n",
		    spawn_stage_name(death->stage), death->error);
	else if (k->dead.error != 0)
		buf_addf(b, "errno=%d\n", k->dead.error);
	buf_addf(b, "pid=%d\n", k->dead.pid);
	if (k->dead.fallback)
		buf_add(b, "command=fallback\n");
}

/* A full tmpfs: the one before stays. */
static void
replace(int dirfd, const char *path, const char *temporary, const struct buf *b)
{
	int fd = openat(
	    dirfd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd >= 0 && io_write_all(fd, b->data, b->len) == 0)
		(void)renameat(dirfd, temporary, dirfd, path);
	io_close(&fd);
}

static void
write_death(const struct keeper *k)
{
	const struct component *c = &k->c;
	char text[2048];
	struct buf b;

	buf_init(&b, text, sizeof(text));
	add_death(k, &b);
	add_times(k, &b);
	buf_addf(&b, "state=%s\ndecision=", component_state_name(c->state));
	describe_decision(k, &b);
	buf_addf(&b,
	    "\nrestarts=%" PRIu64 "\nlevel=%d\ncircuit=%s\n"
	    "deaths_in_window=%d\nmax_restarts=%d\nwindow_ms=%" PRId64
	    "\nnext_ms=%" PRId64 "\nstatus=%s\n",
	    c->restarts, c->level, component_circuit_name(c->circuit),
	    component_deaths(c, k->config, clock_ms()),
	    k->config->restart.max_restarts, k->config->restart.window_ms,
	    c->deadline_ms != 0 ? c->deadline_ms : c->retry_ms, k->dead.status);
	replace(k->dirfd, "death", "death.new", &b);
}

void
evidence_write(struct keeper *k)
{
	/* An end that was asked for is no death to ask why about. */
	if (k->c.death.cause != CAUSE_OPERATOR) {
		write_death(k);
		(void)output_save(&k->output, k->dirfd);
		if (!k->dead.has_proc && !k->no_proc)
			(void)unlinkat(k->dirfd, "proc", 0);
		k->no_proc = !k->dead.has_proc;
	} else {
		output_forget(&k->output);
	}
	k->dead.due = k->dead.has_proc = false;
}
