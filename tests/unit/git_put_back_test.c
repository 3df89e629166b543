/* A snapshot in the files of a worktree again, on what was merged since; and a
 * look at files in which somebody is at work. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "git/snapshot.h"
#include "git_fixture.h"

#define REF   "refs/loopkeeper/attempts/x"
#define CLEAN "git checkout -q -f --detach main; git clean -q -f -d; "

static char *const nothing[] = { NULL };
static char conflicts[256];

/* What the command does in the worktree is REF then, and isn't there any more:
 * the worktree is as on the branch "tip", on which `merged` was done to main.
 */
static void
was_done(const struct worktree *w, const char *command, const char *merged)
{
	char line[1024], commit[GIT_HASH_SIZE];

	(void)snprintf(line, sizeof(line), "cd wt; " CLEAN "%s", command);
	sh(line);
	gives(0, snapshot_take(git, w, "main", nothing, REF, "Work\n", commit));
	(void)snprintf(line, sizeof(line),
	    "cd wt; " CLEAN "%s;"
	    " git add -A; git commit -q --allow-empty -m Merged;"
	    " git branch -f tip; git status --porcelain",
	    merged);
	says("", line);
}

static int
put_back(const struct worktree *w)
{
	return snapshot_put_back(
	    git, w, REF, "main", "tip", conflicts, sizeof(conflicts));
}

/* Sees that HEAD and index are those of the tip, and the files differ so. */
static void
is_changed(const char *expected)
{
	says("", "cd wt; git diff --cached --name-status tip");
	says(commit_of("tip"), "git -C wt rev-parse HEAD");
	says(expected, "cd wt; echo $(git status --porcelain -uall)");
}

static void
test_it_is_as_if_it_had_just_been_done(void **state)
{
	struct worktree w = made("wt");

	was_done(&w,
	    "sed -i s/3/three/ a.txt; rm run.sh; ln -sf dir link;"
	    "mkdir new; echo n > new/n; printf '#!' > tool; chmod 755 tool",
	    "sed -i s/1/one/ a.txt; echo t > theirs; rm dir/b.txt");
	gives(1, put_back(&w));
	is_changed("M a.txt M link D run.sh ?? new/n ?? tool");
	says("one 2 three", "cd wt; echo $(cat a.txt)");
	says("dir n 755",
	    "cd wt; echo $(readlink link; cat new/n; stat -c %a tool)");
	sh("cd wt; test -e theirs; test ! -e dir/b.txt; test ! -e run.sh");
}

/* Also what the worker had committed, and what is left of all is nothing. */
static void
test_commits_are_work_too(void **state)
{
	struct worktree w = made("wt");

	was_done(&w,
	    "echo 1 > one; git add one; git commit -q -m One; echo 2 > two;"
	    "git add two; git commit -q -m Two; rm one; echo 3 > three",
	    "true");
	gives(1, put_back(&w));
	is_changed("?? three ?? two");
	was_done(&w, "true", "echo t > theirs");
	gives(1, put_back(&w));
	is_changed("");
}

static void
test_a_folder_where_a_file_was_and_the_other_way_round(void **state)
{
	struct worktree w = made("wt");

	was_done(&w,
	    "rm -r a.txt dir; mkdir a.txt; echo x > a.txt/in; echo x > dir",
	    "echo t > theirs");
	gives(1, put_back(&w));
	is_changed("D a.txt D dir/b.txt ?? a.txt/in ?? dir");
	sh("cd wt; test -f a.txt/in; test -f dir");
	was_done(&w, "git rm -q -r .", "true");
	gives(1, put_back(&w));
	is_changed("D .gitignore D a.txt D dir/b.txt D link D run.sh");
}

static void
test_what_does_not_apply_changes_nothing(void **state)
{
	struct worktree w = made("wt");

	was_done(&w, "echo mine > f; echo n > n; sed -i s/2/mine/ a.txt",
	    "echo theirs > f; sed -i s/2/theirs/ a.txt");
	gives(0, put_back(&w));
	assert_string_equal(conflicts, "a.txt, f");
	is_changed("");
	sh("git -C $R update-ref -d " REF);
	fails(EPROTO, "there is no commit", put_back(&w));
	is_changed("");
}

/* Its own version of what conflicts, and both sides' of all else. */
static void
test_it_may_prevail(void **state)
{
	struct worktree w = made("wt");

	was_done(&w,
	    "echo mine > f; echo n > n; sed -i s/2/mine/ a.txt; rm dir/b.txt;"
	    " chmod 644 run.sh; echo two >> run.sh",
	    "echo theirs > f; sed -i s/2/theirs/ a.txt; echo t > theirs;"
	    " echo more >> dir/b.txt; sed -i 1d run.sh; chmod 755 run.sh");
	gives(0, put_back(&w));
	gives(0, snapshot_put_over(git, &w, REF, "main", "tip"));
	is_changed("M a.txt D dir/b.txt M f M run.sh ?? n");
	says("1 mine 3 mine t", "cd wt; echo $(cat a.txt f theirs)");
	says("#!/bin/sh two", "cd wt; echo $(cat run.sh)");
	sh("cd wt; test ! -e dir/b.txt; test ! -e "
	   "$R/.git/worktrees/wt/*-index");
	/* As it is put back where nothing conflicts. */
	was_done(&w, "echo n > n", "echo t > theirs");
	gives(0, snapshot_put_over(git, &w, REF, "main", "tip"));
	is_changed("?? n");
}

static void
test_a_peek_disturbs_nobody(void **state)
{
	static char *const paths[] = { "a.txt", "dir", "dir/b.txt", "gone",
		"new/f", "run.sh", NULL };
	char commit[GIT_HASH_SIZE];
	struct worktree w = made("wt");

	sh("cd wt; echo x >> a.txt; rm -r dir; echo d > dir; mkdir new;"
	   "echo n > new/f; echo n > new/other; chmod 644 run.sh;"
	   "git add new; echo later > new/f; git commit -q -m Mine;"
	   "git status --porcelain -z > ../status;"
	   "sha256sum ../repository/.git/worktrees/wt/index > ../sums");
	gives(0, snapshot_peek(git, &w, "main", paths, commit));
	differ("M a.txt A dir D dir/b.txt A new/f M run.sh", "main", commit);
	says("1",
	    "git -C $R rev-list --count main..$(git -C wt rev-parse HEAD)");
	sh("cd wt; sha256sum -c --quiet ../sums;"
	   "git status --porcelain -z | cmp - ../status;"
	   "! ls ../repository/.git/worktrees/wt | grep peek");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_it_is_as_if_it_had_just_been_done),
		TEST(test_commits_are_work_too),
		TEST(test_a_folder_where_a_file_was_and_the_other_way_round),
		TEST(test_what_does_not_apply_changes_nothing),
		TEST(test_it_may_prevail),
		TEST(test_a_peek_disturbs_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
