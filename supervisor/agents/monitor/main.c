/* loopkeeper-monitor [-c FILE] [NAME]: looks, judges, tells (monitor.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/monitor/monitor.h"
#include "base/clock.h"
#include "store/regressions.h"

/* Later than this, it was asleep or stopped itself. */
#define LATE_MS 5000

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

/* Who broke it, as far as one is to blame. */
static void
say_blame(const struct regression *r, char *buf, size_t size)
{
	if (r->first_bad[0] == '\0')
		(void)snprintf(buf, size, "fails on %.12s", r->commit);
	else
		(void)snprintf(buf, size, "fails%s since %.12s, by %s%s%s%s",
		    r->enough > 0 ? " now and then" : "", r->first_bad,
		    r->blamed_test[0] != '\0' ? r->blamed_test : r->author,
		    r->blamed_loop[0] != '\0' ? " of " : "", r->blamed_loop,
		    r->ncommits > 1 ? " or a commit before it" : "");
}

static void
say_regression(const struct regression *r, void *argument)
{
	struct monitor *m = argument;
	struct finding *f = findings_add(&m->findings);
	char blame[320];

	m->nregressed++;
	if (f == NULL)
		return;
	f->type = "regression";
	(void)snprintf(f->cause, sizeof(f->cause), "regression:%s", r->test_id);
	(void)snprintf(f->test_id, sizeof(f->test_id), "%s", r->test_id);
	(void)snprintf(f->loop_id, sizeof(f->loop_id), "%s", r->loop_id);
	say_blame(r, blame, sizeof(blame));
	if (r->is_outside)
		(void)snprintf(f->message, sizeof(f->message),
		    "%s fails now, also on %.12s, where it passed: something "
		    "outside the repository has changed: see %s",
		    r->test_id, r->last_good, r->transcript);
	else
		(void)snprintf(f->message, sizeof(f->message),
		    "%s %s%s%.12s: see 'loopkeeper regressions'", r->test_id,
		    blame, r->last_good[0] != '\0' ? ", and passes on " : "",
		    r->last_good);
}

static void
say_trouble(struct monitor *m, const struct branch *b)
{
	struct finding *f = findings_add(&m->findings);

	if (f == NULL)
		return;
	f->type = "regressions_unknown";
	(void)snprintf(
	    f->cause, sizeof(f->cause), "regressions:%s", b->config->name);
	(void)snprintf(f->message, sizeof(f->message),
	    "passed tests can't be run again on %s: %s",
	    b->config->integration_branch, b->why);
}

static void
look_at_regressions(struct monitor *m)
{
	struct agent *a = &m->agent;

	m->nregressed = 0;
	if (regressions_settle(&a->store, a->name) < 0 ||
	    regressions_each(&a->store, say_regression, m) < 0)
		m->findings.failed = true;
	for (size_t i = 0; i < m->sweep.nbranches; i++)
		if (m->sweep.branches[i].why[0] != '\0')
			say_trouble(m, &m->sweep.branches[i]);
}

/* Nobody is judged for a time in which the monitor itself was away, nor by a
 * clock that was set. */
static void
forgive(struct monitor *m, int64_t now_ms)
{
	int64_t ahead_ms = clock_wall_ms() - now_ms;
	int64_t late_ms =
	    now_ms - m->looked_ms - m->agent.conf->monitor.every_ms;

	if (m->looked_ms != 0 && late_ms > LATE_MS) {
		for (size_t i = 0; i < m->nloops; i++)
			watch_forgive(&m->loops[i].watch, late_ms);
		for (size_t i = 0; i < m->nforeign; i++)
			watch_forgive(&m->foreign[i].watch, late_ms);
	}
	if (m->looked_ms != 0 && llabs(ahead_ms - m->ahead_ms) > LATE_MS)
		m->jumped_ms = now_ms;
	m->ahead_ms = ahead_ms;
	m->looked_ms = now_ms;
}

static void
look_at_loops(struct monitor *m, int64_t now_ms)
{
	if (wanted_read(m->agent.state_directory, &m->wanted) < 0)
		m->findings.failed = true;
	rule_foreign(m, now_ms);
	for (size_t i = 0; i < m->nloops; i++) {
		struct watched *w = &m->loops[i];

		if (watched_look(m, w, now_ms) < 0) {
			m->findings.failed = true;
			continue;
		}
		rule_stuck(m, w, now_ms);
		rule_digression(m, w);
		if (w->is_busy)
			same_file_add(&m->same_file, &w->changed, &w->progress);
	}
	rule_stuck_fleet(m);
	same_file_look(&m->same_file);
	wanted_free(&m->wanted);
}

static void
look_at_tests(struct monitor *m)
{
	struct agent *a = &m->agent;
	int failures = a->conf->monitor.failures_in_row;

	if (failures > 0 &&
	    progress_failing(&a->store, failures, say_failing, m) < 0)
		m->findings.failed = true;
	look_at_regressions(m);
}

static void
look(struct monitor *m, int64_t now_ms)
{
	struct agent *a = &m->agent;

	if (agent_database(a) < 0)
		return;
	forgive(m, now_ms);
	m->has_work = false;
	m->nstuck = 0;
	look_at_loops(m, now_ms);
	look_at_tests(m);
	rule_metrics(m, now_ms);
	if (m->findings.failed)
		agent_failed(a, "looking at the work");
	else if (findings_publish(&m->findings, &a->store, a->name) < 0)
		agent_failed(a, "raising an alert");
	/* Nothing is done that nobody was told of. */
	else
		for (size_t i = 0; i < m->nloops; i++)
			rule_stuck_act(m, &m->loops[i], now_ms);
	m->findings.n = 0;
	m->findings.failed = false;
	agent_status(a, "watching %zu loops%s", m->nloops,
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

/* While git is waited for. */
static bool
go_on(void *argument)
{
	struct monitor *m = argument;

	agent_beat(&m->agent);
	return true;
}

static int
begin(struct monitor *m, int argc, char **argv)
{
	int code = agent_begin(&m->agent, argc, argv, "monitor");
	const struct conf *conf = m->agent.conf;

	if (code != 0)
		return code;
	m->loops = calloc(conf->nloops + 1, sizeof(*m->loops));
	if (m->loops == NULL) {
		log_line(&m->agent.log, "%s", strerror(errno));
		return 1;
	}
	m->same_file.agent = &m->agent;
	for (m->nloops = 0; m->nloops < conf->nloops; m->nloops++) {
		struct watched *w = &m->loops[m->nloops];

		w->config = &conf->loops[m->nloops];
		changed_init(&w->changed, w->config, go_on, m);
	}
	return sweep_open(&m->sweep, &m->agent) < 0 ? 1 : 0;
}

static void
finish(struct monitor *m)
{
	sweep_close(&m->sweep);
	findings_finish(&m->findings);
	for (size_t i = 0; i < m->nloops; i++)
		changed_finish(&m->loops[i].changed);
	same_file_finish(&m->same_file);
	free(m->loops);
	free(m->foreign);
	agent_finish(&m->agent);
}

int
main(int argc, char **argv)
{
	static struct monitor monitor;
	int code = begin(&monitor, argc, argv);

	if (code == 0)
		code = run(&monitor);
	finish(&monitor);
	return code;
}
