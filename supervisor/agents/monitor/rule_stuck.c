#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/common/transcript.h"
#include "agents/monitor/monitor.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/io.h"
#include "store/alive.h"
#include "system/tree.h"

#define TAIL_SIZE 4096

/* ---- evidence ---- */

static void
copy_tail(int fd, const char *path)
{
	char bytes[TAIL_SIZE];
	int in = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (in < 0)
		return;
	if (fstat(in, &st) == 0) {
		n = pread(in, bytes, sizeof(bytes),
		    st.st_size > TAIL_SIZE ? st.st_size - TAIL_SIZE : 0);
		if (n > 0)
			(void)io_write_all(fd, bytes, (size_t)n);
	}
	io_close(&in);
}

static void
write_evidence(const struct monitor *m, const struct watched *w, int fd)
{
	pid_t pid = alive_holder(m->agent.state_directory, w->config->name);
	char at[CLOCK_ISO_SIZE];

	transcript_note(fd, "%s: no progress on %s (%s)", w->config->name,
	    w->progress.test_id, w->progress.state);
	transcript_note(fd, "the processes below its loop:");
	if (pid > 0)
		tree_table(fd, pid);
	transcript_note(fd, "the files that it has changed so far, and when:");
	for (size_t i = 0; i < w->changed.n; i++) {
		clock_format_iso(at, w->changed.files[i].wall_ms);
		(void)dprintf(fd, "%s %s\n", at, w->changed.files[i].path);
	}
	transcript_note(fd, "the end of its output:");
	copy_tail(fd, w->progress.transcript);
}

/* Once per attempt: the first one tells most. */
static void
keep_evidence(struct monitor *m, struct watched *w)
{
	char path[PATH_SIZE];
	int fd;

	if (w->evidence[0] != '\0' || w->progress.transcript[0] == '\0' ||
	    transcript_beside(w->progress.transcript, ".stuck", path) < 0)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0) {
		write_evidence(m, w, fd);
		io_close(&fd);
	} else if (errno != EEXIST) {
		log_line(&m->agent.log, "%s: %s", path, strerror(errno));
		return;
	}
	(void)path_format(w->evidence, "%s", path);
}

/* ---- what is told ---- */

static void
describe_idle(const struct watched *w, const char *age, char *ret, size_t size)
{
	const char *s = w->npending == 1 ? "" : "s";

	if (w->is_alive)
		(void)snprintf(ret, size,
		    "%s: has taken no test for %s, with %lld pending test%s "
		    "and nothing in the way",
		    w->config->name, age, (long long)w->npending, s);
	else
		(void)snprintf(ret, size,
		    "%s: doesn't run, and %lld pending test%s wait%s for it "
		    "(%s by now)",
		    w->config->name, (long long)w->npending, s,
		    w->npending == 1 ? "s" : "", age);
}

static void
describe_attempt(
    const struct watched *w, const char *age, char *ret, size_t size)
{
	const struct progress *p = &w->progress;
	struct buf b;

	buf_init(&b, ret, size);
	buf_addf(&b,
	    "%s: no progress on %s for %s (%s; no output, CPU time or changed "
	    "file)",
	    w->config->name, p->test_id, age, p->state);
	if (w->evidence[0] != '\0')
		buf_addf(&b, ": see %s", w->evidence);
}

/* It was told, and goes on: its loop doesn't look. */
static void
say_unheeded(struct monitor *m, const struct watched *w, int64_t now_ms)
{
	int64_t limit_ms = m->agent.conf->monitor.heed_after_ms;
	struct finding *f;
	char age[DURATION_SIZE];

	if (limit_ms == 0 || w->stopped_ms == 0 ||
	    now_ms - w->stopped_ms < limit_ms ||
	    strcmp(w->progress.state, "running") != 0)
		return;
	f = findings_add(&m->findings);
	if (f == NULL)
		return;
	duration_format(age, now_ms - w->stopped_ms);
	f->type = "loop_stuck";
	f->severity = "critical";
	(void)snprintf(
	    f->cause, sizeof(f->cause), "unheeded:%s", w->config->name);
	(void)snprintf(f->loop_id, sizeof(f->loop_id), "%s", w->config->name);
	(void)snprintf(
	    f->test_id, sizeof(f->test_id), "%s", w->progress.test_id);
	(void)snprintf(f->message, sizeof(f->message),
	    "%s: was told %s ago to end its attempt at %s, and doesn't: "
	    "loopkeeper restart %s",
	    w->config->name, age, w->progress.test_id, w->config->name);
}

