#include "pristine_fixture.h"

char *const none[] = { NULL };

/* What the setup command makes. */
const char setup[] =
    "cd wt; mkdir -p ignored/in/deep ignored/empty ignored/locked;"
    "echo good > ignored/f; echo tool > ignored/in/tool;"
    "echo deep > ignored/in/deep/f; chmod 755 ignored/in/tool;"
    "ln ignored/in/tool ignored/in/second; ln -s in/tool ignored/link;"
    "ln -s /nowhere ignored/dangling; echo o > x.o; touch ignored/locked/x;"
    "mkdir ignored/in-side; touch ignored/in-side/f $'ignored/in/\\n\\x01 x';"
    "chmod 640 ignored/in/deep/f; chmod 711 ignored/in/deep;"
    "touch -h -d 2020-02-02 ignored/link ignored/f; touch -d 2021-01-01"
    " ignored/in ignored/empty; chmod 555 ignored/locked";

struct provision
provisioned(char *const *copy, char *const *share)
{
	struct provision p = { .repository = at("operator"),
		.setup = "make it",
		.setup_when_changed = none,
		.copy = copy,
		.shared = share };

	sh("mkdir -p operator/ignored; echo secret > operator/ignored/env;"
	   "mkdir -p elsewhere/in/deep; echo tool > elsewhere/tool;"
	   "echo tool > elsewhere/in/tool; chmod 755 elsewhere/in/tool");
	assert_int_equal(provision_init(&p, at("state")), 0);
	return p;
}

void
resets(
    struct provision *p, const struct worktree *w, const char *commit, int due)
{
	gives(0, provision_reset(git, p, w, NULL, commit, true));
	gives(due, provision_is_due(git, p, w, commit_of(commit)));
}

void
sets_up(struct provision *p, const struct worktree *w)
{
	resets(p, w, "main", 1);
	sh(setup);
	gives(0, provision_done(git, p, w, commit_of("main"), true));
	resets(p, w, "main", 0);
}
