/* What lies in a worktree as a commit, and what of it may be judged. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/texts.h"
#include "git/setup_note.h"
#include "git/snapshot.h"
#include "git_fixture.h"

#define REF "refs/loopkeeper/attempts/x"

static char *const nothing[] = { NULL };

/* A snapshot of it, which is what REF is then. */
static void
takes(const struct worktree *w, char *const *leave_out)
{
	char commit[GIT_HASH_SIZE];

	gives(0,
	    snapshot_take(
		git, w, "main", leave_out, REF, "A snapshot\n", commit));
	assert_string_equal(commit, commit_of(REF));
	says("",
	    "cd $R/.git/worktrees/wt; ls | grep loopkeeper- | grep -v checkout "
	    "|| true");
}

/* ---- snapshots ---- */

static void
test_everything_is_in_it_and_nothing_is_touched(void **state)
{
	struct worktree w = made("wt");

	sh("cd wt; mkdir new; echo x | tee -a a.txt new/f 'sp ace' $'n\\new'"
	   " n\xc3\xa4 x.o > /dev/null; git rm -q dir/b.txt; rm run.sh;"
	   "ln -sf dir link; echo s > s; git add s; echo later > s;"
	   "printf '#!' > tool; chmod 755 tool;"
	   "git status --porcelain -z > ../status;"
	   "sha256sum ../repository/.git/worktrees/wt/index"
	   " ../repository/.git/worktrees/wt/HEAD > ../sums");
	takes(&w, nothing);
	differ("M a.txt D dir/b.txt M link A \"n\\new\" A new/f A"
	       " \"n\\303\\244\" D run.sh A s A sp ace A tool",
	    "main", REF);
	says("later", "git -C $R show " REF ":s");
	says("dir", "git -C $R show " REF ":link");
	says("x", "git -C $R show " REF ":$'n\\new'");
	says("100755", "git -C $R ls-tree " REF " tool | cut -d' ' -f1");
	says("A snapshot loop-1", "git -C $R log -1 --format='%s %an' " REF);
	sh("cd wt; sha256sum -c --quiet ../sums;"
	   "git status --porcelain -z | cmp - ../status");
	/* An ignored file isn't there, nor what is left out. */
	sh("git -C $R cat-file -e " REF ":x.o && exit 1 || true");
}

static void
test_what_is_left_out_is_not_in_it(void **state)
{
	struct worktree w = made("wt");
	static char names[100][16];
	char *leave_out[101] = { 0 };

	for (int i = 0; i < 100; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "*[%d]?", i);
		leave_out[i] = names[i];
	}
	(void)snprintf(names[0], sizeof(names[0]), ".env");
	(void)snprintf(names[1], sizeof(names[1]), "deps/cache");
	sh("cd wt; mkdir -p deps/cache; echo x | tee .env deps/cache/f deps/f"
	   " '*[99]?' x9y > /dev/null");
	takes(&w, leave_out);
	differ("A deps/f A x9y", "main", REF);
}

/* git takes no pattern for what is behind one. */
static void
test_a_link_where_what_is_left_out_was(void **state)
{
	char *const leave_out[] = { (char[]){ "dir/sub/.env" },
		(char[]){ ".env" }, NULL };
	struct worktree w = made("wt");

	sh("cd wt; mkdir dir/sub; echo x | tee .env dir/sub/.env > /dev/null;"
	   "mv dir moved; rm moved/sub/.env; ln -s moved dir");
	takes(&w, leave_out);
	differ("A dir D dir/b.txt A moved/b.txt", "main", REF);
	sh("cd wt; rm dir; mkdir dir; ln -s ../moved dir/sub");
	takes(&w, leave_out);
	differ("D dir/b.txt A dir/sub A moved/b.txt", "main", REF);
}

/* To the same size, and in the second in which git had looked at it. */
static void
test_a_change_right_behind_git_is_seen(void **state)
{
	struct worktree w = made("wt");

	sh("cd wt; until [ \"$T\" = \"$(stat -c %Z a.txt)\" ]; do rm a.txt;"
	   "git checkout -q a.txt; T=$(stat -c %Z a.txt);"
	   "printf '4\n5\n6\n' > a.txt; done;"
	   "until [ $(date +%s) -gt $((T + 1)) ]; do :; done");
	takes(&w, nothing);
	differ("M a.txt", "main", REF);
}

static void
test_the_workers_own_commits_go_along(void **state)
{
	struct worktree w = made("wt");

	sh("cd wt; echo one > one; git add one; git commit -q -m Own;"
	   "echo two > two");
	takes(&w, nothing);
	says("Own", "git -C $R log -1 --format=%s " REF "^");
	differ("A one A two", "main", REF);
	/* Without a HEAD to go by it is the base. */
	sh("cd wt; git checkout -q --orphan empty; git rm -q -r --cached .");
	takes(&w, nothing);
	says("Begin", "git -C $R log -1 --format=%s " REF "^");
	differ("A one A two", "main", REF);
	/* Nothing at all. */
	sh("cd wt; rm -rf * .gitignore");
	takes(&w, nothing);
	says("", "git -C $R ls-tree " REF);
	/* Moved, not made a second time. */
	takes(&w, nothing);
}

