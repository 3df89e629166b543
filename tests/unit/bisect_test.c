/* From which commit on a test fails, told by runs that fail by chance, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agents/monitor/bisect.h"

#define NEVER 0
#define EVER  1000

/* A history: [0] is the good commit, [n] the tip. */
struct world {
	size_t n;
	size_t bad;	  /* the first one; n + 1: none is */
	int good_rate;	  /* of 1000 runs on good commits so many fail, */
	int bad_rate;	  /* and on bad ones */
	uint64_t skipped; /* bit i: it can't be run on commit i */
	bool has_good;
	int64_t runs; /* what is known of the test */
	int64_t flakes;
	int healed_after; /* runs: then it passes everywhere; 0: never */
	int broken_after; /* and then it fails everywhere */
};

struct result {
	enum bisect_step step;
	size_t at;
	size_t good; /* as bisect_good() */
	int runs;
	int64_t counted;
	int64_t flakes;
};

static uint64_t seed = 1;

/* The same numbers each time. */
static bool
happens(int rate)
{
	seed = seed * 6364136223846793005U + 1442695040888963407U;
	return (int)((seed >> 33) % 1000) < rate;
}

static enum bisect_verdict
run_on(const struct world *w, size_t at, int runs)
{
	if (at < 64 && (w->skipped >> at & 1) != 0)
		return BISECT_SKIPPED;
	if (w->healed_after > 0 && runs > w->healed_after)
		return BISECT_PASSED;
	if (w->broken_after > 0 && runs > w->broken_after)
		return BISECT_FAILED;
	return happens(at >= w->bad ? w->bad_rate : w->good_rate)
	    ? BISECT_FAILED
	    : BISECT_PASSED;
}

static struct result
search(const struct world *w)
{
	struct result r = { 0 };
	struct bisect b;

	assert_int_equal(
	    bisect_begin(&b, w->has_good, w->n, w->runs, w->flakes), 0);
	while ((r.step = bisect_next(&b, &r.at)) == BISECT_RUN) {
		assert_true(r.at <= w->n);
		assert_true(++r.runs < 1000);
		bisect_note(&b, r.at, run_on(w, r.at, r.runs));
	}
	if (r.step == BISECT_FOUND)
		r.good = bisect_good(&b, r.at);
	bisect_count(&b, r.step, r.at, &r.counted, &r.flakes);
	bisect_free(&b);
	return r;
}

static int
log2_of(size_t n)
{
	int k = 0;

	while (n >> k > 1)
		k++;
	return k;
}

static void
test_every_commit_of_every_length(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 70; n++) {
		for (size_t bad = 1; bad <= n; bad++) {
			struct world w = { n, bad, NEVER, EVER, 0, true, 40, 0,
				0, 0 };
			struct result r = search(&w);

			assert_int_equal(r.step, BISECT_FOUND);
			assert_int_equal(r.at, bad);
			assert_int_equal(r.good, bad - 1);
			/* The tip, the good one, the way, the first bad one. */
			assert_true(r.runs <= 3 + 3 + log2_of(n) + 1 + 3 + 1);
			assert_int_equal(r.flakes, 0);
		}
	}
}

/* All that can't be run may be to blame, and nothing else. */
static void
test_every_set_of_commits_that_cant_be_run(void **state)
{
	const size_t n = 8;

	(void)state;
	for (uint64_t skipped = 0; skipped < 1U << n; skipped++) {
		for (size_t bad = 1; bad <= n; bad++) {
			struct world w = { n, bad, NEVER, EVER, skipped, true,
				40, 0, 0, 0 };
			struct result r = search(&w);

			assert_int_equal(r.step, BISECT_FOUND);
			assert_true(r.at >= bad && r.good < bad);
			assert_int_equal(skipped >> r.at & 1, 0);
			for (size_t i = r.good + 1; i < r.at; i++)
				assert_int_equal(skipped >> i & 1, 1);
		}
	}
}

