#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/texts.h"
#include "git/environment.h"

int
environment_find_git(char ret[static PATH_SIZE])
{
	const char *path = getenv("PATH");

	if (path == NULL)
		path = "/usr/local/bin:/usr/bin:/bin";
	for (size_t n; *path != '\0'; path += n + (path[n] == ':')) {
		n = strcspn(path, ":");
		if (n > 0 && path[0] == '/' &&
		    path_format(ret, "%.*s/git", (int)n, path) == 0 &&
		    access(ret, X_OK) == 0)
			return 0;
	}
	errno = ENOENT;
	return -1;
}

/* Of those that are told anew, or that would lead git astray. */
static bool
is_foreign(const char *variable)
{
	return strncmp(variable, "GIT_", 4) == 0 ||
	    strncmp(variable, "LC_ALL=", 7) == 0 ||
	    strncmp(variable, "LANGUAGE=", 9) == 0 ||
	    strncmp(variable, "NOTIFY_SOCKET=", 14) == 0 ||
	    strncmp(variable, "SSH_ASKPASS=", 12) == 0;
}

static void
add_ours(struct texts *t, const struct git *g, const struct git_call *call)
{
	const char *name = g->author[0] != '\0' ? g->author : "loopkeeper";

	texts_addf(t, "LC_ALL=C.UTF-8");
	texts_addf(t, "GIT_TERMINAL_PROMPT=0");
	texts_addf(t, "GIT_OPTIONAL_LOCKS=0");
	texts_addf(t, "GIT_AUTHOR_NAME=%s", name);
	texts_addf(t, "GIT_COMMITTER_NAME=%s", name);
	texts_addf(t, "GIT_AUTHOR_EMAIL=loopkeeper@localhost");
	texts_addf(t, "GIT_COMMITTER_EMAIL=loopkeeper@localhost");
	if (call->git_dir != NULL) {
		texts_addf(t, "GIT_DIR=%s", call->git_dir);
		/* Whatever the worktree's own directory says. */
		if (g->common[0] != '\0')
			texts_addf(t, "GIT_COMMON_DIR=%s", g->common);
	}
	if (call->work_tree != NULL)
		texts_addf(t, "GIT_WORK_TREE=%s", call->work_tree);
	if (call->index_file != NULL)
		texts_addf(t, "GIT_INDEX_FILE=%s", call->index_file);
}

char **
environment_make(const struct git *g, const struct git_call *call)
{
	struct texts envp = { 0 };

	for (size_t i = 0; environ[i] != NULL; i++)
		if (!is_foreign(environ[i]))
			(void)texts_add(&envp, environ[i]);
	add_ours(&envp, g, call);
	return texts_take(&envp);
}