static void
test_whatever_state_the_index_is_in(void **state)
{
	static const char *const states[] = {
		"echo rubbish > $I",
		": > $I",
		"rm $I",
		"head -c 100 $I > x && mv x $I",
		"touch $I.lock",
		"git update-index --assume-unchanged a.txt",
		"git update-index --skip-worktree a.txt",
		"git add -N new",
		"git rm -q --cached -r .",
		"git checkout -q -b x; echo x > a.txt; git commit -q -a -m x;"
		"git checkout -q -b y main; echo y > a.txt; git commit -q -a"
		" -m y; git merge -q x > /dev/null || true",
	};
	struct worktree w = made("wt");

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		char command[512];

		print_message("%s\n", states[i]);
		(void)snprintf(command, sizeof(command),
		    "set -e; export I=$R/.git/worktrees/wt/index; cd wt;"
		    " echo new > new; %s; echo changed > a.txt",
		    states[i]);
		sh(command);
		takes(&w, nothing);
		differ("M a.txt A new", "main", REF);
		sh("rm -f $R/.git/worktrees/wt/index.lock");
		gives(0, worktree_reset(git, &w, NULL, "main"));
	}
}

static void
test_what_hides_itself_hides_nothing_else(void **state)
{
	struct worktree w = made("wt");
	char commit[GIT_HASH_SIZE], **ignored;

	sh("cd wt; mkdir cache new; echo '*' | tee dir/.gitignore"
	   " > cache/.gitignore; echo '*.o' > new/.gitignore;"
	   "touch dir/work cache/x new/a.o new/a.c");
	takes(&w, nothing);
	differ("A dir/work A new/.gitignore A new/a.c", "main", REF);
	says("*", "cat wt.gitignore-*");
	/* What is kept, or setup has made, does. */
	sh("cd wt; echo '*' > dir/.gitignore");
	takes(&w, (char *const[]){ (char[]){ "dir/.gitignore" }, NULL });
	differ("A new/.gitignore A new/a.c", "main", REF);
	ignored = worktree_ignored(git, &w);
	assert_non_null(ignored);
	gives(0, setup_note_write(git, &w, 1, ignored));
	texts_free(ignored);
	gives(0, snapshot_take(git, &w, "main", nothing, REF, "Again", commit));
	gives(0, setup_note_remove(git, &w));
	differ("A new/.gitignore A new/a.c", "main", REF);
}

/* The state directory may be on another file system than the repository. */
static void
test_what_hides_itself_is_found_on_another_file_system(void **state)
{
	char other[] = "/dev/shm/lk-git.XXXXXX", path[64], aside[PATH_SIZE];
	struct worktree w;

	if (mkdtemp(other) == NULL)
		skip();
	(void)snprintf(path, sizeof(path), "%s/wt", other);
	gives(1, worktree_open(git, &w, path, "HEAD", aside));
	assert_int_equal(setenv("OTHER", other, 1), 0);
	sh("cd $OTHER/wt; echo '*' > dir/.gitignore; touch dir/work");
	takes(&w, nothing);
	differ("A dir/work", "main", REF);
	says("*", "cat $OTHER/wt.gitignore-*");
	sh("rm -r $OTHER");
}

static void
test_repositories_inside_stay_out_of_it(void **state)
{
	struct worktree w = made("wt");

	sh("cd wt; git init -q unborn; echo x > unborn/f; mkdir a;"
	   "git init -q a/deep; cd a/deep; echo x > f; git add f;"
	   "git commit -q -m f; cd ../..; echo z > z");
	takes(&w, nothing);
	differ("A z", "main", REF);
}

static void
test_a_submodule_goes_along(void **state)
{
	struct worktree w;

	sh("git init -q sub; cd sub; git commit -q --allow-empty -m 1;"
	   "git commit -q --allow-empty -m 2; cd ..; git clone -q $R clone;"
	   "cd clone; git -c protocol.file.allow=always submodule --quiet add"
	   " $HOME/sub sub; git commit -q -m Sub");
	gives(0, git_open(git, at("clone")));
	w = made("wt");
	sh("cd wt; git -c protocol.file.allow=always submodule --quiet update"
	   " --init; cd sub; git checkout -q HEAD^");
	gives(0,
	    snapshot_take(git, &w, "HEAD", nothing, REF, "s\n",
		(char[GIT_HASH_SIZE]){ 0 }));
	says("M sub",
	    "cd clone; echo $(git diff-tree -r --name-status HEAD " REF ")");
	gives(0, git_open(git, at("repository")));
}

static void
test_what_may_not_be_read_is_left_out(void **state)
{
	struct worktree w = made("wt");

	sh("cd wt; echo x > b; mkfifo pipe; echo x > secret; chmod 000 secret;"
	   "mkdir closed; echo x > closed/f; chmod 000 closed; echo x > z");
	takes(&w, nothing);
	sh("chmod 755 wt/closed; git -C $R cat-file -e " REF ":b;"
	   "git -C $R cat-file -e " REF ":z");
}

