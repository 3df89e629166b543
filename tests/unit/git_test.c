/* The repository, its refs and commits; and how git is run. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "git_fixture.h"

static const struct git_call at_top = { 0 };

/* ---- what is a repository ---- */

static void
opens(const char *name)
{
	gives(0, git_open(git, at(name)));
}

static void
test_what_is_no_repository_is_refused(void **state)
{
	fails(EINVAL, "No such file", git_open(git, at("nowhere")));
	sh("echo > file; mkdir empty");
	fails(EINVAL, "no directory", git_open(git, at("file")));
	fails(EINVAL, "is no git repository", git_open(git, at("empty")));
	fails(EINVAL, "it is dir/ of one", git_open(git, at("repository/dir")));
	opens("repository");
	assert_string_equal(git->error, "");
}

static void
test_every_kind_of_repository_is_opened(void **state)
{
	char tip[GIT_HASH_SIZE];

	assert_string_equal(git->common, at("repository/.git"));
	sh("git clone -q --bare $R bare; git init -q unborn;"
	   "git -C $R worktree add -q -b his ../his");
	opens("bare");
	assert_string_equal(git->common, at("bare"));
	gives(0, repository_branch(git, "loopkeeper/main", tip));
	assert_string_equal(tip, commit_of("main"));
	opens("unborn");
	fails(ENOENT, "no commit yet",
	    repository_branch(git, "loopkeeper/main", tip));
	says("", "git -C unborn for-each-ref");
	/* A worktree of the operator's: the repository is the same. */
	opens("his");
	assert_string_equal(git->common, at("repository/.git"));
}

static void
test_what_the_environment_says_of_git_is_nothing_to_us(void **state)
{
	char line[256];

	assert_int_equal(setenv("GIT_DIR", "/nowhere", 1), 0);
	assert_int_equal(setenv("GIT_INDEX_FILE", "/nowhere/index", 1), 0);
	assert_int_equal(setenv("GIT_AUTHOR_NAME", "Somebody", 1), 0);
	gives(1,
	    git_line(git, &at_top,
		(const char *const[]){ "var", "GIT_AUTHOR_IDENT", NULL }, line,
		sizeof(line)));
	assert_int_equal(unsetenv("GIT_DIR"), 0);
	assert_int_equal(unsetenv("GIT_INDEX_FILE"), 0);
	assert_int_equal(unsetenv("GIT_AUTHOR_NAME"), 0);
	assert_memory_equal(line, "loop-1 <", 8);
}

/* ---- branches and refs ---- */

static void
test_the_branch_is_made_once(void **state)
{
	char tip[GIT_HASH_SIZE];

	gives(0, repository_branch(git, "loopkeeper/main", tip));
	assert_string_equal(tip, commit_of("main"));
	says("loopkeeper: made from HEAD",
	    "git -C $R log -g -1 --format=%gs loopkeeper/main");
	sh("cd $R && git update-ref refs/heads/loopkeeper/main"
	   " $(git commit-tree -m x -p main main^{tree})");
	gives(0, repository_branch(git, "loopkeeper/main", tip));
	assert_string_equal(tip, commit_of("loopkeeper/main"));
	assert_string_not_equal(tip, commit_of("main"));
	/* Where something of that name is in the way. */
	fails(EPROTO, "loopkeeper", repository_branch(git, "loopkeeper", tip));
}

/* Sees where a branch is checked out; NULL: nowhere. */
static void
is_out(const char *branch, const char *name)
{
	char where[PATH_SIZE];

	gives(name != NULL, repository_is_checked_out(git, branch, where));
	if (name != NULL)
		assert_string_equal(where, at(name));
}

static void
test_a_branch_that_is_checked_out_is_seen(void **state)
{
	is_out("main", "repository");
	is_out("mai", NULL);
	is_out("loopkeeper/main", NULL);
	sh("git -C $R worktree add -q -b loopkeeper/main ../his");
	is_out("loopkeeper/main", "his");
	/* Also by a repository that is one of the operator's worktrees. */
	opens("his");
	is_out("loopkeeper/main", "his");
	is_out("main", "repository");
	sh("git -C his checkout -q --detach");
	is_out("loopkeeper/main", NULL);
	/* The HEAD of a bare one is checked out nowhere. */
	sh("git clone -q --bare $R bare;"
	   "git -C bare worktree add -q -b other ../beside");
	opens("bare");
	is_out("main", NULL);
	opens("beside");
	is_out("main", NULL);
	is_out("other", "beside");
}

static void
test_a_branch_in_the_midst_of_a_rebase_is_checked_out(void **state)
{
	sh("git -C $R worktree add -q -b loopkeeper/main ../his;"
	   "cd his && for i in 1 2; do git commit -q --allow-empty -m $i; done;"
	   "GIT_SEQUENCE_EDITOR=\"sed -i s/^pick/edit/\""
	   " git rebase -q -i --keep-empty HEAD~2 2> /dev/null;"
	   "test -d $(git rev-parse --git-dir)/rebase-merge");
	is_out("loopkeeper/main", "his");
	sh("git -C his rebase --quit && git -C his checkout -q --detach");
	is_out("loopkeeper/main", NULL);
}

