/* What git takes a worktree for when others run it there: it then goes by
 * configuration and environment, as every command of ours doesn't. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "git/worktree.h"

int
worktree_has_config(struct git *g, const struct worktree *w)
{
	struct git_call call = { 0 };
	char on[16];
	int found;

	worktree_call(w, &call);
	found = git_line(g, &call,
	    (const char *const[]){ "config", "--type=bool", "--get",
		"extensions.worktreeConfig", NULL },
	    on, sizeof(on));
	return found <= 0 ? found : strcmp(on, "true") == 0;
}

int
worktree_set_top(struct git *g, const struct worktree *w)
{
	int on = worktree_has_config(g, w);
	struct git_call call = { 0 };

	if (on <= 0)
		return on;
	worktree_call(w, &call);
	if (git_must(g, &call,
		(const char *const[]){ "config", "--worktree", "core.worktree",
		    w->path, NULL }) < 0)
		return -1;
	return git_must(g, &call,
	    (const char *const[]){
		"config", "--worktree", "core.bare", "false", NULL });
}

int
worktree_prove(struct git *g, const struct worktree *w, char *const *envp,
    const char *branch, const char *commit)
{
	char *said = NULL, asked[PATH_SIZE + GIT_HASH_SIZE + GIT_REF_SIZE];
	struct git_call call = {
		.work_tree = w->path, .envp = envp, .ret_output = &said
	};
	int status, result = 0;

	(void)snprintf(asked, sizeof(asked), "%s\n%s\n%s%s\n", w->path, commit,
	    branch != NULL ? "refs/heads/" : "HEAD",
	    branch != NULL ? branch : "");
	status = git_run(g, &call,
	    (const char *const[]){ "rev-parse", "--show-toplevel", "HEAD",
		"--symbolic-full-name", "HEAD", NULL });
	if (status < 0 && errno != EPROTO)
		return -1;
	if (status != 0 || strcmp(said, asked) != 0)
		result = git_fail(g, EPROTO,
		    "git in %s, with the environment of workers, works on "
		    "something else (%s): find what says so (git config "
		    "--show-origin --get-regexp '^core.(worktree|bare)$', "
		    "env | grep GIT_) and unset it",
		    w->path, status == 0 ? said : g->error);
	free(said);
	return result;
}
