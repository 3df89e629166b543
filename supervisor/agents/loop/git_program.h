/* DIRECTORY/bin/git of hooks.h: what comes before git on a worker's PATH. */
#ifndef LOOPKEEPER_AGENTS_LOOP_GIT_PROGRAM_H
#define LOOPKEEPER_AGENTS_LOOP_GIT_PROGRAM_H

/* The script without its beginning, which sets common, loop, working, and ours,
 * the folder in which it lies. It refuses what git would do past its hooks to
 * stashes, to the configuration, or for a push, and is git for all the rest. */
extern const char git_program_text[];

#endif
