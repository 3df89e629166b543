/*
 * What setup made in a checkout in which nobody works, as setup left it for
 * ever: whatever tests do to it while they run in there, the next ones have it
 * as the first had. A list (manifest.h) beside git's own files of the checkout
 * tells what has been touched since, and nothing else is read; that is made
 * anew from copies (spares.h). What another user owns, who may run programs
 * for setup or the tests, can't be made so again: it is left as it is.
 */
#ifndef LOOPKEEPER_GIT_PRISTINE_H
#define LOOPKEEPER_GIT_PRISTINE_H

#include "git/folders.h"
#include "git/manifest.h"
#include "git/worktree.h"

struct pristine {
	struct git *g;
	const struct worktree *w;
	char *const *own;
	struct manifest list;
	struct manifest_entry entry; /* of the old list, the next one */
	bool has_entry;
	bool is_changed; /* the new list differs */
	uint64_t number; /* of the last copy */
	struct folders folders;
};

/*
 * Keeps what is at the paths that setup made (NULL-ended) as it is now, in
 * place of what was kept before; but nothing at the paths of own, nor what is
 * neither file, folder nor link, nor another user's. Until it returns 0 nothing
 * is kept. -1 as git.h says.
 */
int pristine_keep(struct git *g, const struct worktree *w, char *const *made,
    char *const *own);

/*
 * Begins to make it so again. Returns 1; 0 where nothing is kept that can be
 * relied on; or -1 as git.h says. pristine_end() is due in any case.
 */
int pristine_begin(struct pristine *p, struct git *g, const struct worktree *w,
    char *const *own);

/* What is at the path made[top], which must not be behind a link, is as it was
 * then; what wasn't there, goes, unless it is another user's. In rising order
 * of top. Returns as above. */
int pristine_restore(struct pristine *p, size_t top, const char *made);

/* Done, with that result of the calls before: remembers what was made anew.
 * Returns it, or -1 as git.h says. */
int pristine_end(struct pristine *p, int result);

#endif
