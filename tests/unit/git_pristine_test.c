/* What setup made in a checkout in which nobody works is there for each test as
 * for the first, whatever tests did to it. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "git/pristine.h"
#include "pristine_fixture.h"

/* Root may delete what lies in any folder; others in what is open to them. */
#define TAKE "take() { chmod -R u+rwx $1; rm -r $1; };"

static char *const copied[] = { (char[]){ "ignored/env" }, NULL };
static char *const shared[] = { (char[]){ "ignored/in/cache" }, NULL };

/* All there is to be seen of it, and what must not be touched. */
static const char look[] =
    "{ cd wt; find ignored x.o -printf '%p %y %m %T@ %l\\n';"
    " find ignored x.o -type f -print0 | xargs -0 sha256sum; cd ..;"
    " find elsewhere -printf '%p %y %m %T@ %s\\n';"
    " cat elsewhere/tool; } | sort";

static void
test_what_nobody_touched_is_left_alone(void **state)
{
	static const char identity[] =
	    "find wt/ignored wt/x.o -printf '%p %i %C@ %T@ %m\\n' | sort";
	struct worktree w = made("wt");
	struct provision p = provisioned(none, none);
	char *before;

	sets_up(&p, &w);
	before = strdup(git_said(identity));
	assert_non_null(before);
	resets(&p, &w, "main", 0);
	resets(&p, &w, "main", 0);
	says(before, identity);
	says("good tool deep o",
	    "cd wt; echo $(cat ignored/f ignored/in/tool"
	    " ignored/in/deep/f x.o)");
	free(before);
	provision_free(&p);
}

static const char *const done[] = {
	"cp -p ignored/f f; echo evil > ignored/f; touch -r f "
	"ignored/f",
	"cp -p ignored/f f; echo evil > new; touch -r f new;"
	" mv new ignored/f",
	"echo longer >> ignored/in/deep/f",
	"rm ignored/f x.o ignored/in/deep/f ignored/link",
	"take ignored",
	"rm -r ignored/in ignored/empty",
	"echo evil > ignored/in/deep/evil; mkdir -p ignored/a/b"
	" ignored/zz; echo evil > ignored/a/b/c",
	"mkfifo ignored/empty/fifo",
	"rm -r ignored/in; ln -s ../../elsewhere/in ignored/in",
	"take ignored; ln -s ../elsewhere ignored",
	"rm x.o; ln -s ../elsewhere/tool x.o",
	"ln -sf ../../../elsewhere/tool ignored/in/tool",
	"ln -f ../elsewhere/tool ignored/in/tool",
	"echo evil > ignored/in/second",
	"ln ignored/f hard; cp -p hard f; echo evil > hard;"
	" touch -r f hard",
	"chmod 700 ignored/f ignored/in; chmod 4755 x.o",
	"chmod 000 ignored/in ignored/f",
	"chmod 755 ignored/locked; rm ignored/locked/x;"
	" chmod 555 ignored/locked",
	"chmod -R 500 ignored/in; chmod 000 ignored",
	"rm ignored/f; mkdir -p ignored/f/x; rm -r ignored/in;"
	" echo > ignored/in",
	"take ignored; echo > ignored; rm x.o; mkdir -p x.o/x",
	"ln -sfn in ignored/link; ln -sf tool ignored/dangling",
	"mv ignored/f t; mv x.o ignored/f; mv t x.o",
	"mv ignored/in t; mv ignored/in-side ignored/in;"
	" mv t ignored/in-side",
	"touch ignored ignored/in ignored/f ignored/empty/x;"
	" rm ignored/empty/x",
	"touch -h ignored/link",
	"git -C ignored init -q in/deep/repository",
};

static void
test_what_tests_did_to_it_is_undone(void **state)
{
	struct worktree w = made("wt");
	struct provision p = provisioned(none, none);
	char *before;

	sets_up(&p, &w);
	before = strdup(git_said(look));
	assert_non_null(before);
	for (size_t i = 0; i < sizeof(done) / sizeof(done[0]); i++) {
		char command[512];

		print_message("%s\n", done[i]);
		(void)snprintf(
		    command, sizeof(command), TAKE "cd wt && %s", done[i]);
		sh(command);
		resets(&p, &w, "main", 0);
		says(before, look);
		/* What is known of it now holds. */
		resets(&p, &w, "main", 0);
		says(before, look);
	}
	free(before);
	provision_free(&p);
}

