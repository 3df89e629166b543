/*
 * loopkeeper-monitor [-c FILE] [NAME]: looks at the work every `monitor.every`
 * and raises an alert for what doesn't get on: a loop without progress, a test
 * that fails again and again. Whether components live is not its concern;
 * their keepers see to that.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/common/agent.h"
#include "agents/common/findings.h"
#include "agents/monitor/sweep.h"
#include "agents/monitor/watch.h"
#include "base/clock.h"
#include "base/duration.h"
#include "store/regressions.h"

/* Later than this, it was asleep or stopped itself. */
#define LATE_MS 5000

struct monitor {
	struct agent agent;
	struct watch *watches; /* one per loop of the configuration */
	size_t nwatches;
	struct findings findings;
	struct sweep sweep;
	int64_t looked_ms; /* the last look; 0: none yet */
};

static void
say_stuck(struct monitor *m, const struct watch *w, int64_t still_ms)
{
	struct finding *f = findings_add(&m->findings);
	char age[DURATION_SIZE];

	if (f == NULL)
		return;
	(void)snprintf(f->cause, sizeof(f->cause), "stuck:%s", w->config->name);
	(void)snprintf(f->loop_id, sizeof(f->loop_id), "%s", w->config->name);
	/* An earlier run of ours may have raised it, and nothing has moved. */
	if (still_ms < m->agent.conf->monitor.stuck_after_ms)
		return;
	duration_format(age, still_ms);
	f->type = "loop_stuck";
	f->event = "stuck_detected";
	(void)snprintf(
	    f->test_id, sizeof(f->test_id), "%s", w->progress.test_id);
	(void)snprintf(f->message, sizeof(f->message),
	    "%s: no progress on %s for %s (%s, no output)", w->config->name,
	    w->progress.test_id, age, w->progress.state);
}

static void
look_at_loop(struct monitor *m, struct watch *w, int64_t now_ms)
{
	struct progress progress;
	int64_t still_ms;
	int found =
	    progress_of_loop(&m->agent.store, w->config->name, &progress);

	if (found < 0) {
		m->findings.failed = true;
		return;
	}
	still_ms = watch_look(w, found > 0 ? &progress : NULL, now_ms);
	if (found > 0 &&
	    (!w->moved || still_ms >= m->agent.conf->monitor.stuck_after_ms))
		say_stuck(m, w, still_ms);
}

static void
say_failing(const struct failing *test, void *argument)
{
	struct monitor *m = argument;
	struct finding *f = findings_add(&m->findings);

	if (f == NULL)
		return;
	f->type = "test_failing";
	f->event = "stuck_detected";
	(void)snprintf(f->cause, sizeof(f->cause), "failing:%s", test->test_id);
	(void)snprintf(f->test_id, sizeof(f->test_id), "%s", test->test_id);
	(void)snprintf(f->loop_id, sizeof(f->loop_id), "%s", test->loop_id);
	(void)snprintf(f->message, sizeof(f->message),
	    "%s failed %d times in a row; the last: %s", test->test_id,
	    test->failures, test->last_result);
}

static void
say_regression(const struct regression *r, void *argument)
{
	struct monitor *m = argument;
	struct finding *f = findings_add(&m->findings);

	if (f == NULL)
		return;
	f->type = "regression";
	(void)snprintf(f->cause, sizeof(f->cause), "regression:%s", r->test_id);
	(void)snprintf(f->test_id, sizeof(f->test_id), "%s", r->test_id);
	(void)snprintf(f->loop_id, sizeof(f->loop_id), "%s", r->loop_id);
	if (r->is_outside)
		(void)snprintf(f->message, sizeof(f->message),
		    "%s fails now, also on %.12s, where it passed: something "
		    "outside the repository has changed: see %s",
		    r->test_id, r->last_good, r->transcript);
	else
		(void)snprintf(f->message, sizeof(f->message),
		    "%s fails on %.12s%s%.12s: see %s", r->test_id, r->commit,
		    r->last_good[0] != '\0' ? ", and passes on " : "",
		    r->last_good, r->transcript);
}

