/* What the tests of provision_reset() with `ignored` stand on, beside those of
 * git/: an operator who has something to be copied, and a setup. */
#ifndef LOOPKEEPER_TESTS_PRISTINE_FIXTURE_H
#define LOOPKEEPER_TESTS_PRISTINE_FIXTURE_H

#include "git/provision.h"
#include "git_fixture.h"

extern char *const none[]; /* no paths */

/* What the setup command makes in wt. */
extern const char setup[];

/* To be freed by provision_free(). */
struct provision provisioned(char *const *copy, char *const *share);

/* Resets w to a commit, and sees whether setup is due there then. */
void resets(
    struct provision *p, const struct worktree *w, const char *commit, int due);

/* Sets w up on main, where that was due. */
void sets_up(struct provision *p, const struct worktree *w);

#endif
