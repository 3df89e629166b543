/*
 * loopkeeper-pm [-c FILE] [NAME]: settles conflicts between loops, breaks
 * deadlocks, asks a human where one must choose, does what the answer says, and
 * takes the default when none comes in time. All it knows is in the database;
 * it may die at any moment.
 */
#include "agents/common/agent.h"
#include "agents/pm/answers.h"
#include "agents/pm/conflicts.h"
#include "agents/pm/cycles.h"
#include "agents/pm/dead_ends.h"
#include "agents/pm/stranded.h"
#include "base/clock.h"
#include "store/claims.h"
#include "store/decisions_blocked.h"
#include "store/decisions_failing.h"
#include "store/decisions_regression.h"
#include "store/dependencies.h"
#include "store/misfits.h"
#include "store/parked.h"
#include "system/process.h"

struct pm {
	struct agent agent;
	char boot_id[PROCESS_BOOT_ID_SIZE];
	struct answers answers;
	struct conflicts_work conflicts;
	struct cycles cycles;
	struct reverting reverting;
	int64_t version;   /* of the database at the last look */
	int64_t looked_ms; /* 0: look now */
	int64_t far_ms;	   /* the last look at the whole queue; 0: none yet */
	int64_t left_ms; /* until a default is to be taken or we look anyway */
};

static struct failing_loop
configured(const char *loop_id, void *argument)
{
	const struct loop_config *loop = conf_loop(argument, loop_id);

	if (loop == NULL)
		return (struct failing_loop){ 0 };
	return (struct failing_loop){ .max_attempts = loop->max_attempts,
		.has_second = loop->second_worker[0] != NULL };
}

/* Asks what there is to ask. Returns 0 or -1. */
static int
ask(struct pm *pm)
{
	struct agent *a = &pm->agent;
	const struct conf *conf = a->conf;
	const struct failing_rule failing = {
		.failures = conf->monitor.failures_in_row,
		.loop = configured,
		.argument = a->conf,
		.by = a->name,
		.timeout_ms = conf->pm.decision_timeout_ms,
		.boot_id = pm->boot_id,
	};
	const struct regressed_asking regressed = { .by = a->name,
		.timeout_ms = conf->pm.decision_timeout_ms,
		.boot_id = pm->boot_id,
		.auto_rollback = conf->regressions.auto_rollback,
		.rollbacks_per_day = conf->regressions.rollbacks_per_day };
	int asked[3] = { -1, -1, -1 }, all;

	asked[0] = blocked_ask(
	    &a->store, a->name, conf->pm.decision_timeout_ms, pm->boot_id);
	if (asked[0] >= 0)
		asked[1] = failing_ask(&a->store, &failing);
	if (asked[1] >= 0)
		asked[2] = regressed_ask(&a->store, &regressed);
	if (asked[2] < 0)
		return -1;
	all = asked[0] + asked[1] + asked[2];
	if (all > 0)
		log_line(&a->log,
		    "%d decision%s needed: see `loopkeeper decisions`", all,
		    all > 1 ? "s" : "");
	return 0;
}

static bool
is_ours(const char *loop_id, void *argument)
{
	return conf_loop(argument, loop_id) != NULL;
}

/* What takes a look at the whole queue, and has time. Returns 0 or -1. */
static int
look_far(struct pm *pm, int64_t now_ms)
{
	struct agent *a = &pm->agent;
	int more;

	if (pm->far_ms != 0 && now_ms - pm->far_ms < a->conf->pm.every_ms)
		return 0;
	if (dead_ends_look(&a->store, a->name) < 0 ||
	    misfits_tell(&a->store, a->name) < 0)
		return -1;
	more = stranded_look(a);
	if (more < 0)
		return -1;
	pm->far_ms = more > 0 ? 0 : now_ms;
	if (more > 0)
		pm->looked_ms = 0;
	return 0;
}

