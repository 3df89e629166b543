#include <stdlib.h>

#include "agents/monitor/bisect.h"

/* Odds of chance that are believed no more; of a test that fails by chance now
 * and then the question comes up every day. */
#define RARE	  0.001
#define VERY_RARE 0.0001

#define NEEDED_MIN 3
#define CHECKS	   3 /* passes of the last good commit */
#define NEEDED_MAX 30
#define ENOUGH_MAX 60
/* So often it is run on the tip where it fails now and then; but not once more
 * where the first of them all pass. */
#define TIP_RUNS  20
#define TIP_FIRST 6

int
bisect_begin(
    struct bisect *b, bool has_good, size_t n, int64_t runs, int64_t flakes)
{
	*b = (struct bisect){
		.n = n, .has_good = has_good, .runs = runs, .flakes = flakes
	};
	b->commits = calloc(n + 1, sizeof(*b->commits));
	if (b->commits == NULL)
		return -1;
	bisect_note(b, n, BISECT_FAILED);
	return 0;
}

void
bisect_free(struct bisect *b)
{
	free(b->commits);
	*b = (struct bisect){ 0 };
}

void
bisect_note(struct bisect *b, size_t at, enum bisect_verdict verdict)
{
	struct bisect_commit *c = &b->commits[at];

	c->passed += verdict == BISECT_PASSED;
	c->failed += verdict == BISECT_FAILED;
	c->skipped = verdict == BISECT_SKIPPED;
	if (b->last != at || verdict != BISECT_PASSED)
		b->row = 0;
	b->row += verdict == BISECT_PASSED;
	b->last = at;
}

static void
count(const struct bisect *b, size_t end, int64_t *runs, int64_t *flakes)
{
	for (size_t i = 0; i < end; i++) {
		*runs += b->commits[i].passed + b->commits[i].failed;
		*flakes += b->commits[i].failed;
	}
}

/*
 * So many failures in a row are no chance. What was never seen to fail by
 * chance, but not seen often, may do so all the same; and what fails on a
 * commit that another run proves good, does. A few passes prove nothing.
 */
static int
failures_needed(const struct bisect *b)
{
	int64_t runs = 0, flakes = 0;
	double rate, chance, limit;
	size_t end = 0;
	int n = 1;

	for (size_t i = 0; i < b->n; i++)
		if (b->commits[i].passed > 0)
			end = i + 1;
	count(b, end, &runs, &flakes);
	runs = flakes > 0 ? b->runs + runs : b->runs;
	flakes += b->flakes;
	chance = rate = (double)(flakes + 1) / (double)(runs + 3);
	limit = flakes > 0 ? VERY_RARE : RARE;
	while (n < NEEDED_MAX && (n < NEEDED_MIN || chance >= limit)) {
		chance *= rate;
		n++;
	}
	return n;
}

/*
 * The odds that of all these failures none was in n runs that all passed, if
 * these weren't other runs than the `runs` of which `failed` failed.
 */
static double
chance_of(int runs, int failed, int n)
{
	double chance = 1;

	for (int i = 0; i < failed; i++)
		chance *= (double)(runs - i) / (runs + n - i);
	return chance;
}

/* How many passes tell a good commit from the tip, on which it fails now and
 * then; 0 where too many would be needed. The failure that made us look isn't
 * counted: without one nobody would. */
static int
passes_enough(const struct bisect_commit *tip)
{
	int failed = tip->failed - 1, runs = failed + tip->passed, n = 1;

	while (n <= ENOUGH_MAX && chance_of(runs, failed, n) >= VERY_RARE)
		n++;
	return n <= ENOUGH_MAX ? n : 0;
}

/* Whether, and how, it fails on the tip. FOUND: it does. */
static enum bisect_step
look_at_tip(struct bisect *b, size_t *ret_at)
{
	const struct bisect_commit *tip = &b->commits[b->n];
	int runs = tip->passed + tip->failed - 1;

	*ret_at = b->n;
	if (b->enough > 0)
		return BISECT_FOUND;
	if (tip->passed == 0)
		return tip->failed <= failures_needed(b) ? BISECT_RUN
							 : BISECT_FOUND;
	if (b->n == 0 || b->flakes > 0 || b->commits[0].failed > 0)
		return BISECT_FLAKY;
	if (runs < TIP_FIRST || (tip->failed > 1 && runs < TIP_RUNS))
		return BISECT_RUN;
	b->enough = passes_enough(tip);
	return b->enough > 0 ? BISECT_FOUND : BISECT_FLAKY;
}

