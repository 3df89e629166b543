#include <stdio.h>
#include <string.h>

#include "store/claims.h"
#include "store/decisions_failing.h"
#include "store/note.h"
#include "store/statement.h"

#define GO_ON  "A"
#define SKIP   "B"
#define LEAVE  "C"
#define SECOND "D"

/* Those of t that used one up since the question d. */
#define FAILED_SINCE(fence)                                            \
	"(SELECT count(*) FROM attempts a WHERE a.test_id = t.id"      \
	" AND a.fence > " fence " AND a.state = 'failed'"              \
	" AND a.outcome IN ('failed', 'crashed', 'silent', 'timeout'," \
	" 'gamed'))"

/* tests.attempts counts from the last reset on, so that as long as some of
 * them are older than the question it is about this run. */
#define IS_SAME_RUN(fence) FAILED_SINCE(fence) " < t.attempts"

#define TEST_FITS ATTEMPT_TEST_FITS("t.id")
#define IS_OPEN	  "t.status IN ('pending', 'in_progress') AND " TEST_FITS

struct failing {
	char test_id[ATTEMPT_TEST_SIZE];
	char loop_id[TEXT_NAME_MAX + 1];
	char last_result[512];
	int failures;
	int max_attempts; /* 0: what the loop says */
	int64_t fence;
	bool has_worker; /* of its own */
};

/* 1 one, 0 none, -1. */
static int
find(struct store *s, int failures, struct failing *ret)
{
	return statement_get(s,
	    "SELECT t.id, t.loop_id, t.last_result, " ATTEMPT_FAILURES ","
	    " t.max_attempts, ifnull((SELECT max(a.fence) FROM attempts a"
	    " WHERE a.test_id = t.id), 0), ifnull(t.worker, '') <> ''"
	    " FROM tests t INDEXED BY tests_tried WHERE " IS_OPEN
	    " AND t.attempts > 0 AND t.attempts >= ?1"
	    " AND " ATTEMPT_FAILURES " >= ?1 AND t.parked IS NULL"
	    " AND NOT EXISTS (SELECT 1 FROM decisions d"
	    " WHERE json_valid(d.context)"
	    " AND json_extract(d.context, '$.test_id') = t.id"
	    " AND d.decision_type = '" DECISION_FAILING "'"
	    " AND " IS_SAME_RUN(
		"ifnull(json_extract(d.context, '$.fence'), 0)") ") LIMIT 1",
	    "i>sssnnib", (int64_t)failures, ret->test_id, sizeof(ret->test_id),
	    ret->loop_id, sizeof(ret->loop_id), ret->last_result,
	    sizeof(ret->last_result), &ret->failures, &ret->max_attempts,
	    &ret->fence, &ret->has_worker);
}

static int
ask_one(
    struct store *s, const struct failing *f, const struct failing_rule *rule)
{
	struct failing_loop loop = rule->loop(f->loop_id, rule->argument);
	int max = f->max_attempts > 0 ? f->max_attempts : loop.max_attempts;
	char id[DECISION_ID_SIZE], summary[704], go_on[64];
	struct question q = { .type = DECISION_FAILING,
		.summary = summary,
		.test_id = f->test_id,
		.loop_id = f->loop_id,
		.fence = f->fence,
		.options = { { GO_ON, go_on }, { SKIP, "skip it" },
		    { LEAVE, "leave it blocked until it is reset" } },
		.default_option = GO_ON,
		.parks = true,
		.by = rule->by,
		.timeout_ms = rule->timeout_ms,
		.boot_id = rule->boot_id };

	(void)snprintf(summary, sizeof(summary),
	    "%s failed %d times in a row; the last: %s", f->test_id,
	    f->failures,
	    f->last_result[0] != '\0' ? f->last_result : "no result given");
	if (max > f->failures)
		(void)snprintf(go_on, sizeof(go_on),
		    "go on with the attempts that are left: %d",
		    max - f->failures);
	else
		(void)snprintf(go_on, sizeof(go_on), "go on");
	if (loop.has_second && !f->has_worker)
		q.options[3] = (struct question_option){ SECOND,
			"go on with the second worker" };
	return decisions_open(s, &q, id);
}

int
failing_ask(struct store *s, const struct failing_rule *rule)
{
	struct failing failing;
	int found, asked = 0;

	if (decisions_settle(s, DECISION_FAILING,
		"[\"pending\", \"in_progress\"]", rule->by) < 0)
		return -1;
	if (rule->failures == 0) /* it is switched off */
		return 0;
	/* Nothing is locked as long as there is nothing to do. */
	found = find(s, rule->failures, &failing);
	if (found <= 0)
		return found;
	if (note_begin(s) < 0)
		return -1;
	while ((found = find(s, rule->failures, &failing)) == 1) {
		found = ask_one(s, &failing, rule);
		if (found < 0)
			break;
		asked++;
	}
	return store_end(s, found < 0 ? -1 : asked);
}

static int
is_current(struct store *s, const struct decision *d)
{
	return statement_get(s,
	    "SELECT 1 FROM tests t WHERE t.id = ?1 AND " IS_OPEN
	    " AND " IS_SAME_RUN("?2"),
	    "ti>", d->test_id, d->fence);
}

int
failing_apply(struct store *s, const struct decision *d, const char *by)
{
	char reason[DECISION_ID_SIZE + DECISION_CHOICE_SIZE + 16];
	int current = is_current(s, d);

	(void)snprintf(
	    reason, sizeof(reason), "decision %s: %s", d->id, d->choice);
	if (current == 1 && strcmp(d->choice, SKIP) == 0)
		return claims_skip_within(s, d->test_id, by, reason);
	if (current == 1 && strcmp(d->choice, LEAVE) == 0)
		return claims_block_within(s, d->test_id, by, reason);
	if (current == 1 && strcmp(d->choice, SECOND) == 0)
		return statement_change(s,
		    "UPDATE tests SET second_worker = 1 WHERE id = ?1", "t",
		    d->test_id);
	return current < 0 ? -1 : 0;
}
