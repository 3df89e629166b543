/* Where a program named in the configuration lies. */
#ifndef LOOPKEEPER_CONF_PROGRAM_H
#define LOOPKEEPER_CONF_PROGRAM_H

#include "base/buf.h"
#include "base/path.h"

/* Where programs without a slash are sought. */
struct program_path {
	char beside[PATH_SIZE]; /* directory of this program; "" if unknown */
	const char *variable;	/* as $PATH */
};

/* Ours, with $PATH as it is. */
void program_path_init(struct program_path *p);

/*
 * The executable file that word means: with a slash relative to directory,
 * else beside us, among the agents, then in the directories of p->variable.
 * Writes its path, or returns -1 after telling why it was not found.
 */
int program_find(const struct program_path *p, const char *word,
    const char *directory, char ret[static PATH_SIZE], struct buf *why);

#endif