/* Whether it still passes where it passed last. FOUND: it does. */
static enum bisect_step
look_at_good(const struct bisect *b, size_t *ret_at)
{
	const struct bisect_commit *good = &b->commits[0];

	*ret_at = 0;
	if (b->enough > 0) {
		if (good->failed > 0 || good->skipped)
			return BISECT_FLAKY;
		return good->passed < b->enough ? BISECT_RUN : BISECT_FOUND;
	}
	if (good->passed > 0 || good->skipped)
		return BISECT_FOUND;
	if (good->failed < failures_needed(b))
		return BISECT_RUN;
	/* Unless what was wrong is over. */
	if (b->last == b->n)
		return BISECT_OUTSIDE;
	*ret_at = b->n;
	return BISECT_RUN;
}

static bool
is_good(const struct bisect *b, size_t at)
{
	const struct bisect_commit *c = &b->commits[at];

	if (at == 0)
		return true;
	return b->enough > 0 ? c->failed == 0 && c->passed >= b->enough
			     : c->passed > 0;
}

/* As far as is known yet. */
static bool
is_bad(const struct bisect *b, size_t at)
{
	const struct bisect_commit *c = &b->commits[at];

	return c->failed > 0 && !c->skipped &&
	    (b->enough > 0 || c->passed == 0);
}

/* Good and bad as close to each other as is known: whichever is proof comes
 * first. */
static void
find_ends(const struct bisect *b, size_t *ret_good, size_t *ret_bad)
{
	size_t good = 0, bad = b->n;

	for (size_t i = 0; i < b->n; i++)
		if (is_good(b, i) && b->enough == 0)
			good = i;
	for (size_t i = b->n; i > good; i--)
		if (is_bad(b, i))
			bad = i;
	for (size_t i = good; i < bad; i++)
		if (is_good(b, i))
			good = i;
	*ret_good = good;
	*ret_bad = bad;
}

/* The one between that halves the way best and can be run. */
static bool
find_middle(const struct bisect *b, size_t good, size_t bad, size_t *ret)
{
	size_t middle = good + (bad - good) / 2;

	for (size_t i = 0; i < bad - good; i++) {
		size_t below = middle - i, above = middle + i;

		*ret = below;
		if (i < middle - good && !b->commits[below].skipped)
			return true;
		*ret = above;
		if (above < bad && above > good && !b->commits[above].skipped)
			return true;
	}
	return false;
}

/* The last word is a failure: what is over by now was no commit. */
static enum bisect_step
confirm(const struct bisect *b, size_t good, size_t bad, size_t *ret_at)
{
	const struct bisect_commit *c = &b->commits[good];
	bool is_last = b->last == bad;

	*ret_at = bad;
	if (b->enough > 0 && is_last)
		return b->row == 0	 ? BISECT_FOUND
		    : b->row < b->enough ? BISECT_RUN
					 : BISECT_FLAKY;
	if (b->enough > 0)
		return BISECT_RUN;
	if (c->passed < CHECKS && !c->skipped) {
		*ret_at = good;
		/* By now it does no more. */
		return c->failed < 2 * failures_needed(b) ? BISECT_RUN
							  : BISECT_OUTSIDE;
	}
	return is_last && b->commits[bad].failed >= failures_needed(b)
	    ? BISECT_FOUND
	    : BISECT_RUN;
}

enum bisect_step
bisect_next(struct bisect *b, size_t *ret_at)
{
	enum bisect_step step = look_at_tip(b, ret_at);
	size_t good, bad;

	if (step != BISECT_FOUND || !b->has_good)
		return step;
	if (b->n == 0)
		return BISECT_OUTSIDE;
	step = look_at_good(b, ret_at);
	if (step != BISECT_FOUND)
		return step;
	find_ends(b, &good, &bad);
	return find_middle(b, good, bad, ret_at)
	    ? BISECT_RUN
	    : confirm(b, good, bad, ret_at);
}

size_t
bisect_good(const struct bisect *b, size_t bad)
{
	size_t good = 0;

	for (size_t i = 0; i < bad; i++)
		if (is_good(b, i))
			good = i;
	return good;
}

void
bisect_count(const struct bisect *b, enum bisect_step step, size_t bad,
    int64_t *ret_runs, int64_t *ret_flakes)
{
	size_t end = step == BISECT_FLAKY ? b->n + 1 : 0;

	if (step == BISECT_FOUND && b->has_good)
		end = bisect_good(b, bad) + 1;
	*ret_runs = *ret_flakes = 0;
	count(b, end, ret_runs, ret_flakes);
}
