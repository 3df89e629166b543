/*
 * A repository, worked on through the git program alone. Nothing of the
 * operator's is touched: not the checkout, the index, the stashes, nor any
 * configuration file. What is ours are a branch (integration), a branch for
 * each worktree, refs below refs/loopkeeper/, and the folder loopkeeper/ in
 * the git directory, with locks and what was set aside.
 *
 * git is run with a clean environment, without hooks, without a prompt, and is
 * waited for; meanwhile the caller's tick() is called, so that it can go on
 * showing that it lives. Nobody else may reap the caller's children.
 *
 * Errors: -1 with errno, and a text for people in .error:
 *   EPROTO     git says no; .error has its words
 *   ECANCELED  tick() said to end
 *   ETIMEDOUT  git was ended after limit_ms
 *   EFBIG      more output than GIT_OUTPUT_MAX
 *   others     as fork(2), open(2)
 */
#ifndef LOOPKEEPER_GIT_GIT_H
#define LOOPKEEPER_GIT_GIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/path.h"
#include "base/point.h"

#define GIT_HASH_SIZE  65 /* SHA-256 and the NUL */
#define GIT_REF_SIZE   256
#define GIT_ERROR_SIZE 1024
#define GIT_OUTPUT_MAX (64 * 1024 * 1024)
#define GIT_LIMIT_MS   (30 * 60 * 1000)
/* For who only looks, and has other things to look at. */
#define GIT_LOOK_MS point_ms("LOOPKEEPER_GIT_LOOK_MS", INT64_C(60) * 1000)

struct git {
	char top[PATH_SIZE];	/* where the repository's own commands run */
	char common[PATH_SIZE]; /* its git directory */
	char author[64];	/* of our commits: "loop-1" */
	/* Ten times a second while git runs, and for each file that we copy
	 * or delete ourselves: false ends it. May be NULL. */
	bool (*tick)(void *argument);
	void *argument;
	int64_t limit_ms; /* of each run; 0: GIT_LIMIT_MS */
	char error[GIT_ERROR_SIZE];
};

/* One run of git. */
struct git_call {
	/* Of a worktree (worktree.h): where it runs, and what it works on
	 * whatever has become of the folder's .git. NULL: g->top. */
	const char *work_tree;
	const char *git_dir;
	const char *index_file; /* in place of the worktree's; or NULL */
	char *const *envp;	/* in place of the clean environment; or NULL */
	const char *input;	/* for its stdin; NULL: none */
	size_t input_len;
	/* What it writes to stdout: to be freed; NULL: thrown away unless
	 * output_fd is above 0. */
	char **ret_output;
	size_t *ret_len; /* may be NULL */
	int output_fd;
};

/*
 * Opens the repository of which path is the top. Returns 0, or -1 as above;
 * EINVAL where path is not the top of a repository. Sets top, common, error.
 */
int git_open(struct git *g, const char *path);

/*
 * Runs git with arguments (NULL-ended). Returns its exit status; a status of
 * 128 and above, git's own failures, is -1 with EPROTO.
 */
int git_run(
    struct git *g, const struct git_call *call, const char *const *arguments);

/* The same for whom any status but 0 is an error. Returns 0 or -1. */
int git_must(
    struct git *g, const struct git_call *call, const char *const *arguments);

/* Runs git for its one line of output, without the newline. Returns 1, 0 when
 * its status is 1, or -1. */
int git_line(struct git *g, const struct git_call *call,
    const char *const *arguments, char *ret, size_t size);

/* The same for whom 1 is an error, too. Returns 0 or -1. */
int git_must_line(struct git *g, const struct git_call *call,
    const char *const *arguments, char *ret, size_t size);

/* Between two steps of what takes long without git. Returns 0, or -1 with
 * ECANCELED where tick() says to end. */
int git_tick(const struct git *g);

/* Notes a text for people, sets errno, returns -1. */
int git_fail(struct git *g, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
