/* A checkout in which tests run: whatever their code told git there, each
 * commit is checked out as it is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "git/provision.h"
#include "git_fixture.h"

static char *const none[] = { NULL };

static void
resets(const struct worktree *w, const char *commit)
{
	struct provision p = { .repository = at("operator"),
		.setup = "",
		.setup_when_changed = none,
		.copy = none,
		.shared = none };

	assert_int_equal(provision_init(&p, at("state")), 0);
	gives(0, provision_reset(git, &p, w, NULL, commit, true));
	provision_free(&p);
}

/* What main has, and nothing else. */
static void
is_main(void)
{
	says("1 2 3", "echo $(cat wt/a.txt)");
	says(".git .gitignore a.txt dir link run.sh", "echo $(ls -A wt)");
	says("b", "test ! -L wt/dir; cat wt/dir/b.txt");
	says("a.txt", "readlink wt/link");
	says("755", "stat -c %a wt/run.sh");
	/* For the tests' own git, too. */
	says("HEAD", "git -C wt rev-parse --abbrev-ref HEAD");
	says("", "git -C wt status --porcelain --ignored");
	says("", "git -C wt ls-files -v | grep -v ^H || true");
}

/* Same size and times as before, but the one that can't be set, of which git
 * looks at the seconds. */
#define QUIETLY                                                            \
	"quietly() { until [ $(date +%%s) -gt $(stat -c %%Z a.txt) ]; do " \
	"sleep"                                                            \
	" 0.05; done; cp -p a.txt t; printf '1\\n9\\n3\\n' > a.txt;"       \
	" touch -r t a.txt; rm t; }; set_here() { git config"              \
	" extensions.worktreeConfig true; git config --worktree \"$@\"; };"

/* As long after the last reset that git needn't look into files that are as old
 * as the index. */
#define AGED                                             \
	"touch -d 2035-01-01 $R/.git/worktrees/wt/index" \
	" $R/.git/worktrees/wt/loopkeeper-checkout;"

static const char *const told[] = {
	"quietly",
	"quietly; chmod -x run.sh",
	"git update-index --assume-unchanged a.txt; quietly",
	"git update-index --skip-worktree a.txt; rm a.txt",
	"echo evil > evil; git add evil; echo x > x.o; git add -f x.o",
	"echo evil > evil; git add -N evil",
	"mkdir evil; echo evil > evil/x; git update-index --add"
	" --cacheinfo 160000,$(git rev-parse HEAD),evil",
	"quietly; git commit -q -a -m Mine",
	"set_here core.trustctime false; set_here core.checkStat"
	" minimal; quietly",
	"git config core.trustctime false; git config core.checkStat"
	" minimal; quietly",
	"set_here core.fileMode false; chmod -x run.sh",
	"set_here core.symlinks false; rm link",
	"echo '* filter=evil' > ../attributes; set_here"
	" core.attributesFile $HOME/attributes; set_here"
	" filter.evil.smudge 'sed s/2/9/'; rm a.txt",
	"set_here core.autocrlf true; rm a.txt",
	"git config core.ignoreStat true; git checkout -q -f HEAD;"
	" quietly",
	"git config core.splitIndex true; git config "
	"core.untrackedCache"
	" true; git update-index --split-index --untracked-cache;"
	" quietly; echo evil > evil",
	"f=$(git rev-parse --git-path info/sparse-checkout);"
	" mkdir -p ${f%/*}; echo dir/ > $f; set_here"
	" core.sparseCheckout true; git read-tree -mu HEAD",
	"rm -rf * .gitignore; mkdir a.txt; echo x > a.txt/x",
	"rm -r dir; mkdir ../b; echo b > ../b/b.txt; ln -s ../b dir",
	"echo rubbish > $(git rev-parse --git-path index); quietly",
	": > $(git rev-parse --git-path index); quietly",
	"echo rubbish > $(git rev-parse"
	" --git-path loopkeeper-checkout); quietly",
	"rm $(git rev-parse --git-path loopkeeper-checkout); quietly",
	"cd $(git rev-parse --git-dir); for f in config.worktree index"
	" commondir.new loopkeeper-checkout.new; do rm -f $f;"
	" mkdir -p $f/x; done; rm $HOME/wt/a.txt",
	"cd $(git rev-parse --git-dir); rm config.worktree; ln -s ../../config"
	" config.worktree; ln -s ../../config index.new; rm $HOME/wt/a.txt",
	"touch $(git rev-parse --git-path loopkeeper-checkout).lock;"
	" touch -d 2020-01-01 $(git rev-parse --git-path"
	" loopkeeper-checkout).lock; quietly",
	"git config core.useReplaceRefs true; git replace HEAD:a.txt "
	"$(echo evil | git hash-object -w"
	" --stdin); rm a.txt",
	"cp -r $R ../his; git -C ../his replace HEAD:a.txt $(echo evil "
	"|"
	" git -C ../his hash-object -w --stdin); git -C ../his config"
	" core.useReplaceRefs true; echo $HOME/his/.git >"
	" $(git rev-parse --git-dir)/commondir; rm a.txt",
};