static void
test_a_copy_that_was_touched_is_not_relied_on(void **state)
{
	static const char *const deeds[] = {
		("f=$(grep -l good wt.setup/*); cp -p $f f; echo evil > $f;"
		 " touch -r f $f"),
		"f=$(grep -l good wt.setup/*); rm $f; ln -s ../evil $f",
		"rm -r wt.setup",
	};
	struct worktree w = made("wt");
	struct provision p = provisioned(none, none);

	sh("echo evil > evil");
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		print_message("%s\n", deeds[i]);
		sets_up(&p, &w);
		sh(deeds[i]);
		/* Nobody looks at it before it is needed. */
		resets(&p, &w, "main", 0);
		sh("echo evil > wt/ignored/f");
		resets(&p, &w, "main", 1);
		sh("test ! -e wt/ignored -a ! -e wt/x.o");
	}
	provision_free(&p);
}

static void
test_a_list_that_is_not_whole_is_not_relied_on(void **state)
{
	static const char *const deeds[] = {
		"rm $L",
		": > $L",
		"truncate -s -1 $L",
		"truncate -s -100 $L",
		"truncate -s 8 $L",
		"echo >> $L",
		"printf x | dd of=$L bs=1 seek=7 conv=notrunc status=none",
		"printf x | dd of=$L bs=1 seek=200 conv=notrunc status=none",
		/* An older one and its copies, setup having died since. */
		"rm $S",
		/* A note as earlier versions wrote it. */
		"tr '\\0' '\\n' < $S > n; mv n $S",
		/* It is of other paths than the note. */
		"{ head -zn 1 $S; tail -zn +2 $S | sort -zr; } > n; mv n $S",
	};
	struct worktree w = made("wt");
	struct provision p = provisioned(none, none);

	assert_int_equal(
	    setenv("L", at("repository/.git/worktrees/wt/loopkeeper-made"), 1),
	    0);
	assert_int_equal(
	    setenv("S", at("repository/.git/worktrees/wt/loopkeeper-setup"), 1),
	    0);
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		print_message("%s\n", deeds[i]);
		sets_up(&p, &w);
		sh(deeds[i]);
		resets(&p, &w, "main", 1);
		sh("test ! -e wt/ignored -a ! -e wt/x.o");
	}
	/* One that was being written. */
	sets_up(&p, &w);
	sh("head -c 300 $L > $L.new; echo evil > wt/ignored/f");
	resets(&p, &w, "main", 0);
	says("good", "cat wt/ignored/f; test ! -e $L.new");
	provision_free(&p);
}

static void
test_a_name_may_have_lines(void **state)
{
	struct worktree w = made("wt");
	struct provision p = provisioned(none, none);

	resets(&p, &w, "main", 1);
	sh(setup);
	sh("echo two > $'wt/a\nb.o'");
	gives(0, provision_done(git, &p, &w, commit_of("main"), true));
	sh("cd wt; rm $'a\nb.o' x.o; echo evil > ignored/f");
	resets(&p, &w, "main", 0);
	says("two good o", "cd wt; echo $(cat $'a\nb.o' ignored/f x.o)");
	resets(&p, &w, "main", 0);
	says("two good o", "cd wt; echo $(cat $'a\nb.o' ignored/f x.o)");
	provision_free(&p);
}

static void
test_what_is_not_setups_stays_in_it(void **state)
{
	struct worktree w = made("wt");
	struct provision p = provisioned(copied, shared);
	char *before;

	sets_up(&p, &w);
	sh("echo warm > wt/ignored/in/cache/x; rm wt/ignored/f");
	before = strdup(git_said("stat -c '%i %Z' wt/ignored/env"));
	assert_non_null(before);
	resets(&p, &w, "main", 0);
	says(before, "stat -c '%i %Z' wt/ignored/env");
	says("good warm secret", "cd wt/ignored; echo $(cat f in/cache/x env)");
	sh(TAKE "take wt/ignored");
	resets(&p, &w, "main", 0);
	says("good warm secret", "cd wt/ignored; echo $(cat f in/cache/x env)");
	/* What the commit has there is the commit's. */
	sh("cp -r $R r; cd r; git checkout -q -f -b has; mkdir -p ignored/f"
	   " ignored/new; echo c > ignored/f/x; echo c > ignored/new/x;"
	   "ln -s dir ignored/in; echo c > x.o; git add -f ignored x.o;"
	   "git commit -q -m Has; git push -q $R has");
	resets(&p, &w, "has", 0);
	says("", "git -C wt status --porcelain");
	says("c c c dir tool",
	    "cd wt; echo $(cat ignored/f/x ignored/new/x x.o;"
	    " readlink ignored/in; cat ../elsewhere/tool)");
	resets(&p, &w, "main", 0);
	says("good o tool",
	    "cd wt; echo $(cat ignored/f x.o ignored/in/tool);"
	    " test ! -e ignored/new");
	free(before);
	provision_free(&p);
}

/* How many steps are left to whoever is to die amid them. */
static int steps;

static bool
dies(void *argument)
{
	return --steps > 0 || raise(SIGKILL) != 0;
}

static char *const paths[] = { (char[]){ "ignored/" }, (char[]){ "x.o" },
	NULL };

