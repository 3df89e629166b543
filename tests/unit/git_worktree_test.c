/* Worktrees: made, found again, brought back into order after whatever a worker
 * did, and never taken for the checkout around them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/texts.h"
#include "git/snapshot.h"
#include "git/wreck.h"
#include "git_fixture.h"

static char *const nothing[] = { NULL };

/* Opens DIRECTORY/name again: made anew or not, with something set aside or
 * not. */
static struct worktree
opened(const char *name, int expected, bool is_aside)
{
	char aside[PATH_SIZE];
	struct worktree w;
	struct stat st;

	gives(expected, worktree_open(git, &w, at(name), "HEAD", aside));
	assert_int_equal(aside[0] != '\0', is_aside);
	if (is_aside)
		assert_int_equal(lstat(aside, &st), 0);
	/* It is one to git, too. */
	sh("cd wt && git status --porcelain > ../status");
	return w;
}

static void
resets(const struct worktree *w)
{
	gives(0, worktree_reset(git, w, "loop-1/working", "main"));
	says("", "git -C wt status --porcelain --untracked-files=no");
	says("loop-1/working", "git -C wt rev-parse --abbrev-ref HEAD");
	says("0", "git -C wt rev-list --count main..HEAD");
	says("", "git -C wt diff main");
}

static void
test_one_is_made_and_found_again(void **state)
{
	struct worktree w = made("wt"), again;

	assert_string_equal(w.path, at("wt"));
	assert_string_equal(w.admin, at("repository/.git/worktrees/wt"));
	says("HEAD", "git -C wt rev-parse --abbrev-ref HEAD");
	says("1 2 3", "echo $(cat wt/a.txt)");
	sh("echo work > wt/work");
	again = opened("wt", 0, false);
	assert_string_equal(again.admin, w.admin);
	says("work", "cat wt/work");
	/* A second of that last name has another admin directory. */
	sh("mkdir other");
	w = made("other/wt");
	assert_string_not_equal(w.admin, again.admin);
	gives(0, worktree_remove(git, &again));
	says("gone", "test -e wt || echo gone");
	gives(0, worktree_remove(git, &w));
	says("1", "git -C $R worktree list | wc -l");
}

/* What a worker may do to the two halves of a worktree, and what is made
 * anew of it. */
static void
test_wrecks_are_mended(void **state)
{
	static const struct {
		const char *command;
		int made;
		bool aside;
	} wrecks[] = {
		{ "rm wt/.git", 0, false },
		{ "rm -rf wt/.git; git init -q wt", 0, true },
		{ "echo gitdir: /nowhere > wt/.git", 0, false },
		{ "mv wt/.git x; ln -s $PWD/x wt/.git", 0, false },
		{ "rm -rf wt; mkdir wt; echo mine > wt/mine", 0, false },
		{ "rm -rf $R/.git/worktrees/wt", 1, false },
		{ "touch $R/.git/worktrees/wt/locked", 1, false },
		{ "rm $R/.git/worktrees/wt/index", 1, false },
		{ "rm $R/.git/worktrees/wt/HEAD", 1, false },
		{ ": > $R/.git/worktrees/wt/HEAD", 1, false },
		{ "rm $R/.git/worktrees/wt/commondir", 1, false },
	};

	(void)made("wt");
	for (size_t i = 0; i < sizeof(wrecks) / sizeof(wrecks[0]); i++) {
		sh("echo mine > wt/mine");
		sh(wrecks[i].command);
		print_message("%s\n", wrecks[i].command);
		(void)opened("wt", wrecks[i].made, wrecks[i].aside);
		says("mine", "cat wt/mine");
		says("1", "git -C wt status --porcelain mine | wc -l");
		(void)opened("wt", 0, false);
	}
	says("2", "git -C $R worktree list | wc -l");
	says("0", "ls -d wt.wreck-* 2> /dev/null | wc -l");
}

