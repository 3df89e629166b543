/* Loops of other programs have no attempts and no worker that could be ended:
 * they are only told of. Their heartbeats are no progress. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/monitor/monitor.h"
#include "base/duration.h"
#include "base/hash.h"
#include "base/text.h"
#include "system/process.h"
#include "system/tree.h"

/* As of workers (vitals.c). */
#define CPU_SHARE 100

static struct foreign *
find(struct monitor *m, const char *loop_id)
{
	struct foreign *list;

	for (size_t i = 0; i < m->nforeign; i++)
		if (strcmp(m->foreign[i].loop_id, loop_id) == 0)
			return &m->foreign[i];
	list = reallocarray(m->foreign, m->nforeign + 1, sizeof(*list));
	if (list == NULL)
		return NULL;
	m->foreign = list;
	list += m->nforeign++;
	*list = (struct foreign){ 0 };
	(void)snprintf(list->loop_id, sizeof(list->loop_id), "%s", loop_id);
	return list;
}

static void
note(const struct foreign_loop *loop, void *argument)
{
	struct monitor *m = argument;
	struct foreign *f = find(m, loop->loop_id);

	if (f == NULL) {
		m->findings.failed = true;
		return;
	}
	(void)snprintf(f->test_id, sizeof(f->test_id), "%s", loop->test_id);
	f->pid = loop->pid;
	f->is_there = true;
}

static void
add_cpu(void *context, pid_t pid)
{
	uint64_t *sum = context;
	struct process p;

	if (process_read(pid, &p) == 0)
		*sum += p.cpu_ms;
}

/* Another process may have its pid by now: that one would only make it look
 * livelier than it is. */
static void
look_at_cpu(struct foreign *f, int64_t now_ms)
{
	uint64_t sum = 0;

	if (f->pid <= 0 || f->pid > INT32_MAX)
		return;
	add_cpu(&sum, (pid_t)f->pid);
	(void)tree_walk((pid_t)f->pid, add_cpu, &sum);
	if (f->cpu_at_ms == 0 || sum < f->cpu_ms) {
		f->cpu_ms = sum;
		f->cpu_at_ms = now_ms;
	} else if (sum > f->cpu_ms &&
	    (sum - f->cpu_ms) * CPU_SHARE >=
		(uint64_t)(now_ms - f->cpu_at_ms)) {
		f->cpu_ms = sum;
		f->cpu_at_ms = now_ms;
		f->ncpu++;
	}
}

static void
say(struct monitor *m, struct foreign *f, int64_t still_ms)
{
	int64_t limit_ms = m->agent.conf->monitor.stuck_after_ms;
	struct finding *n;
	char age[DURATION_SIZE];

	if (limit_ms == 0 || (f->watch.moved && still_ms < limit_ms))
		return;
	n = findings_add(&m->findings);
	if (n == NULL)
		return;
	(void)snprintf(n->cause, sizeof(n->cause), "stuck:%s", f->loop_id);
	(void)snprintf(n->loop_id, sizeof(n->loop_id), "%.*s",
	    (int)sizeof(n->loop_id) - 1, f->loop_id);
	if (still_ms < limit_ms)
		return;
	m->nstuck++;
	duration_format(age, still_ms);
	n->type = "loop_stuck";
	n->event = "stuck_detected";
	(void)snprintf(n->test_id, sizeof(n->test_id), "%s", f->test_id);
	(void)snprintf(n->message, sizeof(n->message),
	    "%s: no progress on %s for %s (no event%s)", f->loop_id, f->test_id,
	    age, f->pid > 0 ? ", no CPU time" : "");
}

/* Returns 0 or -1. */
static int
look(struct monitor *m, struct foreign *f, int64_t now_ms)
{
	char event[64] = "";
	uint64_t hash = HASH_INIT;

	if (progress_last_event(
		&m->agent.store, f->loop_id, event, sizeof(event)) < 0)
		return -1;
	look_at_cpu(f, now_ms);
	hash = hash_bytes(hash, f->test_id, strlen(f->test_id) + 1);
	hash = hash_bytes(hash, event, strlen(event) + 1);
	hash = hash_bytes(hash, &f->ncpu, sizeof(f->ncpu));
	say(m, f, watch_look(&f->watch, hash, now_ms));
	m->has_work = true;
	return 0;
}

void
rule_foreign(struct monitor *m, int64_t now_ms)
{
	size_t n = 0;

	for (size_t i = 0; i < m->nforeign; i++)
		m->foreign[i].is_there = false;
	if (progress_foreign(&m->agent.store, note, m) < 0)
		m->findings.failed = true;
	for (size_t i = 0; i < m->nforeign; i++) {
		struct foreign *f = &m->foreign[i];

		if (!f->is_there)
			continue;
		if (look(m, f, now_ms) < 0)
			m->findings.failed = true;
		m->foreign[n++] = *f;
	}
	m->nforeign = n;
}
