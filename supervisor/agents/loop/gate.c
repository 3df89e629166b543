#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/loop/gate.h"
#include "agents/loop/health.h"
#include "agents/loop/room.h"
#include "agents/loop/trouble.h"
#include "base/buf.h"
#include "base/clock.h"
#include "store/budget.h"
#include "store/conflicts.h"
#include "store/failures.h"
#include "store/gates.h"
#include "store/regressions.h"

#define WAIT_MIN_MS 1000
#define WAIT_MAX_MS (60 * 1000) /* the wall clock may be set */

/* Nothing before then, by the wall clock, but another look now and then. */
static void
hold(struct runner *r, int64_t until_wall_ms, int64_t now_ms)
{
	int64_t wait_ms = until_wall_ms - clock_wall_ms();

	if (trouble_refuse_one(r, r->hold))
		return;
	if (wait_ms < WAIT_MIN_MS)
		wait_ms = WAIT_MIN_MS;
	if (wait_ms > WAIT_MAX_MS)
		wait_ms = WAIT_MAX_MS;
	r->look = true;
	r->not_before_ms = now_ms + wait_ms;
	health_publish(r, true);
}

/* What is tried by hand is tried. */
static bool
gets_anywhere(struct runner *r, int64_t now_ms)
{
	int max = r->config->failures_per_hour, may;
	char until[CLOCK_LOCAL_SIZE];
	int64_t until_ms;

	if (max == 0 || r->only_test != NULL)
		return true;
	may =
	    failures_may_claim(&r->agent.store, r->agent.name, max, &until_ms);
	if (may < 0) {
		agent_failed(&r->agent, "counting failures");
		return false;
	}
	if (may == 1)
		return true;
	clock_format_local(until, until_ms);
	trouble_note(r, now_ms, "failures",
	    "%d attempts within an hour didn't pass (failures_per_hour): "
	    "nothing more until %s; 'loopkeeper timeline --filter loop_id=%s' "
	    "tells how they ended",
	    max, until, r->agent.name);
	return false;
}

/* The branch is as it should be, or there is something to mend it with. */
static bool
has_good_base(struct runner *r, int64_t now_ms)
{
	struct regression_oldest red;
	char *loops;
	int found;

	r->only_fixes = false;
	if (!r->agent.conf->regressions.hold_claims || r->only_test != NULL)
		return true;
	loops = runner_list_loops(r);
	found = loops != NULL
	    ? regressions_ask(&r->agent.store, loops, r->agent.name, &red)
	    : -1;
	free(loops);
	if (found < 0)
		agent_failed(&r->agent, "asking for regressions");
	if (found <= 0)
		return found == 0;
	r->only_fixes = red.has_fix;
	if (red.has_fix)
		return true;
	(void)snprintf(r->hold, sizeof(r->hold),
	    "%s fails on %s since %.12s: nothing else is claimed "
	    "(regressions.hold_claims)",
	    red.test_id, r->config->integration_branch, red.commit);
	hold(r, clock_wall_ms() + WAIT_MAX_MS, now_ms);
	return false;
}

static struct budget_limits
limits(const struct runner *r)
{
	const struct budget_config *budget = &r->agent.conf->budget;

	return (struct budget_limits){ .loop_day_micros = budget->loop_day_usd,
		.day_micros = budget->day_usd };
}

static bool
has_budget(struct runner *r, int64_t now_ms)
{
	const struct budget_limits l = limits(r);
	struct budget_refusal refusal;
	int may =
	    budget_may_claim(&r->agent.store, &l, r->agent.name, &refusal);

	if (may < 0) {
		agent_failed(&r->agent, "asking for the budget");
		return false;
	}
	if (may == 1)
		return true;
	(void)snprintf(r->hold, sizeof(r->hold), "%s", refusal.reason);
	hold(r, refusal.until_ms, now_ms);
	return false;
}

bool
gate_is_day_spent(struct runner *r)
{
	const struct budget_limits l = limits(r);
	struct budget_refusal refusal;

	return budget_may_claim(&r->agent.store, &l, r->agent.name, &refusal) ==
	    0;
}

void
gate_conflict(struct runner *r, const char *detail)
{
	if (r->agent.mode == MODE_CONSERVATIVE)
		(void)snprintf(r->conflict, sizeof(r->conflict), "%s: %s",
		    r->claim.key.test_id, detail);
}

/* One that an attempt of the loop ended on, or of which it is a party. 1 with
 * what it is, 0, -1. */
static int
find_conflict(struct runner *r, struct buf *ret)
{
	struct conflict c;
	int found;

	if (r->conflict[0] != '\0') {
		buf_add(ret, r->conflict);
		return 1;
	}
	found = conflicts_of_loop(&r->agent.store, r->agent.name, &c);
	if (found > 0)
		buf_addf(ret, "%s: %s and %s both changed %s", c.id,
		    c.first.loop_id, c.second.loop_id, c.files);
	return found;
}

/* Until the mode is over, or the conflict, which is news. */
static bool
has_no_conflict(struct runner *r)
{
	struct buf b;
	int found;

	if (r->agent.mode != MODE_CONSERVATIVE || r->only_test != NULL) {
		r->conflict[0] = '\0';
		return true;
	}
	buf_init(&b, r->hold, sizeof(r->hold));
	buf_add(&b, "mode conservative, and stopped at a conflict: ");
	found = find_conflict(r, &b);
	if (found < 0)
		agent_failed(&r->agent, "asking for conflicts");
	if (found <= 0) {
		r->hold[0] = '\0';
		return found == 0;
	}
	r->look = false;
	r->retry_ms = 0;
	health_publish(r, true);
	return false;
}