static void
say_trouble(struct monitor *m)
{
	const struct branch *b = m->sweep.trouble;
	struct finding *f;

	if (b == NULL || (f = findings_add(&m->findings)) == NULL)
		return;
	f->type = "regressions_unknown";
	(void)snprintf(
	    f->cause, sizeof(f->cause), "regressions:%s", b->config->name);
	(void)snprintf(f->message, sizeof(f->message),
	    "passed tests can't be run again on %s: %s",
	    b->config->integration_branch, m->sweep.why);
}

static void
look_at_regressions(struct monitor *m)
{
	struct agent *a = &m->agent;

	if (regressions_settle(&a->store, a->name) < 0 ||
	    regressions_each(&a->store, say_regression, m) < 0)
		m->findings.failed = true;
	say_trouble(m);
}

/* Nobody is judged for a time in which the monitor itself was away. */
static void
forgive(struct monitor *m, int64_t now_ms)
{
	int64_t late_ms =
	    now_ms - m->looked_ms - m->agent.conf->monitor.every_ms;

	if (m->looked_ms != 0 && late_ms > LATE_MS)
		for (size_t i = 0; i < m->nwatches; i++)
			watch_forgive(&m->watches[i], late_ms);
	m->looked_ms = now_ms;
}

static void
look(struct monitor *m, int64_t now_ms)
{
	struct agent *a = &m->agent;

	if (agent_database(a) < 0)
		return;
	forgive(m, now_ms);
	for (size_t i = 0; i < m->nwatches; i++)
		look_at_loop(m, &m->watches[i], now_ms);
	if (progress_failing(&a->store, a->conf->monitor.failures_in_row,
		say_failing, m) < 0)
		m->findings.failed = true;
	look_at_regressions(m);
	if (m->findings.failed)
		agent_failed(a, "looking at the work");
	else if (findings_publish(&m->findings, &a->store, a->name) < 0)
		agent_failed(a, "raising an alert");
	m->findings.n = 0;
	m->findings.failed = false;
	agent_status(a, "watching %zu loops%s", m->nwatches,
	    sweep_is_busy(&m->sweep) ? ", running passed tests again" : "");
}

static int
run(struct monitor *m)
{
	struct agent *a = &m->agent;
	int64_t look_ms = 0, wake_ms;

	agent_ready(a);
	while (!a->stopping || sweep_is_busy(&m->sweep)) {
		int64_t now_ms = clock_ms();

		(void)agent_look(a);
		if (now_ms >= look_ms) {
			look_ms = now_ms + a->conf->monitor.every_ms;
			look(m, now_ms);
		}
		if (a->stopping)
			sweep_stop(&m->sweep, now_ms);
		sweep_step(&m->sweep, now_ms);
		wake_ms = sweep_next_ms(&m->sweep, now_ms);
		if (wake_ms == 0 || wake_ms > look_ms)
			wake_ms = look_ms;
		if (agent_wait(a, wake_ms, false) < 0)
			return 1;
	}
	return 0;
}

static int
begin(struct monitor *m, int argc, char **argv)
{
	int code = agent_begin(&m->agent, argc, argv, "monitor");
	const struct conf *conf = m->agent.conf;

	if (code != 0)
		return code;
	m->watches = calloc(conf->nloops + 1, sizeof(*m->watches));
	if (m->watches == NULL) {
		log_line(&m->agent.log, "%s", strerror(errno));
		return 1;
	}
	for (m->nwatches = 0; m->nwatches < conf->nloops; m->nwatches++)
		m->watches[m->nwatches].config = &conf->loops[m->nwatches];
	return sweep_open(&m->sweep, &m->agent) < 0 ? 1 : 0;
}

int
main(int argc, char **argv)
{
	static struct monitor monitor;
	int code = begin(&monitor, argc, argv);

	if (code == 0)
		code = run(&monitor);
	sweep_close(&monitor.sweep);
	findings_finish(&monitor.findings);
	free(monitor.watches);
	agent_finish(&monitor.agent);
	return code;
}