static void
test_a_ref_moves_only_from_where_it_was(void **state)
{
	char first[GIT_HASH_SIZE], second[GIT_HASH_SIZE], tree[GIT_HASH_SIZE];
	const char *ref = "refs/loopkeeper/attempts/x";

	(void)snprintf(first, sizeof(first), "%s", commit_of("main"));
	gives(0, repository_tree(git, first, tree));
	gives(0, repository_write_commit(git, tree, first, "second\n", second));
	gives(0, repository_move_ref(git, ref, second, first, "no"));
	gives(1, repository_move_ref(git, ref, first, "", "made"));
	gives(0, repository_move_ref(git, ref, second, "", "no"));
	gives(0, repository_move_ref(git, ref, first, second, "no"));
	gives(1, repository_move_ref(git, ref, second, first, "moved"));
	assert_string_equal(second, commit_of(ref));
	fails(EPROTO, "update-ref",
	    repository_move_ref(git, ref,
		"0123456789012345678901234567890123456789", second, "no"));
	/* One that is locked hasn't moved, which isn't the same. */
	sh("touch $R/.git/refs/loopkeeper/attempts/x.lock");
	fails(EPROTO, "x.lock",
	    repository_move_ref(git, ref, first, second, "no"));
	sh("rm $R/.git/refs/loopkeeper/attempts/x.lock;"
	   "git -C $R update-ref -d refs/loopkeeper/attempts/x");
	says("second loop-1",
	    "git -C $R log -1 --format='%s %an' $(cd $R; git fsck --no-reflogs"
	    " --dangling --no-progress | sed -n \"s/dangling commit //p\" |"
	    " head -n 1)");
}

/* Sees which commit a name means; NULL: none. */
static void
is_commit(const char *rev, const char *expected)
{
	char hash[GIT_HASH_SIZE];

	gives(expected != NULL, repository_commit(git, rev, hash));
	if (expected != NULL)
		assert_string_equal(hash, expected);
}

static void
test_what_is_in_the_history(void **state)
{
	char tip[GIT_HASH_SIZE], hash[GIT_HASH_SIZE];

	gives(0, repository_branch(git, "loopkeeper/main", tip));
	gives(1, repository_contains(git, "loopkeeper/main", tip));
	(void)snprintf(hash, sizeof(hash), "%s",
	    git_said("cd $R && git commit-tree -m x -p main main^{tree}"));
	gives(0, repository_contains(git, "loopkeeper/main", hash));
	gives(0, repository_contains(git, "nothing", tip));
	gives(0, repository_contains(git, "loopkeeper/main", "0123456789ab"));
	is_commit("nothing", NULL);
	is_commit("--all", NULL);
	is_commit("main", commit_of("main"));
	/* In a file of its own, packed, by another name, or damaged. */
	is_commit("refs/heads/main", commit_of("main"));
	is_commit("refs/heads/../heads/main", NULL);
	sh("git -C $R pack-refs --all; git -C $R symbolic-ref refs/heads/s"
	   " refs/heads/main; : > $R/.git/refs/heads/empty");
	is_commit("refs/heads/loopkeeper/main", tip);
	is_commit("refs/heads/s", commit_of("main"));
	is_commit("refs/heads/empty", NULL);
	is_commit("refs/heads/loopkeeper", NULL);
	sh("rm $R/.git/refs/heads/empty; git -C $R symbolic-ref -d"
	   " refs/heads/s");
	fails(EPROTO, "no commit", repository_tree(git, "nothing", hash));
}

