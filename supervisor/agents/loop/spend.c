#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agents/common/transcript.h"
#include "agents/loop/gate.h"
#include "agents/loop/spend.h"
#include "base/duration.h"
#include "base/text.h"
#include "store/alerts.h"

#define WRITE_MS  5000 /* how often its cost goes to the database */
#define GRACE_MS  5000
#define READS_MAX 16 /* pieces of its output in one turn */
#define WARN_AT	  80 /* % of a budget */
#define MILLION	  1000000

/* An alert that goes with the attempt. Returns whether it stands. */
static bool
warn(struct runner *r, const char *what, const char *type, const char *message)
{
	char cause[TEXT_NAME_MAX + 24];
	const struct alert alert = { .cause = cause,
		.severity = "warning",
		.type = type,
		.source = r->agent.name,
		.message = message,
		.loop_id = r->agent.name,
		.test_id = r->claim.key.test_id };

	if (agent_database(&r->agent) < 0)
		return false;
	(void)snprintf(cause, sizeof(cause), "%s:%s", what, r->agent.name);
	if (alerts_raise(&r->agent.store, &alert, NULL) < 0) {
		agent_failed(&r->agent, "raising an alert");
		return false;
	}
	log_line(&r->agent.log, "%s", message);
	return true;
}

/* One that was told goes. */
static void
unwarn(struct runner *r, bool *told, const char *what)
{
	char cause[TEXT_NAME_MAX + 24];

	if (!*told || agent_database(&r->agent) < 0)
		return;
	(void)snprintf(cause, sizeof(cause), "%s:%s", what, r->agent.name);
	if (alerts_clear(&r->agent.store, r->agent.name, cause) < 0)
		agent_failed(&r->agent, "clearing an alert");
	*told = false;
}

/* Half of a limit has gone by. */
static bool
is_half(int64_t since_ms, int64_t limit_ms, int64_t now_ms)
{
	return limit_ms > 0 && now_ms - since_ms >= limit_ms / 2;
}

/* It is told half way to its end, and no more when it lives again. */
static void
tell_silent(struct runner *r, int64_t now_ms)
{
	const struct loop_config *c = r->config;
	const struct vitals *v = &r->job.vitals;
	bool is_silent = is_half(v->sign_ms, c->silence_limit_ms, now_ms);
	char message[ATTEMPT_TEST_SIZE + 128], half[DURATION_SIZE],
	    whole[DURATION_SIZE];
	int64_t limit_ms =
	    is_silent ? c->silence_limit_ms : c->progress_limit_ms;

	if (!is_silent && !is_half(v->change_ms, limit_ms, now_ms)) {
		unwarn(r, &r->silent_told, "silent");
		return;
	}
	if (r->silent_told || r->job.kill_ms != 0)
		return;
	duration_format_exact(half, limit_ms / 2);
	duration_format_exact(whole, limit_ms);
	(void)snprintf(message, sizeof(message),
	    "%s: its worker %s for %s; after %s it is ended",
	    r->claim.key.test_id,
	    is_silent ? "has shown no sign of life" : "has changed no file",
	    half, whole);
	/* A line in the transcript would be a sign of life. */
	r->silent_told = warn(r, "silent", "attempt_silent", message);
}

static void
tell_slow(struct runner *r, int64_t now_ms)
{
	const int64_t limit_ms = r->config->time_warning_ms;
	char message[ATTEMPT_TEST_SIZE + 96], duration[DURATION_SIZE];

	if (r->slow_told || limit_ms == 0 ||
	    now_ms - r->job.started_ms < limit_ms)
		return;
	duration_format_exact(duration, limit_ms);
	(void)snprintf(message, sizeof(message),
	    "%s: its worker has run for %s and goes on", r->claim.key.test_id,
	    duration);
	r->slow_told = warn(r, "slow", "attempt_slow", message);
}

static void
tell_spent(struct runner *r, double spent, double limit, const char *unit)
{
	char message[ATTEMPT_TEST_SIZE + 96];

	(void)snprintf(message, sizeof(message),
	    "%s: over %d %% of its budget: %.7g of %.7g %s are spent",
	    r->claim.key.test_id, WARN_AT, spent, limit, unit);
	r->budget_told = warn(r, "attempt_budget", "attempt_budget", message);
	if (r->budget_told)
		transcript_note(r->transcript_fd, "%s", message);
}

/* Whether so much is spent that it is to be ended; warns before. A unit of it
 * is that many of what is counted. */
static bool
is_spent(struct runner *r, int64_t spent, int64_t limit, const char *unit,
    int64_t unit_size)
{
	if (limit < 0 || spent < 0)
		return false;
	if (spent < limit && spent / WARN_AT >= limit / 100 && !r->budget_told)
		tell_spent(r, (double)spent / (double)unit_size,
		    (double)limit / (double)unit_size, unit);
	return spent >= limit;
}

/* The database is told, and says whether the day's budget is spent. */
static bool
write_spent(struct runner *r, int64_t now_ms)
{
	const struct output *o = &r->output;

	if (now_ms < r->spent_ms || agent_database(&r->agent) < 0)
		return false;
	r->spent_ms = now_ms + WRITE_MS;
	if (o->usage.tokens < 0 && o->usage.cost < 0 &&
	    o->session_id[0] == '\0')
		return false;
	if (attempts_spent(&r->agent.store, &r->claim.key, o->usage.tokens,
		o->usage.cost,
		o->session_id[0] != '\0' ? o->session_id : NULL) < 0) {
		agent_failed(&r->agent, "writing what it has cost");
		return false;
	}
	return gate_is_day_spent(r);
}

void
spend_watch(struct runner *r, int64_t now_ms)
{
	const struct budget_config *budget = &r->agent.conf->budget;
	struct output *o = &r->output;
	int more = 1;

	tell_slow(r, now_ms);
	tell_silent(r, now_ms);
	for (int i = 0; more > 0 && i < READS_MAX; i++)
		more = output_read(o, now_ms);
	if (more < 0)
		log_line(
		    &r->agent.log, "%s: %s", r->transcript, strerror(errno));
	if (is_spent(r, o->usage.cost, budget->attempt_usd, "USD", MILLION) ||
	    is_spent(r, o->usage.tokens, budget->attempt_tokens, "tokens", 1) ||
	    write_spent(r, now_ms))
		job_end(&r->job, JOB_BUDGET, GRACE_MS, now_ms);
	else if (o->ended && now_ms - o->ended_ms >= o->preset->grace_ms)
		job_end(&r->job, JOB_FINISHED, GRACE_MS, now_ms);
}

void
spend_end(struct runner *r, int64_t now_ms)
{
	struct output *o = &r->output;

	if (output_finish(o, now_ms) < 0)
		log_line(
		    &r->agent.log, "%s: %s", r->transcript, strerror(errno));
	r->verdict =
	    output_classify(o, r->work_cause == JOB_SIGNALLED, r->work_code);
	gate_answer(r);
}

void
spend_forget(struct runner *r)
{
	unwarn(r, &r->slow_told, "slow");
	unwarn(r, &r->silent_told, "silent");
	unwarn(r, &r->budget_told, "attempt_budget");
}
