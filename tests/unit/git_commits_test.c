/* Commits put on each other, undone, compared, and found again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "git/history.h"
#include "git/repository.h"
#include "git_fixture.h"

static char conflicts[256];

/* A commit on parent, which is then the branch of that name. */
static const char *
commits(const char *branch, const char *parent, const char *command)
{
	char line[512];

	(void)snprintf(line, sizeof(line),
	    "cd wt && git checkout -q -B %s %s && %s && git add -A &&"
	    " git commit -q -m %s",
	    branch, parent, command, branch);
	sh(line);
	return commit_of(branch);
}

static void
test_a_commit_is_put_on_another(void **state)
{
	char mine[GIT_HASH_SIZE], theirs[GIT_HASH_SIZE], new[GIT_HASH_SIZE];
	char command[256];

	(void)made("wt");
	(void)snprintf(
	    mine, sizeof(mine), "%s", commits("mine", "main", "echo m > m"));
	(void)snprintf(theirs, sizeof(theirs), "%s",
	    commits("theirs", "main", "sed -i s/1/one/ a.txt"));
	gives(1,
	    repository_rebase(git, mine, theirs, "Mine\n\nLoop: loop-1\n", new,
		conflicts, sizeof(conflicts)));
	differ("A m", theirs, new);
	(void)snprintf(command, sizeof(command),
	    "git -C $R log -1 --format='%%s, %%an, %%P' %s", new);
	(void)snprintf(
	    conflicts, sizeof(conflicts), "Mine, loop-1, %s", theirs);
	says(conflicts, command);
	/* The same line, and a file that is gone. */
	(void)snprintf(mine, sizeof(mine), "%s",
	    commits("mine", "main",
		"sed -i s/1/eins/ a.txt && echo more >> dir/b.txt"));
	(void)snprintf(theirs, sizeof(theirs), "%s",
	    commits("theirs", "theirs", "git rm -q dir/b.txt"));
	gives(0,
	    repository_rebase(git, mine, theirs, "Mine\n", new, conflicts,
		sizeof(conflicts)));
	assert_string_equal(conflicts, "a.txt, dir/b.txt");
	gives(
	    0, repository_rebase(git, mine, theirs, "M\n", new, conflicts, 7));
	assert_string_equal(conflicts, "a.txt,");
	fails(EPROTO, "git ",
	    repository_rebase(git, "nothing", theirs, "M\n", new, conflicts,
		sizeof(conflicts)));
}

static void
test_a_commit_is_undone(void **state)
{
	char first[GIT_HASH_SIZE], last[GIT_HASH_SIZE], new[GIT_HASH_SIZE];

	(void)made("wt");
	(void)snprintf(first, sizeof(first), "%s",
	    commits("b", "main",
		"sed -i s/1/one/ a.txt; rm run.sh;"
		" echo f > f"));
	(void)snprintf(
	    last, sizeof(last), "%s", commits("b", "b", "echo l > l"));
	gives(1,
	    repository_revert(git, first, last, "Revert\n", new, conflicts,
		sizeof(conflicts)));
	differ("A l", "main", new);
	says("100755", "git -C $R ls-tree main run.sh | cut -d' ' -f1");
	/* Undone already: a commit of nothing. */
	gives(1,
	    repository_revert(git, first, new, "Revert\n", last, conflicts,
		sizeof(conflicts)));
	differ("", new, last);
	(void)snprintf(last, sizeof(last), "%s",
	    commits("b", "b", "sed -i s/one/uno/ a.txt; echo g > f"));
	gives(0,
	    repository_revert(git, first, last, "Revert\n", new, conflicts,
		sizeof(conflicts)));
	assert_string_equal(conflicts, "a.txt, f");
	/* A merge: what it brought to its first parent. */
	(void)commits("side", "main", "echo s > side");
	sh("cd wt; git checkout -q b; git merge -q --no-ff -m Merge side");
	gives(1,
	    repository_revert(git, commit_of("b"), "b", "Revert\n", new,
		conflicts, sizeof(conflicts)));
	differ("D side", "b", new);
	fails(EPROTO, "commit-tree",
	    repository_revert(
		git, "nothing", "b", "R\n", new, conflicts, sizeof(conflicts)));
}

static void
note_change(const struct repository_change *change, void *argument)
{
	char *text = argument;
	size_t len = strlen(text);

	(void)snprintf(
	    text + len, 256 - len, "%c %s;", change->status, change->path);
}

