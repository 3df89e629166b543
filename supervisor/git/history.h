/* What loops have merged, as the trailers of their commits tell it. */
#ifndef LOOPKEEPER_GIT_HISTORY_H
#define LOOPKEEPER_GIT_HISTORY_H

#include "git/git.h"

/* Texts live until one() returns, are never NULL and "" where there is no such
 * trailer. */
struct history_commit {
	const char *hash;
	const char *loop;
	const char *test;
	const char *attempt;
	const char *reverts; /* hash of the commit that this one undoes */
	const char *subject;
	const char *author; /* his name */
};

/*
 * Calls one for each commit with the trailer "Loop: LOOP" (loop "": of any
 * loop) on the way from tip back to since (a commit, itself left out; "" for
 * all), the newest first; of a merge only the first parent. Returns 0 or -1.
 */
int history_each(struct git *g, const char *tip, const char *since,
    const char *loop,
    void (*one)(const struct history_commit *commit, void *argument),
    void *argument);

/* Calls one for that commit, whoever made it. Returns 0 or -1. */
int history_read(struct git *g, const char *commit,
    void (*one)(const struct history_commit *commit, void *argument),
    void *argument);

/* The hashes of the commits behind since as far as tip, the oldest first; of a
 * merge only the first parent. To be freed by texts_free(); NULL as -1. */
char **history_between(struct git *g, const char *since, const char *tip);

#endif