static void
keeps(const struct worktree *w)
{
	(void)pristine_keep(git, w, paths, none);
}

static void
restores(const struct worktree *w)
{
	struct pristine p;
	int result = pristine_begin(&p, git, w, none);

	for (size_t i = 0; result > 0 && paths[i] != NULL; i++)
		result = pristine_restore(&p, i, paths[i]);
	(void)pristine_end(&p, result);
}

/* Whether it was killed in the n-th step. */
static bool
is_killed(
    void (*does)(const struct worktree *w), const struct worktree *w, int n)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		steps = n;
		git->tick = dies;
		does(w);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status);
}

static void
test_who_is_killed_amid_it_does_no_harm(void **state)
{
	struct worktree w = made("wt");
	struct provision p = provisioned(none, none);
	struct pristine reader;
	char *before;
	int n;

	sets_up(&p, &w);
	for (n = 1; is_killed(keeps, &w, n); n++) {
		gives(0, pristine_begin(&reader, git, &w, none));
		(void)pristine_end(&reader, 0);
	}
	assert_true(n > 10);
	before = strdup(git_said(look));
	assert_non_null(before);
	for (n = 1;; n++) {
		sh(TAKE "cd wt; take ignored/in; echo evil > ignored/f; mkdir"
			" ignored/evil; touch ignored/evil/{1,2,3}; rm x.o;"
			" ln -s ignored/f x.o");
		if (!is_killed(restores, &w, n))
			break;
		resets(&p, &w, "main", 0);
		says(before, look);
	}
	says(before, look);
	assert_true(n > 10);
	free(before);
	provision_free(&p);
}

static void
test_it_is_gone_with_the_worktree(void **state)
{
	struct worktree w = made("wt");
	struct provision p = provisioned(none, none);

	sets_up(&p, &w);
	sh("test -d wt.setup; chmod 755 wt/ignored/locked");
	gives(0, worktree_remove(git, &w));
	sh("test ! -e wt -a ! -e wt.setup");
	provision_free(&p);
}

/* We are a plain user from here on; what shells do, root does. */
static void
is_plain_user(bool plain)
{
	if (!plain)
		assert_int_equal(seteuid(0), 0);
	sh(plain ? "git config --global safe.directory '*'; chown -hR 65534 ."
		 : "chown -hR 0 .");
	if (plain)
		assert_int_equal(seteuid(65534), 0);
}

static void
test_what_another_user_owns_is_left_alone(void **state)
{
	struct worktree w = made("wt");
	struct provision p = provisioned(none, none);

	if (geteuid() != 0) {
		provision_free(&p);
		skip();
	}
	is_plain_user(true);
	resets(&p, &w, "main", 1);
	sh(setup);
	sh("chown -hR 65534 wt; cd wt/ignored; mkdir in/data closed;"
	   "echo 1 | tee in/data/db > log; chmod 700 closed");
	gives(0, provision_done(git, &p, &w, commit_of("main"), true));
	for (int i = 0; i < 2; i++) {
		resets(&p, &w, "main", 0);
		/* His own, those that were ours, and some amid new ones. */
		sh("cd wt/ignored; echo 2 | tee in/data/db in/data/new > log;"
		   "echo evil > f; chown 0 in/second; rm in/deep/f;"
		   "chown 0 in/deep; mkdir -p new/data; touch new/data/x new/y;"
		   "chown 65534 new new/y; rm ../x.o; mkdir -p ../x.o/data;"
		   "touch ../x.o/data/x; chown 65534 ../x.o");
		resets(&p, &w, "main", 0);
		says("2 2 2 good tool",
		    "cd wt/ignored; echo $(cat log in/data/* f in/second)");
		says("65534 0", "cd wt/ignored; echo $(stat -c %u f in/data)");
		sh("cd wt; test ! -e ignored/in/deep/f -a ! -e ignored/new/y"
		   " -a -e ignored/new/data/x -a -e x.o/data/x");
		/* When they are gone, ours are there again. */
		sh("cd wt; rm -r ignored/in/deep ignored/new x.o");
		resets(&p, &w, "main", 0);
		says("deep o", "cd wt; echo $(cat ignored/in/deep/f x.o)");
	}
	is_plain_user(false);
	provision_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_nobody_touched_is_left_alone),
		TEST(test_what_tests_did_to_it_is_undone),
		TEST(test_a_copy_that_was_touched_is_not_relied_on),
		TEST(test_a_list_that_is_not_whole_is_not_relied_on),
		TEST(test_a_name_may_have_lines),
		TEST(test_what_is_not_setups_stays_in_it),
		TEST(test_who_is_killed_amid_it_does_no_harm),
		TEST(test_it_is_gone_with_the_worktree),
		TEST(test_what_another_user_owns_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
