/*
 * What a worker is given for one attempt: its prompt and specification as
 * files, its arguments, its environment. All of it is memory of one struct.
 */
#ifndef LOOPKEEPER_AGENTS_LOOP_WORKER_H
#define LOOPKEEPER_AGENTS_LOOP_WORKER_H

#include "base/path.h"
#include "conf/conf.h"
#include "store/claims.h"

struct worker {
	char **argv; /* NULL-ended; as envp and prompt owned */
	char **envp;
	char *prompt;		     /* "" for none */
	char prompt_path[PATH_SIZE]; /* "" for none */
	char spec_path[PATH_SIZE];
};

/*
 * Builds it. base is a path without its end: base.prompt and base.spec are
 * written. Template and arguments know {test} {attempt} {attempts} {prompt}
 * {prompt_file} {spec} {spec_file} {verify} {last_result} {loop}
 * {repository}. Returns 0, or -1 with errno, and in what (PATH_SIZE bytes)
 * what it was about.
 */
int worker_prepare(struct worker *w, const struct loop_config *config,
    const struct claim *claim, const char *base, char *what);
void worker_free(struct worker *w);

/* The environment of everything that is run for the claim (NULL: of setup).
 * To be freed by worker_free_list(). NULL with ENOMEM. */
char **worker_environment(const struct loop_config *config,
    const struct claim *claim, const struct worker *w);
void worker_free_list(char **list);

#endif
