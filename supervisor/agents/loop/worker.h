/*
 * What a worker is given for one attempt: its prompt and specification as
 * files, its arguments, its environment. All of it is memory of one struct.
 */
#ifndef LOOPKEEPER_AGENTS_LOOP_WORKER_H
#define LOOPKEEPER_AGENTS_LOOP_WORKER_H

#include "agents/loop/hooks.h"
#include "base/path.h"
#include "conf/conf.h"
#include "store/claims.h"

/* What is to be done, and what is good to know for it. */
struct task {
	const struct claim *claim;
	/* Texts; "" for none. */
	const char *failure;	/* what verify said last */
	const char *files;	/* that may be changed */
	const char *locks;	/* files that other loops hold */
	const char *before;	/* what an earlier attempt left it */
	const char *session_id; /* of a paused attempt, to be continued */
	const struct hooks *hooks;
	int64_t budget_usd; /* of one attempt, in millionths; -1: no limit */
	bool is_second;	    /* by the loop's second worker */
};

struct worker {
	/* The rules for its output; NULL for a plain command, and for that of
	 * a test of its own. The configuration's. */
	const struct worker_preset *preset;
	const struct hooks *hooks; /* of the worktree; NULL: none */
	char **argv;		   /* NULL-ended; as envp and prompt owned */
	char **envp;
	char *prompt;		     /* "" for none */
	char prompt_path[PATH_SIZE]; /* "" for none */
	const char *stdin_path;	     /* prompt_path; NULL for no input */
	char spec_path[PATH_SIZE];
};

/*
 * Builds it. base is a path without its end: base.prompt and base.spec are
 * written. Template and arguments know {test} {attempt} {attempts} {prompt}
 * {prompt_file} {spec} {spec_file} {failure} {files} {locks} {verify}
 * {last_result} {loop} {repository} {before} {session} {budget_usd}; what is
 * empty is "none" in a template. The argument {options} is the worker's
 * options; one with {budget_usd} in it is left out where there is no
 * budget; one that {prompt} makes too long for the kernel only names its file,
 * which is the input as well. A test without a specification has its failure
 * for one. Returns 0, or -1 with errno, and in what (PATH_SIZE bytes) what it
 * was about.
 */
int worker_prepare(struct worker *w, const struct loop_config *config,
    const struct task *task, const char *base, char *what);
void worker_free(struct worker *w);

/* The environment of everything that is run for the claim (NULL: of setup).
 * To be freed by texts_free(). NULL with ENOMEM. */
char **worker_environment(const struct loop_config *config,
    const struct claim *claim, const struct worker *w);

#endif