static void
test_what_is_no_folder_is_set_aside(void **state)
{
	static const char *const wrecks[] = {
		"rm -rf wt; echo file > wt",
		"rm -rf wt; ln -s nowhere wt",
		"rm -rf wt; ln -s $R wt",
		"rm -rf wt; ln -s $R wt; rm -rf $R/.git/worktrees/wt",
	};

	(void)made("wt");
	sh("git -C $R status > status-before; ls -a $R > before");
	for (size_t i = 0; i < sizeof(wrecks) / sizeof(wrecks[0]); i++) {
		sh(wrecks[i]);
		print_message("%s\n", wrecks[i]);
		(void)opened("wt", i == 3, true);
		sh("test -d wt && test ! -L wt && test -f wt/.git");
	}
	sh("git -C $R status | cmp - status-before; ls -a $R | cmp - before");
	says("2", "git -C $R worktree list | wc -l");
}

static void
test_a_folder_that_is_there_already_is_set_aside(void **state)
{
	char aside[PATH_SIZE];
	struct worktree w;

	sh("mkdir -p wt/deep; echo his > wt/deep/file");
	gives(1, worktree_open(git, &w, at("wt"), "HEAD", aside));
	says("his", "cat wt.wreck-*/deep/file");
	assert_memory_equal(aside, at("wt.wreck-"), strlen(at("wt.wreck-")));
}

static void
test_the_checkout_around_it_is_never_touched(void **state)
{
	char commit[GIT_HASH_SIZE];
	struct worktree w;

	/* The state directory lies in another checkout, which git finds when
	 * the .git of the worktree is gone. */
	sh("git init -q outer; cd outer; echo o > o; mkdir state; git add o;"
	   "git commit -q -m o; echo changed >> o; echo new > new");
	sh("cat > outer.sh <<'E'\ncd outer; find . -path ./state -prune -o"
	   " -type f -print0 | sort -z | xargs -0 sha256sum; git rev-parse"
	   " HEAD\nE\nbash outer.sh > before");
	w = made("outer/state/wt");
	sh("rm outer/state/wt/.git; echo work > outer/state/wt/work;"
	   "rm outer/state/wt/a.txt");
	gives(0,
	    snapshot_take(git, &w, "main", nothing, "refs/loopkeeper/x",
		"snapshot\n", commit));
	says("work", "git -C $R show refs/loopkeeper/x:work");
	gives(0, worktree_reset(git, &w, "loop-1/working", "main"));
	gives(0, worktree_tidy(git, &w, true, NULL, NULL));
	says("1 2 3", "echo $(cat outer/state/wt/a.txt)");
	says("gone", "test -e outer/state/wt/work || echo gone");
	sh("bash outer.sh | cmp - before");
	/* One that names another repository. */
	sh("cp -r outer his; echo gitdir: $HOME/his/.git > outer/state/wt/.git;"
	   "git -C his status --porcelain > status");
	gives(0, worktree_reset(git, &w, NULL, "main"));
	gives(0, worktree_tidy(git, &w, true, NULL, NULL));
	sh("git -C his status --porcelain | cmp - status;"
	   "bash outer.sh | cmp - before");
}

static void
test_what_a_worker_left_halfway_is_forgotten(void **state)
{
	/* On branches x and y, which don't go together. */
	static const char *const operations[] = {
		"git checkout -q x; git merge -q y",
		"git checkout -q x; git rebase -q y",
		"git checkout -q x; git rebase -q --apply y",
		"git checkout -q x; git cherry-pick y",
		"git checkout -q x; git revert --no-edit main",
		"git bisect start y main~0 && git checkout -q x",
		"git checkout -q x; git merge --squash y",
		"git checkout -q x; git am x.patch",
	};
	struct worktree w = made("wt");

	sh("cd wt; for b in x y; do git checkout -q -b $b main;"
	   " echo $b > a.txt; git commit -q -a -m $b; done");
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]);
	     i++) {
		char command[256];

		print_message("%s\n", operations[i]);
		(void)snprintf(command, sizeof(command),
		    "cd wt; { %s; } > /dev/null 2>&1 || true", operations[i]);
		sh(command);
		resets(&w);
		says("nothing to commit, working tree clean",
		    "git -C wt status | tail -n 1");
		says("2", "git -C wt status | wc -l");
	}
}