static void
test_who_holds_a_lock_is_alone(void **state)
{
	int fd = repository_lock(git, "merge"), ready[2], status;
	pid_t pid;
	char byte;

	assert_true(fd >= 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int other = repository_lock(git, "merge");
		int error = errno;

		_exit(other >= 0 || error != EAGAIN ||
			    repository_lock(git, "worktrees") < 0
			? 1
			: read(ready[0], &byte, 1) == 1 ? 0
							: 1);
	}
	assert_int_equal(write(ready[1], "", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	(void)close(ready[0]);
	(void)close(ready[1]);
	(void)close(fd);
}

/* ---- running it ---- */

static void
test_output_is_more_than_a_pipe_holds(void **state)
{
	char *output = NULL;
	size_t len = 0;
	const struct git_call call = { .ret_output = &output, .ret_len = &len };
	const char *const cat[] = { "cat-file", "blob", "refs/loopkeeper/b",
		NULL };
	int fd;

	sh("cd $R && git update-ref refs/loopkeeper/b"
	   " $(seq 500000 | git hash-object -w --stdin)");
	gives(0, git_must(git, &call, cat));
	assert_int_equal(len, 3388895);
	assert_memory_equal(output, "1\n2\n", 4);
	assert_memory_equal(output + len - 8, "\n500000\n", 8);
	free(output);
	/* Into a descriptor, where it isn't kept. */
	fd = open(at("big"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	gives(0, git_must(git, &(struct git_call){ .output_fd = fd }, cat));
	(void)close(fd);
	says("3388895", "stat -c %s big");
	/* Into nothing. */
	gives(0, git_must(git, &at_top, cat));
	/* More than anybody wants to have. */
	sh("cd $R && git update-ref refs/loopkeeper/b"
	   " $(head -c 70000000 /dev/zero | git hash-object -w --stdin)");
	output = NULL;
	fails(EFBIG, "File too large", git_must(git, &call, cat));
	assert_null(output);
}

static void
test_input_is_more_than_a_pipe_holds(void **state)
{
	size_t len = 3000000;
	char *input = malloc(len), hash[GIT_HASH_SIZE];
	const struct git_call call = { .input = input, .input_len = len };

	assert_non_null(input);
	(void)memset(input, 'x', len);
	gives(1,
	    git_line(git, &call,
		(const char *const[]){ "hash-object", "--stdin", NULL }, hash,
		sizeof(hash)));
	assert_string_equal(hash,
	    git_said("head -c 3000000 /dev/zero | tr \"\\0\" x |"
		     " git hash-object --stdin"));
	free(input);
}

static const char *const status[] = { "status", NULL };

static void
status_fails(int error, const char *part)
{
	fails(error, part, git_must(git, &at_top, status));
}

static int nticks;

static bool
cancel(void *argument)
{
	return ++nticks < *(int *)argument;
}

/* Runs git, which is ended at that tick. */
static void
run_until(int limit)
{
	git->tick = cancel;
	git->argument = &limit;
	nticks = 0;
	status_fails(ECANCELED, "git status: Operation canceled");
	git->tick = NULL;
}

static void
test_a_run_is_cancelled(void **state)
{
	int64_t begun_ms = clock_ms();

	/* A child of its own is ended, too. */
	fake_git("echo $$ > $HOME/pid; sleep 1000 & echo $! >> $HOME/pid;"
		 "echo much; wait");
	run_until(3);
	assert_in_range(nticks, 3, 60);
	assert_true(clock_ms() - begun_ms < 60000);
	says("",
	    "for p in $(cat pid); do kill -0 $p 2>&1 | grep -v \"No such\""
	    " || true; done");
}

static void
test_one_that_wants_to_stay_is_killed(void **state)
{
	fake_git("trap \"\" TERM; echo $$ > $HOME/pid;"
		 "while :; do sleep 1000; done");
	run_until(1);
	says("gone", "kill -0 $(cat pid) 2> /dev/null || echo gone");
}

static void
test_one_that_hangs_is_ended(void **state)
{
	git->limit_ms = 300;
	fake_git("sleep 1000");
	status_fails(ETIMEDOUT, "git status: it didn't end within ");
	git->limit_ms = 0;
}

static void
test_what_git_says_is_passed_on(void **state)
{
	char line[8];

	fake_git("echo warning: this >&2; echo \"fatal: that\" >&2;"
		 "printf \"\\033[31mmore\\n\" >&2; exit ${FAKE_EXIT:-128}");
	status_fails(EPROTO, "git status: that");
	assert_int_equal(setenv("FAKE_EXIT", "3", 1), 0);
	gives(3, git_run(git, &at_top, status));
	status_fails(EPROTO, "git status: that");
	fails(EPROTO,
	    "git status: ", git_line(git, &at_top, status, line, sizeof(line)));
	assert_int_equal(setenv("FAKE_EXIT", "0", 1), 0);
	gives(0, git_must(git, &at_top, status));
	assert_int_equal(unsetenv("FAKE_EXIT"), 0);
	fake_git("kill -9 $$");
	status_fails(EPROTO, "git status: it was killed");
	fake_git("echo much too long a line");
	fails(EFBIG, "too long a line",
	    git_line(git, &at_top, status, line, sizeof(line)));
	/* Much of it, before anything is read of its output. */
	fake_git("head -c 1000000 /dev/zero >&2; echo well");
	gives(1, git_line(git, &at_top, status, line, sizeof(line)));
	assert_string_equal(line, "well");
	sh("chmod 644 bin/git");
	assert_int_equal(setenv("PATH", at("bin"), 1), 0);
	status_fails(ENOENT, "there is no git on PATH");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_no_repository_is_refused),
		TEST(test_every_kind_of_repository_is_opened),
		TEST(test_what_the_environment_says_of_git_is_nothing_to_us),
		TEST(test_the_branch_is_made_once),
		TEST(test_a_branch_that_is_checked_out_is_seen),
		TEST(test_a_branch_in_the_midst_of_a_rebase_is_checked_out),
		TEST(test_a_ref_moves_only_from_where_it_was),
		TEST(test_what_is_in_the_history),
		TEST(test_who_holds_a_lock_is_alone),
		TEST(test_output_is_more_than_a_pipe_holds),
		TEST(test_input_is_more_than_a_pipe_holds),
		TEST(test_a_run_is_cancelled),
		TEST(test_one_that_wants_to_stay_is_killed),
		TEST(test_one_that_hangs_is_ended),
		TEST(test_what_git_says_is_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