/* A test may have a worker of its own, which is known only when it is
 * claimed; what is asked for here is the loop's. */
static bool
has_provider(struct runner *r, int64_t now_ms)
{
	const struct worker_preset *preset = r->config->preset;
	struct gate gate;
	int open;

	r->probe = NULL;
	if (preset == NULL)
		return true;
	open =
	    gates_ask(&r->agent.store, preset->provider, r->agent.name, &gate);
	if (open < 0) {
		agent_failed(&r->agent, "asking for a provider");
		return false;
	}
	r->probe = open == 1 && gate.probe ? preset->provider : NULL;
	if (open == 1)
		return true;
	gates_describe(r->hold, &gate);
	hold(r, gate.until_ms, now_ms);
	return false;
}

bool
gate_change(struct runner *r, const struct worker_preset *preset,
    char ret_why[static GATE_TEXT_SIZE])
{
	const struct worker_preset *first = r->config->preset;
	struct gate gate;
	int open;

	if (first != NULL && strcmp(first->provider, preset->provider) == 0)
		return true;
	open =
	    gates_ask(&r->agent.store, preset->provider, r->agent.name, &gate);
	if (open == 0)
		gates_describe(ret_why, &gate);
	if (open < 0) {
		(void)snprintf(ret_why, GATE_TEXT_SIZE, "%s can't be asked for",
		    preset->provider);
		agent_failed(&r->agent, "asking for a provider");
	}
	if (open != 1)
		return false;
	gate_leave(r);
	r->probe = gate.probe ? preset->provider : NULL;
	return true;
}

bool
gate_ask(struct runner *r, int64_t now_ms)
{
	r->hold[0] = '\0';
	if (!has_no_conflict(r) || !room_ask(r, now_ms) ||
	    !gets_anywhere(r, now_ms))
		return false;
	trouble_clear_gates(r);
	return has_good_base(r, now_ms) && has_budget(r, now_ms) &&
	    has_provider(r, now_ms);
}

bool
gate_may_be_open(struct runner *r)
{
	int64_t version;

	return r->hold[0] != '\0' &&
	    claims_version(&r->agent.store, &version) == 0 &&
	    version != r->version;
}

/* Whether the provider did what it is for. Where the preset doesn't know how
 * that looks, an end by itself without a word against it must do. */
static bool
is_answered(const struct runner *r)
{
	const struct output *o = &r->output;

	return o->answered ||
	    (r->verdict == PRESET_NOTHING && !output_tells_answer(o->preset) &&
		(r->work_cause == JOB_EXITED || r->work_cause == JOB_FINISHED));
}

int
gate_tell(struct runner *r)
{
	struct gate_news *news = &r->outcome.refusal;

	if (news->provider == NULL)
		return 0;
	if (agent_database(&r->agent) < 0)
		return -1;
	if (gates_close(&r->agent.store, news) < 0) {
		agent_failed(&r->agent, "telling of a provider");
		return -1;
	}
	*news = (struct gate_news){ 0 };
	return 0;
}

/* Whether what was said closes the gate, and why. */
static bool
closes(enum preset_verdict verdict, enum gate_reason *ret)
{
	switch (verdict) {
	case PRESET_UNAVAILABLE: *ret = GATE_UNAVAILABLE; return true;
	case PRESET_AUTH: *ret = GATE_AUTH; return true;
	case PRESET_RATE_LIMITED: *ret = GATE_RATE_LIMITED; return true;
	case PRESET_NOTHING:
	case PRESET_GOOD:
	case PRESET_FAILED:
	case PRESET_BUDGET:
	case PRESET_WAITING: break;
	}
	return false;
}

void
gate_answer(struct runner *r)
{
	const struct worker_preset *preset = r->worker.preset;
	const struct output *o = &r->output;
	enum gate_reason reason;

	if (preset == NULL)
		return;
	if (closes(r->verdict, &reason)) {
		r->outcome.refusal =
		    (struct gate_news){ .provider = preset->provider,
			    .reason = reason,
			    .reset_wall_ms =
				o->reset_wall_ms > 0 ? o->reset_wall_ms : 0,
			    .message = o->error[0] != '\0' ? o->error : NULL,
			    .login =
				preset->login[0] != '\0' ? preset->login : NULL,
			    .by = r->agent.name };
		(void)gate_tell(r);
	} else if (is_answered(r) && agent_database(&r->agent) == 0 &&
	    gates_passed(&r->agent.store, preset->provider, r->agent.name) <
		0) {
		agent_failed(&r->agent, "telling of a provider");
	}
	/* It is nobody's trial any more, also when that proved nothing. */
	gate_leave(r);
}

void
gate_leave(struct runner *r)
{
	if (r->probe == NULL || agent_database(&r->agent) < 0)
		return;
	if (gates_leave(&r->agent.store, r->probe, r->agent.name) < 0)
		agent_failed(&r->agent, "leaving a provider to others");
	r->probe = NULL;
}