static void
test_whatever_a_worker_did_is_reset(void **state)
{
	static const char *const deeds[] = {
		"echo more >> a.txt; git commit -q -a -m mine",
		"git checkout -q --detach; rm a.txt",
		"git checkout -q --orphan empty; git rm -q -r -f .",
		"echo staged > s; git add s; git rm -q --cached a.txt",
		"rm -rf *; mkdir a.txt; echo x > a.txt/x",
		"git update-index --assume-unchanged a.txt; echo x > a.txt",
		"git update-index --skip-worktree a.txt; echo x > a.txt",
		"f=$(git rev-parse --git-path info/sparse-checkout);"
		"mkdir -p ${f%/*}; echo dir/ > $f;"
		"git -c core.sparseCheckout=true read-tree -mu HEAD;"
		"test ! -e a.txt",
		"chmod 000 a.txt; chmod -x run.sh; rm link; ln -s dir link",
		"chmod 555 dir; echo x > a.txt",
		"mv dir moved; ln -s moved dir",
		"echo rubbish > $(git rev-parse --git-path index)",
		": > $(git rev-parse --git-path index)",
		"f=$(git rev-parse --git-path index); head -c 100 $f > x;"
		"mv x $f",
		"git update-ref --no-deref HEAD HEAD; git branch -q -D"
		" loop-1/working",
		"git symbolic-ref HEAD refs/heads/nothing",
	};
	struct worktree w = made("wt");

	resets(&w);
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		char command[512];

		print_message("%s\n", deeds[i]);
		(void)snprintf(
		    command, sizeof(command), "cd wt && %s", deeds[i]);
		sh(command);
		resets(&w);
		says("1 2 3", "echo $(cat wt/a.txt)");
		says("a.txt", "readlink wt/link");
		sh("test ! -L wt/dir");
		says("b", "cat wt/dir/b.txt");
		says("755", "stat -c %a wt/run.sh");
	}
}

static void
test_a_reset_that_fails_leaves_no_wreck(void **state)
{
	struct worktree w = made("wt");

	sh("touch $R/.git/worktrees/wt/index.lock");
	fails(EPROTO, "index.lock",
	    worktree_reset(git, &w, "loop-1/working", "main"));
	(void)opened("wt", 0, false);
	fails(EPROTO, "nothing", worktree_reset(git, &w, NULL, "nothing"));
	(void)opened("wt", 0, false);
	sh("rm $R/.git/worktrees/wt/index.lock");
	resets(&w);
}

static void
test_what_git_does_not_know_goes_but_for_what_is_kept(void **state)
{
	struct worktree w = made("wt");
	char *const keep[] = { (char[]){ ".env" }, (char[]){ "deps/cache" },
		NULL };
	char *const spare[] = { (char[]){ "ignored/made" }, NULL };
	char **others;

	sh("cd wt; mkdir -p new/deep ignored/made deps/cache odd;"
	   "echo x | tee new/deep/f x.o ignored/f ignored/made/f .env"
	   " deps/cache/f deps/f deps/x.o $'odd/\\n\\xc3\\xa4 x' > /dev/null;"
	   "ln -s ../../repository new/link");
	others = worktree_ignored(git, &w);
	assert_non_null(others);
	assert_string_equal(others[0], "deps/x.o");
	assert_string_equal(others[1], "ignored/");
	assert_string_equal(others[2], "x.o");
	assert_null(others[3]);
	texts_free(others);
	gives(0, worktree_tidy(git, &w, false, keep, NULL));
	says(".env deps/cache/f deps/x.o ignored/f ignored/made/f x.o",
	    "cd wt; echo $(git ls-files -o | sort)");
	gives(0, worktree_tidy(git, &w, true, keep, spare));
	says(".env deps/cache/f ignored/made/f",
	    "cd wt; echo $(git ls-files -o | sort)");
	gives(0, worktree_tidy(git, &w, true, NULL, NULL));
	says("", "git -C wt ls-files -o");
	says("1 2 3", "echo $(head -n 3 $R/a.txt)");
	sh("test ! -e wt/odd");
	/* A link holds nothing. */
	sh("cd wt; rm -rf deps; mkdir ../cache; ln -s .. deps");
	gives(0, worktree_tidy(git, &w, false, keep, NULL));
	sh("test ! -L wt/deps; test -e cache");
}