static void
test_what_differs_is_told(void **state)
{
	char text[256] = "";

	(void)made("wt");
	(void)commits("b", "main",
	    "git mv dir/b.txt c && rm a.txt && ln -s c a.txt &&"
	    " chmod 644 run.sh && echo x > $'\\n\xc3\xa4'");
	gives(5, repository_changes(git, "main", "b", note_change, text));
	assert_string_equal(
	    text, "A \n\xc3\xa4;T a.txt;A c;D dir/b.txt;M run.sh;");
	gives(0, repository_changes(git, "b", "b", note_change, text));
	fails(EPROTO, "diff-tree",
	    repository_changes(git, "nothing", "b", note_change, text));
}

static void
test_what_is_moved_is_not_deleted(void **state)
{
	(void)made("wt");
	(void)commits("b", "main", "seq 100 > many && mkdir d && seq 50 > d/e");
	(void)commits("c", "b", "mkdir x && git mv many d/e x/ && echo >> x/e");
	gives(0, repository_deletions(git, "b", "c"));
	(void)commits("d", "c", "rm -r x dir && echo new > new");
	gives(3, repository_deletions(git, "c", "d"));
	fails(EPROTO, "diff-tree", repository_deletions(git, "nothing", "b"));
}

static void
test_a_conflict_that_is_left_is_found(void **state)
{
	char where[64] = "";

	(void)made("wt");
	/* A heading, a quotation, bytes, a row of nines, and what a check would
	 * say of white space. */
	(void)commits("b", "main",
	    "printf 'Heading\n=======\n> a\n' > c.md &&"
	    " printf '<<<<<<<<< b\n \tx:1: leftover conflict marker\n'"
	    " > nines &&"
	    " printf 'a\\0\n<<<<<<< b\n' > bytes");
	gives(0, repository_conflict_left(git, "main", "b", where, 64));
	(void)commits("c", "b", "printf '\n<<<<<<< HEAD\n=======\n' > 'a b'");
	gives(1, repository_conflict_left(git, "b", "c", where, 64));
	assert_string_equal(where, "a b, line 2");
	/* What was there before is nobody's fault. */
	(void)commits("d", "c", "printf '\nHeading\n=======\n' >> 'a b'");
	gives(0, repository_conflict_left(git, "c", "d", where, 64));
	/* Half of it is taken out. */
	(void)commits(
	    "d", "main", "printf '1\n=======\n2\n>>>>>>> b\n' > dir/b.txt");
	gives(1, repository_conflict_left(git, "main", "d", where, 64));
	assert_string_equal(where, "dir/b.txt, line 2");
	fails(EPROTO, "diff-tree",
	    repository_conflict_left(git, "nothing", "b", where, 64));
}

static void
note_merged(const struct history_commit *c, void *argument)
{
	char *text = argument;
	size_t len = strlen(text);

	(void)snprintf(text + len, 256 - len, "%s %s %s|", c->test, c->reverts,
	    c->subject);
}

static void
test_what_loops_merged_is_found(void **state)
{
	static const char make[] =
	    "cd wt; git checkout -q -b b; c() { git commit -q --allow-empty -m"
	    " \"$1\" -m \"$2\"; };"
	    "c one $'Loop: loop-1\\nTest: T-1\\nAttempt: 1';"
	    "c two $'Loop: loop-10\\nTest: T-2';"
	    "c three $'Loop: loop-1 is mentioned\\n\\nand no more';"
	    "git checkout -q -b side main; c side $'Loop: loop-1\\nTest: T-3';"
	    "git checkout -q b; git merge -q --no-ff -m Merge side;"
	    "c 'f\xc3\xbcnf' $'Loop: loop-1\\nTest: T-1\\nReverts: abc';"
	    "git config --global grep.patternType fixed;"
	    "git config --global log.showSignature true";
	char text[256] = "";

	(void)made("wt");
	sh(make);
	gives(0, history_each(git, "b", "", "loop-1", note_merged, text));
	assert_string_equal(text, "T-1 abc f\xc3\xbcnf|T-1  one|");
	text[0] = '\0';
	gives(0,
	    history_each(
		git, "b", commit_of("b~3"), "loop-1", note_merged, text));
	assert_string_equal(text, "T-1 abc f\xc3\xbcnf|");
	text[0] = '\0';
	gives(0, history_each(git, "b", "", "loop-2", note_merged, text));
	assert_string_equal(text, "");
	gives(
	    0, history_each(git, "b", commit_of("b~5"), "", note_merged, text));
	assert_string_equal(text, "T-1 abc f\xc3\xbcnf|T-2  two|T-1  one|");
	fails(EPROTO, "git log",
	    history_each(git, "nothing", "", "loop-1", note_merged, text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_commit_is_put_on_another),
		TEST(test_a_commit_is_undone),
		TEST(test_what_differs_is_told),
		TEST(test_what_is_moved_is_not_deleted),
		TEST(test_a_conflict_that_is_left_is_found),
		TEST(test_what_loops_merged_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
