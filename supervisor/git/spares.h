/*
 * Copies of files, by number, in the folder PATH.setup beside a worktree: on
 * the same file system, so that one that knows how needn't copy the bytes, out
 * of sight from within, and gone with the worktree.
 */
#ifndef LOOPKEEPER_GIT_SPARES_H
#define LOOPKEEPER_GIT_SPARES_H

#include "git/manifest.h"
#include "git/worktree.h"

/* Begins anew, with none. All return 0, or -1 with errno. */
int spares_begin(const struct git *g, const struct worktree *w);

/* Copies the file at path, and notes that in e; one that we may not read has no
 * copy. */
int spares_keep(const struct git *g, const struct worktree *w, const char *path,
    uint64_t number, struct manifest_entry *e);

/* Makes the file at path, where there is nothing, as e says, from its copy, and
 * notes its new identity. ESTALE where there is no copy, or somebody has
 * touched it. */
int spares_make(const struct git *g, const struct worktree *w, const char *path,
    struct manifest_entry *e);

/* Deletes them with their folder. */
int spares_delete(const struct git *g, const struct worktree *w);

#endif
