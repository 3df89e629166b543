#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "git/environment.h"

#define OURS_MAX 12

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

static bool __attribute__((format(printf, 2, 3)))
add(char ***next, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(*next, format, ap);
	va_end(ap);
	if (n < 0) {
		**next = NULL;
		return false;
	}
	++*next;
	return true;
}

static bool
add_ours(char ***next, const struct git *g, const struct git_call *call)
{
	const char *name = g->author[0] != '\0' ? g->author : "loopkeeper";

	return add(next, "LC_ALL=C.UTF-8") &&
	    add(next, "GIT_TERMINAL_PROMPT=0") &&
	    add(next, "GIT_OPTIONAL_LOCKS=0") &&
	    add(next, "GIT_AUTHOR_NAME=%s", name) &&
	    add(next, "GIT_COMMITTER_NAME=%s", name) &&
	    add(next, "GIT_AUTHOR_EMAIL=loopkeeper@localhost") &&
	    add(next, "GIT_COMMITTER_EMAIL=loopkeeper@localhost") &&
	    (call->git_dir == NULL || add(next, "GIT_DIR=%s", call->git_dir)) &&
	    (call->work_tree == NULL ||
		add(next, "GIT_WORK_TREE=%s", call->work_tree)) &&
	    (call->index_file == NULL ||
		add(next, "GIT_INDEX_FILE=%s", call->index_file));
}

char **
environment_make(const struct git *g, const struct git_call *call)
{
	char **envp, **next;
	size_t count = 0;
	bool whole = true;

	while (environ[count] != NULL)
		count++;
	envp = calloc(count + OURS_MAX, sizeof(*envp));
	if (envp == NULL)
		return NULL;
	next = envp;
	for (size_t i = 0; whole && i < count; i++)
		if (!is_foreign(environ[i]))
			whole = add(&next, "%s", environ[i]);
	if (whole && add_ours(&next, g, call))
		return envp;
	environment_free(envp);
	errno = ENOMEM;
	return NULL;
}

void
environment_free(char **envp)
{
	for (size_t i = 0; envp != NULL && envp[i] != NULL; i++)
		free(envp[i]);
	free(envp);
}
