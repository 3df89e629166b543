/* What a worktree is given that git doesn't have, whatever stands where it is
 * to be. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "git/provision.h"
#include "git_fixture.h"

static char *const copied[] = { (char[]){ "conf/env" }, (char[]){ "deps" },
	NULL };
static char *const shared[] = { (char[]){ "dir/cache" }, NULL };
static char *const none[] = { NULL };

/* What the operator has of it, in a checkout whose git ignores it. */
static struct provision
provisioned(char *const *copy, char *const *share)
{
	struct provision p = { .repository = at("operator"),
		.setup = "",
		.setup_when_changed = none,
		.copy = copy,
		.shared = share };

	sh("mkdir -p operator/conf operator/deps/in; cd operator;"
	   "echo secret > conf/env; echo dep > deps/in/f; ln -s in deps/link");
	assert_int_equal(provision_init(&p, at("state")), 0);
	return p;
}

static void
resets(const struct provision *p, const struct worktree *w, const char *commit)
{
	gives(0, provision_reset(git, p, w, NULL, commit, false));
}

static void
test_copies_and_links_are_brought(void **state)
{
	struct worktree w = made("wt");
	struct provision p = provisioned(copied, shared);

	resets(&p, &w, "main");
	says("secret dep in",
	    "cd wt; echo $(cat conf/env deps/in/f;"
	    " readlink deps/link)");
	says(at("state/shared/dir/cache"), "readlink wt/dir/cache");
	/* Root may write to any folder; others to one that is theirs. */
	sh("chmod 555 operator/deps/in; rm -r wt/deps");
	resets(&p, &w, "main");
	says("755", "stat -c %a wt/deps/in; chmod 755 operator/deps/in");
	sh("chmod 000 wt/deps");
	resets(&p, &w, "main");
	says("700", "stat -c %a wt/deps");
	provision_free(&p);
}

/* A folder that the kernel can't copy from to that of the other tests. */
static void
test_copies_come_from_another_file_system(void **state)
{
	char other[] = "/dev/shm/lk-git.XXXXXX", command[256];
	struct worktree w = made("wt");
	struct provision p = provisioned(copied, none);

	if (mkdtemp(other) == NULL)
		skip();
	(void)snprintf(command, sizeof(command),
	    "mv operator %s/o; ln -s %s/o operator", other, other);
	sh(command);
	sh("head -c 200000 /dev/urandom > operator/conf/env");
	resets(&p, &w, "main");
	sh("cmp operator/conf/env wt/conf/env; cat wt/deps/in/f");
	(void)snprintf(command, sizeof(command), "rm -r %s", other);
	sh(command);
	provision_free(&p);
}

static void
test_no_link_is_followed_out_of_it(void **state)
{
	struct worktree w = made("wt");
	struct provision p = provisioned(copied, shared);

	sh("mkdir -p elsewhere/in elsewhere/cache; touch elsewhere/cache/mine");
	sh("cd wt; rm -rf dir; for i in conf deps dir; do ln -s ../elsewhere"
	   " $i; done");
	/* Also where git doesn't tell of it. */
	sh("echo /conf >> $R/.git/info/exclude");
	resets(&p, &w, "main");
	says("elsewhere/cache elsewhere/cache/mine elsewhere/in",
	    "echo $(find elsewhere -mindepth 1 | sort)");
	says("secret dep b", "cd wt; echo $(cat conf/env deps/in/f dir/b.txt)");
	sh("cd wt; rm -rf deps/in; ln -s ../../elsewhere deps/in");
	resets(&p, &w, "main");
	says("dep", "cat wt/deps/in/f; test ! -e elsewhere/f");
	sh("sed -i '/conf/d' $R/.git/info/exclude");
	provision_free(&p);
}

static void
test_what_the_commit_has_in_the_way_stays(void **state)
{
	struct worktree w = made("wt");
	struct provision p = provisioned(copied, shared);

	sh("cd wt; git rm -q -r dir; echo x > dir; ln -s moved conf; mkdir"
	   " moved; echo y > moved/f; git add .; git commit -q -m Moved;"
	   "git branch moved");
	resets(&p, &w, "moved");
	says("", "git -C wt status --porcelain -- . ':!deps'");
	says("f", "ls -A wt/moved");
	resets(&p, &w, "main");
	says("secret", "cat wt/conf/env; test -L wt/dir/cache");
	provision_free(&p);
}

/* How often he is asked before he says no. */
static int patience, asked;

static bool
as_long(void *argument)
{
	return ++asked <= patience;
}

/* Copying or deleting much takes longer than a heartbeat may. */
static void
test_every_step_is_told_and_can_be_the_last(void **state)
{
	struct worktree w = made("wt");
	struct provision p = provisioned(copied, none);

	sh("touch operator/deps/{1..500}");
	/* git itself is waited for meanwhile, and asks, too. */
	git->tick = as_long;
	patience = 400;
	fails(ECANCELED,
	    "copy: ", provision_reset(git, &p, &w, NULL, "main", true));
	sh("test -e wt/conf/env; test $(ls wt/deps | wc -l) -lt 500");
	patience = 100000;
	gives(0, provision_reset(git, &p, &w, NULL, "main", true));
	sh("test $(ls wt/deps | wc -l) -eq 502");
	assert_true(asked > 800);
	asked = 0;
	patience = 300;
	sh("mkdir -p wt/new/deps; touch wt/new/deps/{1..500}");
	fails(ECANCELED, "deleting ",
	    provision_reset(git, &p, &w, NULL, "main", true));
	sh("test -e wt/new/deps");
	git->tick = NULL;
	gives(0, provision_reset(git, &p, &w, NULL, "main", true));
	sh("test ! -e wt/new");
	provision_free(&p);
}

static void
test_nothing_is_put_into_git(void **state)
{
	char *const copy[] = { (char[]){ ".git/env" }, NULL };
	struct worktree w = made("wt");
	struct provision p = provisioned(copy, none);

	sh("mkdir operator/.git; touch operator/.git/env");
	fails(ENOTDIR, ".git/env",
	    provision_reset(git, &p, &w, NULL, "main", true));
	says("", "git -C wt status --porcelain");
	provision_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_copies_and_links_are_brought),
		TEST(test_copies_come_from_another_file_system),
		TEST(test_no_link_is_followed_out_of_it),
		TEST(test_what_the_commit_has_in_the_way_stays),
		TEST(test_every_step_is_told_and_can_be_the_last),
		TEST(test_nothing_is_put_into_git),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