/* Everything that may have changed in the database. Returns 0 or -1. */
static int
look(struct pm *pm, int64_t now_ms)
{
	struct agent *a = &pm->agent;
	int steps = conflicts_look(&pm->conflicts, now_ms);

	if (steps < 0 || parked_sweep(&a->store) < 0 || ask(pm) < 0 ||
	    answers_look(&pm->answers, now_ms) < 0 ||
	    dependencies_resume(&a->store, is_ours, a->conf, a->name) < 0 ||
	    look_far(pm, now_ms) < 0)
		return -1;
	if (steps > 0)
		pm->looked_ms = 0; /* there may be more to do */
	agent_status(
	    &pm->agent, "%zu decisions pending", pm->answers.pending.n);
	return 0;
}

static void
expire(struct pm *pm, int64_t now_ms)
{
	int taken;

	pm->left_ms = pm->agent.conf->pm.every_ms;
	taken = answers_expire(&pm->answers, now_ms, &pm->left_ms);
	if (taken < 0)
		agent_failed(&pm->agent, "taking a default");
	else if (taken > 0)
		pm->looked_ms = 0; /* what they say is to be done */
}

static void
step(struct pm *pm, int64_t now_ms)
{
	struct agent *a = &pm->agent;
	int64_t version;

	if (agent_database(a) < 0)
		return;
	if (claims_version(&a->store, &version) < 0) {
		agent_failed(a, "looking for decisions");
		return;
	}
	if (pm->looked_ms == 0 || version != pm->version ||
	    now_ms - pm->looked_ms >= a->conf->pm.every_ms) {
		pm->version = version;
		pm->looked_ms = now_ms;
		if (look(pm, now_ms) < 0) {
			agent_failed(a, "looking at decisions");
			pm->looked_ms = 0;
			return;
		}
	}
	expire(pm, now_ms);
	if (cycles_look(&pm->cycles, version, now_ms, &pm->left_ms) < 0)
		agent_failed(a, "looking for deadlocks");
}

/* Unless there is news before. */
static int64_t
next_ms(const struct pm *pm, int64_t now_ms)
{
	const struct agent *a = &pm->agent;
	int64_t job_ms = reverting_next_ms(&pm->reverting, now_ms);
	int64_t due_ms = pm->looked_ms == 0 ? now_ms : now_ms + pm->left_ms;

	if (a->mode == MODE_FILE_BASED)
		due_ms = 0;
	else if (a->retry_ms > now_ms)
		due_ms = a->retry_ms;
	return due_ms == 0 || (job_ms != 0 && job_ms < due_ms) ? job_ms
							       : due_ms;
}

static int
run(struct pm *pm)
{
	struct agent *a = &pm->agent;

	agent_ready(a);
	while (!a->stopping || reverting_is_busy(&pm->reverting)) {
		int64_t now_ms = clock_ms();

		(void)agent_look(a);
		if (a->stopping)
			reverting_stop(&pm->reverting, now_ms);
		if (reverting_poll(&pm->reverting, now_ms))
			pm->looked_ms = 0;
		if (!a->stopping)
			step(pm, now_ms);
		if (agent_wait(a, next_ms(pm, now_ms), true) < 0)
			return 1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static struct pm pm;
	int code = agent_begin(&pm.agent, argc, argv, "pm");

	if (code == 0) {
		(void)process_boot_id(pm.boot_id);
		reverting_init(&pm.reverting, &pm.agent);
		pm.answers = (struct answers){ .agent = &pm.agent,
			.boot_id = pm.boot_id,
			.reverting = &pm.reverting };
		pm.conflicts = (struct conflicts_work){ .agent = &pm.agent,
			.boot_id = pm.boot_id };
		pm.cycles = (struct cycles){ .agent = &pm.agent };
		code = run(&pm);
	}
	answers_free(&pm.answers);
	agent_finish(&pm.agent);
	return code;
}