/* A full disk, say. What isn't stored would be lost by the next reset. */
static void
test_what_can_not_be_stored_is_an_error(void **state)
{
	struct worktree w = made("wt");
	char commit[GIT_HASH_SIZE];

	/* Where no other object is: commits are called otherwise each time. */
	sh("cd wt; d=$R; while test -e $d; do echo $d >> work;"
	   "d=$R/.git/objects/$(git hash-object work | cut -c 1-2); done;"
	   ": > $d; echo $d > $HOME/blocked");
	fails(EPROTO, "git add: work: ",
	    snapshot_take(git, &w, "main", nothing, REF, "message\n", commit));
	sh("rm $(cat $HOME/blocked)");
	takes(&w, nothing);
	sh("git -C $R cat-file -e " REF ":work");
}

/* Until the filter is at work. */
static bool
after_a_while(void *argument)
{
	return access(at("slow"), F_OK) < 0;
}

static void
test_a_snapshot_is_cancelled(void **state)
{
	struct worktree w = made("wt");
	char commit[GIT_HASH_SIZE];

	/* A filter of the repository's that takes its time. */
	sh("git config --global filter.slow.clean 'touch $HOME/slow; sleep "
	   "1000';"
	   "cd wt; echo '*.slow filter=slow' > .gitattributes; echo x > "
	   "x.slow");
	git->tick = after_a_while;
	fails(ECANCELED, "git add",
	    snapshot_take(git, &w, "main", nothing, REF, "s\n", commit));
	git->tick = NULL;
	says("none", "git -C $R rev-parse -q --verify " REF " || echo none");
}

/* ---- what may be judged ---- */

static void
restores(const char *expected, char *const *paths)
{
	char tree[GIT_HASH_SIZE];

	gives(
	    0, snapshot_restore(git, REF, "main", paths, at("an-index"), tree));
	differ(expected, "main", tree);
	sh("test ! -e an-index");
}

static void
test_files_are_as_in_the_base(void **state)
{
	struct worktree w = made("wt");
	char *const some[] = { (char[]){ "a.txt" }, (char[]){ "dir/b.txt" },
		(char[]){ "t\n\"\xc3\xa4 x" }, (char[]){ "not/there" },
		(char[]){ "run.sh" }, NULL };
	char *const odd[] = { (char[]){ "*" }, (char[]){ ":(top)z" }, NULL };

	sh("cd wt; echo x > a.txt; rm dir/b.txt; echo x > $'t\\n\"\xc3\xa4 x';"
	   "chmod 644 run.sh; echo x > z; echo x > '*'; ln -sf dir link");
	takes(&w, nothing);
	differ("A * M a.txt D dir/b.txt M link M run.sh A"
	       " \"t\\n\\\"\\303\\244 x\" A z",
	    "main", REF);
	restores("A * M link A z", some);
	/* Names, not patterns. */
	restores("M a.txt D dir/b.txt M link M run.sh A"
		 " \"t\\n\\\"\\303\\244 x\" A z",
	    odd);
	restores("A * M a.txt D dir/b.txt M link M run.sh A"
		 " \"t\\n\\\"\\303\\244 x\" A z",
	    nothing);
}

static void
test_a_file_where_a_folder_was_and_the_other_way_round(void **state)
{
	struct worktree w = made("wt");
	char *const paths[] = { (char[]){ "a.txt" }, (char[]){ "a.txt/in" },
		(char[]){ "dir" }, (char[]){ "dir/b.txt" }, NULL };

	sh("cd wt; rm -r a.txt dir; mkdir a.txt; echo x > a.txt/in;"
	   "echo x > dir");
	takes(&w, nothing);
	differ("D a.txt A a.txt/in A dir D dir/b.txt", "main", REF);
	restores("", paths);
}

static void
test_many_files_are_taken(void **state)
{
	static char names[5000][16];
	char *paths[5001] = { 0 };
	struct worktree w = made("wt");

	for (int i = 0; i < 5000; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "many/%d", i);
		paths[i] = names[i];
	}
	sh("cd wt; mkdir many; cd many; for i in {0..5000}; do echo $i > $i;"
	   " done");
	takes(&w, nothing);
	restores("A many/5000", paths);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_everything_is_in_it_and_nothing_is_touched),
		TEST(test_what_is_left_out_is_not_in_it),
		TEST(test_a_link_where_what_is_left_out_was),
		TEST(test_a_change_right_behind_git_is_seen),
		TEST(test_the_workers_own_commits_go_along),
		TEST(test_whatever_state_the_index_is_in),
		TEST(test_what_hides_itself_hides_nothing_else),
		TEST(test_what_hides_itself_is_found_on_another_file_system),
		TEST(test_repositories_inside_stay_out_of_it),
		TEST(test_a_submodule_goes_along),
		TEST(test_what_may_not_be_read_is_left_out),
		TEST(test_what_can_not_be_stored_is_an_error),
		TEST(test_a_snapshot_is_cancelled),
		TEST(test_files_are_as_in_the_base),
		TEST(test_a_file_where_a_folder_was_and_the_other_way_round),
		TEST(test_many_files_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
