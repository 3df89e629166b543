/* Tests that passed: what must go on passing. */
#ifndef LOOPKEEPER_STORE_PASSING_H
#define LOOPKEEPER_STORE_PASSING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/texts.h"
#include "store/attempts.h"

/* Of tests t, in SQL: the commit on which it passed last; NULL: unknown. */
#define PASSING_COMMIT                                         \
	"ifnull(t.verified_commit, (SELECT p.commit_hash FROM" \
	" passing_tests p WHERE p.test_id = t.id"              \
	" ORDER BY julianday(p.passed_at) DESC LIMIT 1))"

struct passing_test {
	char id[ATTEMPT_TEST_SIZE];
	char loop_id[TEXT_NAME_MAX + 1];
	const char *verify;		  /* one of verifies */
	bool passes;			  /* the caller's finding; false yet */
	char commit[ATTEMPT_COMMIT_SIZE]; /* on which it passed last; "" unknown
					   */
	int64_t runs;			  /* how often it was run again, */
	int64_t flakes;			  /* and failed by chance */
	int enough; /* of an open regression that fails now and then: so many
		       passes in a row are its end; else 0 */
};

struct passing_list {
	struct passing_test *tests; /* owned */
	size_t n;
	size_t nplain; /* behind those they are open regressions */
	struct texts verifies;
};

struct passing_request {
	const char *except_id; /* the test whose work is judged */
	const char *loops;     /* whose tests: JSON array of ids */
	const char *changed;   /* paths that changed: JSON array */
	const char *not_on;    /* but none that passed on this commit;
				  NULL: any */
	const char *merged;    /* those that were merged since the work began,
				  the last one first: JSON array of ids. They
				  come first, up to 50 of them, then up to max
				  that an earlier attempt of except_id broke,
				  and max that were a regression within a
				  day; none of these counts into max. NULL:
				  none of them */
	int max;
	bool regressed; /* open regressions, too, behind the others, those
			   first that were looked at longest ago */
};

/*
 * Some passed tests that have a verify command: those whose files are among
 * the changed ones, then those that were verified longest ago. Returns 0
 * with *ret to be freed by passing_free(), or -1 with errno of store.h.
 */
int passing_pick(struct store *s, const struct passing_request *request,
    struct passing_list *ret);
void passing_free(struct passing_list *list);

/*
 * These loops (a JSON array of ids) and those that are gone: none of this name
 * is configured (another one), and none runs. Returns such an array, which the
 * caller frees, or NULL with errno of store.h.
 */
char *passing_loops(struct store *s, const char *loops, const char *configured);

/* Within a transaction: the test has passed, by that commit. Returns 0 or -1.
 */
int
passing_add_within(struct store *s, const char *test_id, const char *commit);

/* Those that were found to pass did so again, on what isn't merged: that ends
 * no open regression of them. Returns 0 or -1. */
int passing_verified(struct store *s, const struct passing_list *list);

/* One of them was run again. */
struct passing_run {
	const char *test_id;
	const char *commit;    /* of the integration branch, on which it passed;
				  "": none */
	const char *passed_on; /* where it had passed last when it was picked:
				  who has passed elsewhere since did so on what
				  came later, and that stands. NULL: wherever */
	int64_t runs;	       /* where it should pass, */
	int64_t flakes;	       /* and how many of them failed by chance */
};

/* Notes it, with event flaky_detected when it fails by chance for the first
 * time. Returns 1 with that, 0, or -1. */
int passing_note(
    struct store *s, const char *source, const struct passing_run *run);

#endif