static void
test_nothing_that_was_told_to_git_is_believed(void **state)
{
	struct worktree w = made("wt");

	resets(&w, "main");
	sh("cp $R/.git/config config");
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		char command[1024];

		print_message("%s\n", told[i]);
		(void)snprintf(command, sizeof(command),
		    QUIETLY AGED "cd wt && { %s; }", told[i]);
		sh(command);
		sh("cp $R/.git/config his.config");
		resets(&w, "main");
		sh("cmp $R/.git/config his.config");
		/* Others than us still heed what is his. */
		sh("cat config > $R/.git/config; rm -rf $R/.git/refs/replace"
		   " his b");
		is_main();
	}
}

/* Gives the index's entry of a changed file the hash of the one in main. */
static void
forge(const char *path, const char *is, const char *was)
{
	unsigned char bytes[65536], hashes[2][20], *found;
	unsigned value;
	FILE *f = fopen(path, "r+e");
	size_t n;

	assert_non_null(f);
	for (size_t i = 0; i < 20; i++) {
		assert_int_equal(sscanf(is + 2 * i, "%2x", &value), 1);
		hashes[0][i] = (unsigned char)value;
		assert_int_equal(sscanf(was + 2 * i, "%2x", &value), 1);
		hashes[1][i] = (unsigned char)value;
	}
	n = fread(bytes, 1, sizeof(bytes), f);
	found = memmem(bytes, n, hashes[0], 20);
	assert_non_null(found);
	(void)memcpy(found, hashes[1], 20);
	rewind(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void
test_an_index_that_lies_is_not_believed(void **state)
{
	struct worktree w = made("wt");
	char is[GIT_HASH_SIZE], was[GIT_HASH_SIZE];

	resets(&w, "main");
	sh("cd wt; printf '1\\n9\\n3\\n' > a.txt; touch -d 2020-01-01 a.txt;"
	   "git add a.txt");
	(void)snprintf(
	    is, sizeof(is), "%s", git_said("git -C wt rev-parse :a.txt"));
	(void)snprintf(was, sizeof(was), "%s", commit_of("main:a.txt"));
	forge(at("repository/.git/worktrees/wt/index"), is, was);
	/* It takes in git itself. */
	says("", "git -C wt status --porcelain");
	resets(&w, "main");
	is_main();
}

static void
test_what_is_unchanged_keeps_its_time(void **state)
{
	static const char times[] =
	    "find wt -mindepth 1 -name .git -prune -o -type f -printf"
	    " '%p %i %T@\\n' | sort";
	struct worktree w = made("wt");
	char *before = strdup(git_said(times));

	assert_non_null(before);
	resets(&w, "main");
	says(before, times);
	sh("cd wt; git status --porcelain; git checkout -q -b mine;"
	   "git commit -q --allow-empty -m Mine; echo x > new");
	resets(&w, "main");
	says(before, times);
	free(before);
	is_main();
	fails(EPROTO, "nothing", worktree_restore(git, &w, "nothing"));
	resets(&w, "main");
	is_main();
}

/* Nobody's work is in there. */
static void
test_of_what_was_set_aside_the_last_is_left(void **state)
{
	struct worktree w = made("wt"), work = made("wt.wreck");

	sh("mkdir -p wt.wreck-5/x wt.wreck-1000 wt.inner-999/.git wt.wreck-x"
	   " wt.wreck- wt.other-7 wt.wreck.wreck-3 wt.wreck.wreck-4 "
	   "wt2.wreck-8;"
	   "touch wt.wreck-20");
	resets(&w, "main");
	says("wt wt.other-7 wt.wreck wt.wreck- wt.wreck-1000 wt.wreck-x"
	     " wt.wreck.wreck-3 wt.wreck.wreck-4 wt2.wreck-8",
	    "echo $(ls -d wt*)");
	gives(0, worktree_reset(git, &work, "loop-1/working", "main"));
	sh("test -e wt.wreck.wreck-3 -a -e wt.wreck-1000");
	is_main();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_that_was_told_to_git_is_believed),
		TEST(test_an_index_that_lies_is_not_believed),
		TEST(test_what_is_unchanged_keeps_its_time),
		TEST(test_of_what_was_set_aside_the_last_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