static void
test_new_ignore_files_spare_nothing(void **state)
{
	char *const spare[] = { (char[]){ "made/.gitignore" }, NULL };
	struct worktree w = made("wt");

	sh("cd wt; mkdir made new; echo '*' | tee dir/.gitignore"
	   " new/.gitignore > made/.gitignore; touch dir/work new/x made/x");
	gives(0, worktree_tidy(git, &w, false, NULL, spare));
	says("made/.gitignore made/x",
	    "cd wt; echo $(git ls-files --others | sort)");
}

static void
test_folders_that_may_not_be_written_go(void **state)
{
	struct worktree w = made("wt");

	sh("cd wt; mkdir -p mod/a/b; echo x > mod/a/b/f; chmod 400 mod/a/b/f;"
	   "chmod 555 mod/a/b mod/a mod; mkdir ignored; echo x > ignored/f;"
	   "chmod 000 ignored");
	gives(0, worktree_tidy(git, &w, true, NULL, NULL));
	sh("cd wt; test ! -e mod; test ! -e ignored");
}

static void
test_a_repository_inside_is_set_aside(void **state)
{
	struct worktree w = made("wt");

	sh("cd wt; git init -q inner; cd inner; echo x > f; git add .;"
	   "git commit -q -m inner; cd ..; mkdir deep; git init -q deep/er;"
	   "echo x > deep/er/f");
	gives(0, worktree_tidy(git, &w, false, NULL, NULL));
	sh("test ! -e wt/inner; test ! -e wt/deep");
	says("inner",
	    "git -C $(grep -l x wt.inner-*/f | xargs dirname) log"
	    " --format=%s");
	/* However deep it lies: the snapshot has neither. */
	says("x", "cat wt.inner-*/er/f");
	says("2", "ls -d wt.inner-* | wc -l");
	/* Where nobody works they are nobody's. */
	sh("git init -q wt/inner; git init -q wt/deep/er");
	gives(0, worktree_tidy(git, &w, true, NULL, NULL));
	sh("test ! -e wt/inner; test ! -e wt/deep");
	says("2", "ls -d wt.inner-* | wc -l");
}

