/* What git is given: where it lies, and a clean environment. */
#ifndef LOOPKEEPER_GIT_ENVIRONMENT_H
#define LOOPKEEPER_GIT_ENVIRONMENT_H

#include "git/git.h"

/* Finds the program on $PATH. Returns 0, or -1 with ENOENT. */
int environment_find_git(char ret[static PATH_SIZE]);

/*
 * The variables for one run: our own without those that tell git what to work
 * on, who commits, or whom to ask. To be freed by texts_free(); NULL with
 * ENOMEM.
 */
char **environment_make(const struct git *g, const struct git_call *call);

#endif