static void
test_nothing_to_search(void **state)
{
	struct world none = { 0, 0, EVER, EVER, 0, false, 0, 0, 0, 0 };
	struct world same = { 0, 0, EVER, EVER, 0, true, 0, 0, 0, 0 };
	struct world outside = { 9, 10, EVER, EVER, 0, true, 40, 0, 0, 0 };
	struct world healed = { 9, 10, EVER, EVER, 0, true, 40, 0, 5, 0 };
	struct world glitch = { 9, 10, NEVER, EVER, 0, true, 40, 0, 0, 0 };
	struct result r;

	(void)state;
	assert_int_equal(search(&none).step, BISECT_FOUND);
	assert_int_equal(search(&same).step, BISECT_OUTSIDE);
	assert_int_equal(search(&outside).step, BISECT_OUTSIDE);
	/* Whenever it is over, no commit is blamed for it. */
	for (healed.healed_after = 1; healed.healed_after < 6;
	     healed.healed_after++)
		assert_int_not_equal(search(&healed).step, BISECT_FOUND);
	r = search(&glitch);
	assert_int_equal(r.step, BISECT_FLAKY);
	assert_int_equal(r.flakes, 1);
	assert_int_equal(r.counted, r.runs + 1);
}

/* Something else breaks while a bad commit is sought. */
static void
test_nobody_else_is_blamed_for_what_comes_later(void **state)
{
	struct world w = {
		.n = 16, .bad_rate = EVER, .has_good = true, .runs = 40
	};

	(void)state;
	for (w.bad = 1; w.bad <= w.n; w.bad++) {
		for (w.broken_after = 1; w.broken_after < 20;
		     w.broken_after++) {
			struct result r = search(&w);

			assert_true(r.step == BISECT_OUTSIDE ||
			    (r.step == BISECT_FOUND && r.at == w.bad));
		}
	}
}

/* How many of 10,000 end otherwise than they should. */
static int
wrong_of(struct world *w, size_t (*bad_of)(size_t n), enum bisect_step wanted)
{
	int wrong = 0;

	for (int i = 0; i < 10000; i++) {
		struct result r;

		w->n = 2 + (size_t)i % 63;
		w->bad = bad_of(w->n);
		r = search(w);
		wrong += r.step != wanted ||
		    (wanted == BISECT_FOUND && r.at != w->bad);
	}
	return wrong;
}

static size_t
somewhere(size_t n)
{
	return 1 + (size_t)((seed >> 20) % n);
}

static size_t
nowhere(size_t n)
{
	return n + 1;
}

static void
test_a_flaky_test_blames_nobody(void **state)
{
	static const int rates[] = { 50, 200, 300, 500 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct world w = { .good_rate = rates[i], .has_good = true };

		/* Nothing is known of it ... */
		assert_in_range(wrong_of(&w, nowhere, BISECT_FLAKY), 0, 100);
		/* ... and what is known after a while. */
		w.runs = 1000;
		w.flakes = rates[i];
		assert_in_range(wrong_of(&w, nowhere, BISECT_FLAKY), 0, 5);
	}
}

static void
test_a_flaky_test_that_breaks(void **state)
{
	struct world w = { .good_rate = 300,
		.bad_rate = EVER,
		.has_good = true,
		.runs = 100,
		.flakes = 30 };

	(void)state;
	assert_in_range(wrong_of(&w, somewhere, BISECT_FOUND), 0, 10);
	w.runs = w.flakes = 0;
	assert_in_range(wrong_of(&w, somewhere, BISECT_FOUND), 0, 50);
}

/* It isn't always seen, but then nobody is blamed. */
static void
test_a_commit_that_makes_a_test_flaky(void **state)
{
	struct world w = { .bad_rate = 500, .has_good = true, .runs = 40 };
	int found = 0, chance = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct result r;

		w.n = 2 + (size_t)i % 63;
		w.bad = somewhere(w.n);
		r = search(&w);
		found += r.step == BISECT_FOUND && r.at == w.bad;
		chance += r.step == BISECT_FLAKY;
	}
	assert_in_range(found, 850, 1000);
	assert_in_range(found + chance, 950, 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_commit_of_every_length),
		cmocka_unit_test(test_every_set_of_commits_that_cant_be_run),
		cmocka_unit_test(test_nothing_to_search),
		cmocka_unit_test(
		    test_nobody_else_is_blamed_for_what_comes_later),
		cmocka_unit_test(test_a_flaky_test_blames_nobody),
		cmocka_unit_test(test_a_flaky_test_that_breaks),
		cmocka_unit_test(test_a_commit_that_makes_a_test_flaky),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
