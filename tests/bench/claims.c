/*
 * claims STATE COUNT LOOP [LOOP...]: takes COUNT tests of the first loop in the
 * database below STATE and passes them, as the loop does, the tests of all of
 * them being those that must go on passing. Prints for each kind of step the
 * line "NAME MEDIAN P90 MAX", in microseconds.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "store/claims.h"
#include "store/passing.h"

#define COUNT_MAX 1000
#define RECHECK	  5 /* the default of loops */

enum step {
	STEP_LOOK,    /* whether there is anything, and how much */
	STEP_CLAIM,   /* test, attempt, locks */
	STEP_PLAN,    /* what it is about to do */
	STEP_STATE,   /* running */
	STEP_PASSING, /* which others are to pass as well */
	STEP_VERIFIED,
	STEP_MERGE, /* the intent */
	STEP_END,   /* the closing transaction */
	STEPS
};

static const char *const names[STEPS] = {
	[STEP_LOOK] = "look",
	[STEP_CLAIM] = "claim",
	[STEP_PLAN] = "plan",
	[STEP_STATE] = "state",
	[STEP_PASSING] = "passing",
	[STEP_VERIFIED] = "verified",
	[STEP_MERGE] = "merge",
	[STEP_END] = "end",
};

struct bench {
	struct store store;
	struct claim_request request;
	struct claim_cursor cursor;
	char loops[1024]; /* a JSON array */
	int64_t taken_ns[STEPS][COUNT_MAX];
	int at;
	int64_t since_ns;
};

static int64_t
now_ns(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		err(1, "clock_gettime");
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* The step that has just been made. */
static void
keep(struct bench *b, enum step step, int result)
{
	if (result < 0)
		errx(1, "%s: %s", names[step], store_error(&b->store));
	b->taken_ns[step][b->at] = now_ns() - b->since_ns;
	b->since_ns = now_ns();
}

static void
recheck(struct bench *b, const struct claim *c)
{
	struct passing_list list;
	int result;

	b->since_ns = now_ns();
	result = passing_pick(&b->store,
	    &(struct passing_request){ .except_id = c->key.test_id,
		.loops = b->loops,
		.changed = c->files,
		.max = RECHECK },
	    &list);
	keep(b, STEP_PASSING, result);
	for (size_t i = 0; i < list.n; i++)
		list.tests[i].passes = true;
	keep(b, STEP_VERIFIED, passing_verified(&b->store, &list));
	passing_free(&list);
}

static void
pass(struct bench *b, const struct claim *c)
{
	static const char commit[] = "0123456789012345678901234567890123456789";
	struct attempt_end end = { .outcome = OUTCOME_PASSED,
		.max_attempts = 3,
		.base_commit = "0000000000000000000000000000000000000000",
		.files_modified = "[\"a\"]" };
	enum attempt_result result;

	(void)snprintf(
	    end.result_commit, sizeof(end.result_commit), "%s", commit);
	b->since_ns = now_ns();
	keep(b, STEP_MERGE, attempts_integrate(&b->store, &c->key, commit));
	keep(b, STEP_END, attempts_end(&b->store, &c->key, &end, &result));
	if (result != RESULT_PASSED)
		errx(1, "%s: not passed", c->key.test_id);
}

static void
take_one(struct bench *b)
{
	struct claim_counts counts;
	struct claim c;
	bool locked;
	int found;

	b->since_ns = now_ns();
	found = claims_any(&b->store, &b->request, &locked);
	if (found > 0)
		found = claims_count(&b->store, b->request.loop_id, &counts);
	keep(b, STEP_LOOK, found);
	found = claims_take(&b->store, &b->request, &c, &locked);
	keep(b, STEP_CLAIM, found);
	if (found == 0)
		errx(1, "there is no test for %s", b->request.loop_id);
	keep(b, STEP_PLAN,
	    attempts_plan(&b->store, &c.key,
		&(struct attempt_plan){ .base_commit = "0",
		    .repository = "/",
		    .integration_branch = "main",
		    .snapshot_ref = "",
		    .provider = "" }));
	keep(b, STEP_STATE,
	    attempts_enter(&b->store, &c.key, ATTEMPT_RUNNING, 1, 1, NULL));
	recheck(b, &c);
	pass(b, &c);
	claims_free(&c);
}

static int
compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int
main(int argc, char **argv)
{
	static struct bench b;
	struct buf loops;
	int count;

	if (argc < 4 || (count = atoi(argv[2])) < 1 || count > COUNT_MAX)
		errx(2, "usage: claims STATE COUNT LOOP [LOOP...]");
	b.request = (struct claim_request){
		.loop_id = argv[3], .max_attempts = 3, .cursor = &b.cursor
	};
	buf_init(&loops, b.loops, sizeof(b.loops));
	for (int i = 3; i < argc; i++)
		buf_addf(&loops, "%s\"%s\"", i == 3 ? "[" : ", ", argv[i]);
	buf_add(&loops, "]");
	if (store_open(&b.store, argv[1], STORE_WRITE) < 0)
		errx(1, "%s", store_error(&b.store));
	for (b.at = 0; b.at < count; b.at++)
		take_one(&b);
	store_close(&b.store);
	for (int i = 0; i < STEPS; i++) {
		qsort(b.taken_ns[i], (size_t)count, sizeof(int64_t), compare);
		(void)printf("%s %.0f %.0f %.0f\n", names[i],
		    (double)b.taken_ns[i][count / 2] / 1000,
		    (double)b.taken_ns[i][count * 9 / 10] / 1000,
		    (double)b.taken_ns[i][count - 1] / 1000);
	}
	return 0;
}