static void
test_the_worktrees_are_worked_on_by_one_at_a_time(void **state)
{
	char aside[PATH_SIZE];
	int ready[2], done[2], status;
	struct worktree w;
	pid_t pid;
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(done, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(done[1]);
		if (repository_lock(git, "worktrees") >= 0 &&
		    write(ready[1], "", 1) == 1)
			(void)!read(done[0], &byte, 1);
		_exit(0);
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	errno = 0;
	assert_int_equal(worktree_open(git, &w, at("wt"), "HEAD", aside), -1);
	assert_int_equal(errno, EAGAIN);
	(void)close(done[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)made("wt");
	(void)close(ready[0]);
	(void)close(done[0]);
}

static void
test_what_others_git_works_on_is_proven(void **state)
{
	struct worktree w = made("wt");
	char *led_astray[] = { NULL, NULL, NULL };
	char tip[GIT_HASH_SIZE];

	gives(0, worktree_reset(git, &w, "loop-1/working", "main"));
	(void)snprintf(tip, sizeof(tip), "%s", commit_of("main"));
	gives(0, worktree_prove(git, &w, environ, "loop-1/working", tip));
	fails(EPROTO, "works on something else",
	    worktree_prove(git, &w, environ, NULL, tip));
	fails(EPROTO, tip,
	    worktree_prove(git, &w, environ, "loop-1/working", "main"));
	assert_true(
	    asprintf(&led_astray[0], "GIT_DIR=%s", at("repository/.git")) > 0);
	assert_true(
	    asprintf(&led_astray[1], "GIT_WORK_TREE=%s", at("repository")) > 0);
	fails(EPROTO, at("repository"),
	    worktree_prove(git, &w, led_astray, "loop-1/working", tip));
	free(led_astray[0]);
	free(led_astray[1]);
	/* git's own words, where it can't. */
	led_astray[0] = NULL;
	sh("mv wt/.git aside");
	fails(EPROTO, "not a git repository",
	    worktree_prove(git, &w, led_astray, "loop-1/working", tip));
	sh("mv aside wt/.git");
	gives(0, worktree_reset(git, &w, NULL, "main"));
	gives(0, worktree_prove(git, &w, environ, NULL, tip));
}

static void
test_stale_locks_are_set_aside(void **state)
{
	static const char *const own[] = { "index", "HEAD", NULL };
	static const char *const common[] = { "refs/heads/loopkeeper/main",
		"packed-refs", NULL };
	struct worktree w = made("wt");
	char path[PATH_SIZE] = "";

	gives(0, wreck_clear_locks(git, &w, own, path));
	assert_string_equal(path, "");
	sh("cd $R/.git; mkdir -p refs/heads/loopkeeper;"
	   "touch -d \"1 hour ago\" worktrees/wt/index.lock packed-refs.lock"
	   " refs/heads/loopkeeper/main.lock index.lock");
	gives(1, wreck_clear_locks(git, &w, own, path));
	assert_string_equal(
	    path, at("repository/.git/worktrees/wt/index.lock"));
	gives(2, wreck_clear_locks(git, NULL, common, path));
	/* The operator's own is not ours to judge. */
	says("index.lock",
	    "cd $R/.git; find . -name '*.lock' -not -path"
	    " './loopkeeper/*' | sed 's,./,,'");
	says("3", "ls $R/.git/loopkeeper/aside | wc -l");
	sh("rm $R/.git/index.lock");
}

static void
test_the_lock_of_a_git_that_lives_stays(void **state)
{
	static const char *const own[] = { "index", NULL };
	struct worktree w = made("wt");
	char path[PATH_SIZE];

	/* By its name it is a git; it works in the worktree. */
	sh("cp $(command -v sleep) git-something;"
	   "(cd wt && exec ../git-something 1000) > /dev/null 2>&1 &"
	   "echo $! > pid;"
	   "until grep -q git-something /proc/$(cat pid)/comm; do :; done;"
	   "touch -d \"1 hour\" $R/.git/worktrees/wt/index.lock");
	fails(EAGAIN, git_said("echo \"(pid $(cat pid))\""),
	    wreck_clear_locks(git, &w, own, path));
	sh("test -e $R/.git/worktrees/wt/index.lock");
	/* One that was born after the lock didn't make it. */
	sh("touch -d \"1 hour ago\" $R/.git/worktrees/wt/index.lock");
	gives(1, wreck_clear_locks(git, &w, own, path));
	sh("kill $(cat pid)");
	sh("(exec env -i ./git-something 1000) > /dev/null 2>&1 & echo $! > "
	   "pid;"
	   "until grep -q git-something /proc/$(cat pid)/comm; do :; done;"
	   "cp -r wt elsewhere; touch $R/.git/worktrees/wt/index.lock");
	/* One that works elsewhere has nothing to do with it. */
	gives(1, wreck_clear_locks(git, &w, own, path));
	sh("kill $(cat pid)");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_is_made_and_found_again),
		TEST(test_wrecks_are_mended),
		TEST(test_what_is_no_folder_is_set_aside),
		TEST(test_a_folder_that_is_there_already_is_set_aside),
		TEST(test_the_checkout_around_it_is_never_touched),
		TEST(test_what_a_worker_left_halfway_is_forgotten),
		TEST(test_whatever_a_worker_did_is_reset),
		TEST(test_a_reset_that_fails_leaves_no_wreck),
		TEST(test_what_git_does_not_know_goes_but_for_what_is_kept),
		TEST(test_new_ignore_files_spare_nothing),
		TEST(test_folders_that_may_not_be_written_go),
		TEST(test_a_repository_inside_is_set_aside),
		TEST(test_the_worktrees_are_worked_on_by_one_at_a_time),
		TEST(test_what_others_git_works_on_is_proven),
		TEST(test_stale_locks_are_set_aside),
		TEST(test_the_lock_of_a_git_that_lives_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