void
rule_stuck(struct monitor *m, struct watched *w, int64_t now_ms)
{
	int64_t limit_ms = m->agent.conf->monitor.stuck_after_ms;
	char age[DURATION_SIZE];
	struct finding *f;

	if (limit_ms == 0 || (!w->is_busy && !w->is_in_vain))
		return;
	say_unheeded(m, w, now_ms);
	if (w->watch.moved && w->still_ms < limit_ms)
		return;
	f = findings_add(&m->findings);
	if (f == NULL)
		return;
	(void)snprintf(f->cause, sizeof(f->cause), "stuck:%s", w->config->name);
	(void)snprintf(f->loop_id, sizeof(f->loop_id), "%s", w->config->name);
	/* An earlier run of ours may have raised it, and nothing has moved. */
	if (w->still_ms < limit_ms)
		return;
	m->nstuck++;
	duration_format(age, w->still_ms);
	f->type = "loop_stuck";
	f->event = "stuck_detected";
	(void)snprintf(
	    f->test_id, sizeof(f->test_id), "%s", w->progress.test_id);
	if (w->is_busy) {
		keep_evidence(m, w);
		describe_attempt(w, age, f->message, sizeof(f->message));
	} else {
		describe_idle(w, age, f->message, sizeof(f->message));
	}
}

/* Too few to warn of. What was found in each is kept and told all the same. */
static void
play_down(struct findings *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		struct finding *f = &findings->list[i];

		if (f->type != NULL && strcmp(f->type, "loop_stuck") == 0 &&
		    f->severity == NULL)
			f->severity = "info";
	}
}

void
rule_stuck_fleet(struct monitor *m)
{
	const struct monitor_config *c = &m->agent.conf->monitor;
	struct finding *f;

	if (c->stuck_warning == 0 || m->nstuck < (size_t)c->stuck_warning)
		play_down(&m->findings);
	if (c->stuck_critical > 0 && m->nstuck >= (size_t)c->stuck_critical &&
	    (f = findings_add(&m->findings)) != NULL) {
		f->type = "loops_stuck";
		f->severity = "critical";
		(void)snprintf(f->cause, sizeof(f->cause), "stuck_loops");
		(void)snprintf(f->message, sizeof(f->message),
		    "%zu loop%s without progress: is it the machine, the "
		    "network, a provider?",
		    m->nstuck, m->nstuck == 1 ? "" : "s");
	}
	if (m->is_capped && (f = findings_add(&m->findings)) != NULL) {
		f->type = "stuck_not_ended";
		f->severity = "critical";
		(void)snprintf(f->cause, sizeof(f->cause), "stops");
		(void)snprintf(f->message, sizeof(f->message),
		    "%d attempts were ended within an hour because they made "
		    "no progress; no more are (monitor.stops_per_hour)",
		    c->stops_per_hour);
	}
	m->is_capped = false;
}

/* ---- what is done ---- */

static bool
may_stop(struct monitor *m)
{
	struct agent *a = &m->agent;
	char since[CLOCK_ISO_SIZE];
	int n, max = a->conf->monitor.stops_per_hour;

	if (max == 0)
		return false;
	clock_format_iso(since, clock_wall_ms() - MONITOR_HOUR_MS);
	n = attempts_stopped(&a->store, a->name, since);
	if (n < 0)
		agent_failed(a, "counting what was ended");
	if (n >= max)
		m->is_capped = true;
	return n >= 0 && n < max;
}

void
rule_stuck_act(struct monitor *m, struct watched *w, int64_t now_ms)
{
	struct agent *a = &m->agent;
	int64_t limit_ms = a->conf->monitor.stuck_after_ms;
	char age[DURATION_SIZE], reason[64];
	int told;

	if (limit_ms == 0 || !w->is_busy || w->still_ms < limit_ms ||
	    w->stopped_ms != 0 || a->store.db == NULL ||
	    strcmp(w->progress.state, "running") != 0 || !may_stop(m))
		return;
	duration_format(age, w->still_ms);
	(void)snprintf(reason, sizeof(reason), "no progress for %s", age);
	told =
	    attempts_stop(&a->store, w->progress.attempt_id, a->name, reason);
	if (told < 0) {
		agent_failed(a, "ending a stuck attempt");
		return;
	}
	w->stopped_ms = now_ms;
	if (told > 0)
		log_line(&a->log, "%s: %s: %s: its worker is to be ended",
		    w->config->name, w->progress.test_id, reason);
}
