#include <stdio.h>
#include <string.h>

#include "store/claims.h"
#include "store/conflicts.h"
#include "store/decisions_blocked.h"
#include "store/note.h"
#include "store/statement.h"

#define RETRY "A"
#define SKIP  "B"
#define LEAVE "C"

#define TEST_FITS ATTEMPT_TEST_FITS("t.id")

struct blocked {
	char test_id[ATTEMPT_TEST_SIZE];
	char loop_id[TEXT_NAME_MAX + 1];
	char reason[512];
	int64_t fence;
};

/* A blocked test that nobody has been asked about since it was blocked, nor by
 * what blocked it. 1 one, 0 none, -1. */
static int
find(struct store *s, struct blocked *ret)
{
	return statement_get(s,
	    "SELECT id, loop_id, reason, last FROM (SELECT t.id, t.loop_id,"
	    " t.reason, ifnull((SELECT max(a.fence) FROM attempts a"
	    " WHERE a.test_id = t.id), 0) AS last FROM tests t"
	    " WHERE t.status = 'blocked' AND " TEST_FITS ") b"
	    " WHERE NOT EXISTS (SELECT 1"
	    " FROM decisions d WHERE json_valid(d.context)"
	    " AND json_extract(d.context, '$.test_id') = b.id"
	    " AND (d.decision_type IN"
	    " ('" DECISION_BLOCKED "', '" CONFLICT_DECISION "')"
	    " AND json_extract(d.context, '$.fence') = b.last"
	    /* Somebody has decided just that. */
	    " OR b.reason = 'decision ' || d.id || ': ' || d.choice))"
	    " ORDER BY id LIMIT 1",
	    ">sssi", ret->test_id, sizeof(ret->test_id), ret->loop_id,
	    sizeof(ret->loop_id), ret->reason, sizeof(ret->reason),
	    &ret->fence);
}

static int
ask_one(struct store *s, const struct blocked *b, const char *by,
    int64_t timeout_ms, const char *boot_id)
{
	char id[DECISION_ID_SIZE], summary[704];

	(void)snprintf(summary, sizeof(summary), "%s is blocked: %s",
	    b->test_id, b->reason[0] != '\0' ? b->reason : "no reason given");
	return decisions_open(s,
	    &(struct question){ .type = DECISION_BLOCKED,
		.summary = summary,
		.test_id = b->test_id,
		.loop_id = b->loop_id,
		.fence = b->fence,
		.options = { { RETRY, "retry with fresh attempts" },
		    { SKIP, "skip it" }, { LEAVE, "leave it blocked" } },
		.default_option = LEAVE,
		.by = by,
		.timeout_ms = timeout_ms,
		.boot_id = boot_id },
	    id);
}

int
blocked_ask(
    struct store *s, const char *by, int64_t timeout_ms, const char *boot_id)
{
	struct blocked blocked;
	int found, asked = 0;

	if (decisions_settle(s, DECISION_BLOCKED, "[\"blocked\"]", by) < 0)
		return -1;
	/* Nothing is locked as long as there is nothing to do. */
	found = find(s, &blocked);
	if (found <= 0)
		return found;
	if (note_begin(s) < 0)
		return -1;
	while ((found = find(s, &blocked)) == 1) {
		found = ask_one(s, &blocked, by, timeout_ms, boot_id);
		if (found < 0)
			break;
		asked++;
	}
	return store_end(s, found < 0 ? -1 : asked);
}

/* Whether the test is still blocked by the attempt that was asked about. */
static int
is_current(struct store *s, const struct decision *d)
{
	return statement_get(s,
	    "SELECT 1 FROM tests WHERE id = ?1 AND status = 'blocked'"
	    " AND ?2 = (SELECT ifnull(max(fence), 0) FROM attempts"
	    " WHERE test_id = ?1)",
	    "ti>", d->test_id, d->fence);
}

int
blocked_apply(struct store *s, const struct decision *d, const char *by)
{
	char reason[DECISION_ID_SIZE + DECISION_CHOICE_SIZE + 16];
	int current = is_current(s, d);

	(void)snprintf(
	    reason, sizeof(reason), "decision %s: %s", d->id, d->choice);
	if (current == 1 && strcmp(d->choice, RETRY) == 0)
		return claims_reset_within(s, d->test_id, by, reason);
	if (current == 1 && strcmp(d->choice, SKIP) == 0)
		return claims_skip_within(s, d->test_id, by, reason);
	return current < 0 ? -1 : 0;
}
