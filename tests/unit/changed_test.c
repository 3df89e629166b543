/* What an attempt has changed in its worktree, seen from outside. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/monitor/changed.h"
#include "base/buf.h"
#include "base/clock.h"
#include "git/setup_note.h"
#include "git_fixture.h"

#define WT "cd loop/worktree; "

static struct loop_config config;
static struct changed changed;
static struct progress attempt;
static struct worktree tree;

static void
begin(void)
{
	static char directory[256];

	tree = made("loop/worktree");
	(void)snprintf(directory, sizeof(directory), "%s", at("loop"));
	config = (struct loop_config){
		.name = "loop-1", .repository = git->top, .directory = directory
	};
	attempt = (struct progress){ .attempt_id = "1", .state = "running" };
	(void)snprintf(attempt.base_commit, sizeof(attempt.base_commit), "%s",
	    commit_of("HEAD"));
	changed_init(&changed, &config, NULL, NULL);
}

/* Looks, at any time; expected are the paths with a space behind each. */
static void
sees(const char *expected)
{
	char is[4096];
	struct buf b;

	buf_init(&b, is, sizeof(is));
	changed.rest_ms = 0;
	if (changed_look(&changed, &attempt, clock_ms()) != 1)
		fail_msg("%s", changed.git.error);
	for (size_t i = 0; i < changed.n; i++)
		buf_addf(&b, "%s ", changed.files[i].path);
	assert_string_equal(is, expected);
}

/* ---- the tests ---- */

static void
test_whatever_is_other_than_in_the_base(void **state)
{
	begin();
	sees("");
	sh(WT "echo x | tee new a.txt x.o > /dev/null; rm run.sh; mkdir sub;"
	      "echo x > sub/'sp ace'; touch dir/b.txt");
	sees("a.txt new run.sh sub/sp ace ");
	/* Committed, staged, and taken out of the index. */
	sh(WT "git add a.txt; git commit -q -m Own; git add new;"
	      "git rm -q --cached link");
	sees("a.txt link new run.sh sub/sp ace ");
	sh(WT "echo y > link.txt; ln -sf dir link");
	sees("a.txt link link.txt new run.sh sub/sp ace ");
	sh(WT "git reset -q --hard HEAD^; rm -rf sub link.txt");
	sees("");
	changed_finish(&changed);
}

static void
test_nothing_there_is_touched(void **state)
{
	begin();
	sh(WT "echo x > a.txt; echo y > new; touch -d '1 hour ago' dir/b.txt;"
	      "cd $R/.git/worktrees/worktree;"
	      "touch index.lock; sha256sum index HEAD > $R/../sums;"
	      "ls -a > $R/../list");
	sees("a.txt new ");
	sh("cd $R/.git/worktrees/worktree; sha256sum -c --quiet $R/../sums;"
	   "ls -a | cmp - $R/../list; rm index.lock");
	changed_finish(&changed);
}

/* To the same size, and in the second in which git had looked at it. */
static void
test_a_change_right_behind_git(void **state)
{
	begin();
	sh(WT "until [ \"$T\" = \"$(stat -c %Z a.txt)\" ]; do rm a.txt;"
	      "git checkout -q a.txt; T=$(stat -c %Z a.txt);"
	      "printf '4\n5\n6\n' > a.txt; done;"
	      "until [ $(date +%s) -gt $((T + 1)) ]; do :; done");
	sees("a.txt ");
	changed_finish(&changed);
}

static void
test_what_is_nobodys_work(void **state)
{
	char *copy[] = { (char[]){ ".env" }, NULL };
	char *shared[] = { (char[]){ "deps/" }, NULL };
	char *const setup[] = { (char[]){ "made" }, NULL };

	begin();
	config.copy = copy;
	config.shared = shared;
	sh(WT "mkdir made deps; echo x | tee .env made/f deps/f mine"
	      " > /dev/null");
	gives(0, setup_note_write(git, &tree, 1, setup));
	sees("mine ");
	changed_finish(&changed);
}

static void
test_when_it_was_changed(void **state)
{
	int64_t now_ms;

	begin();
	sh(WT "touch -d '2 hours' a.txt; echo x > a.txt; rm -r dir");
	now_ms = clock_wall_ms();
	sees("a.txt dir/b.txt ");
	for (size_t i = 0; i < changed.n; i++)
		assert_in_range(
		    changed.files[i].wall_ms, now_ms - 60000, now_ms + 1000);
	changed_finish(&changed);
}

static void
test_whose_list_it_is(void **state)
{
	begin();
	sh(WT "echo x > a.txt");
	sees("a.txt ");
	/* It stands while what was done is verified, or a look isn't due. */
	sh(WT "git checkout -q a.txt");
	(void)snprintf(attempt.state, sizeof(attempt.state), "verifying");
	changed.rest_ms = 0;
	assert_int_equal(changed_look(&changed, &attempt, clock_ms()), 0);
	assert_int_equal(changed.n, 1);
	(void)snprintf(attempt.state, sizeof(attempt.state), "running");
	changed.rest_ms = INT64_MAX;
	assert_int_equal(changed_look(&changed, &attempt, clock_ms()), 0);
	assert_int_equal(changed.n, 1);
	/* What another one finds there before its worker runs isn't its. */
	(void)snprintf(attempt.attempt_id, sizeof(attempt.attempt_id), "2");
	(void)snprintf(attempt.state, sizeof(attempt.state), "claimed");
	assert_int_equal(changed_look(&changed, &attempt, clock_ms()), 0);
	assert_int_equal(changed.n, 0);
	assert_string_equal(changed.attempt_id, "2");
	assert_int_equal(changed_look(&changed, NULL, clock_ms()), 0);
	assert_string_equal(changed.attempt_id, "");
	/* No worktree. */
	(void)snprintf(attempt.state, sizeof(attempt.state), "running");
	sh("rm -rf loop/worktree; git -C $R worktree prune");
	assert_int_equal(changed_look(&changed, &attempt, clock_ms()), 0);
	changed_finish(&changed);
}

/* It isn't waited for as long as for what git does to a worktree. */
static void
test_git_hangs(void **state)
{
	int64_t begun_ms = clock_ms();

	begin();
	assert_in_range(changed.git.limit_ms, 1, 60 * 1000);
	changed.git.limit_ms = 300;
	sh(WT "echo x > new");
	sees("new ");
	/* The longer it took, the later it is asked again. */
	fake_git("case $* in *\" diff \"*) sleep 1000; esac; exec $GIT \"$@\"");
	changed.rest_ms = 0;
	assert_int_equal(changed_look(&changed, &attempt, begun_ms), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(changed.n, 1);
	assert_in_range(changed.rest_ms, begun_ms + 20 * 300, clock_ms() * 2);
	changed_finish(&changed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_whatever_is_other_than_in_the_base),
		TEST(test_nothing_there_is_touched),
		TEST(test_a_change_right_behind_git),
		TEST(test_what_is_nobodys_work),
		TEST(test_when_it_was_changed),
		TEST(test_whose_list_it_is),
		TEST(test_git_hangs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
