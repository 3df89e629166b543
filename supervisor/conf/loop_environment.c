#include <string.h>
#include <unistd.h>

#include "conf/loop_environment.h"
#include "system/marked.h"

static bool
begins(const char *variable, const char *const *with, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(variable, with[i], strlen(with[i])) == 0)
			return true;
	return false;
}

/* What is between the keeper and us only, what would make an agent think that
 * it runs inside another one, and what would lead git to another repository.
 * Settings and keys of agents stay. */
static bool
is_private(const char *variable, bool has_hooks)
{
	static const char *const private[] = { "NOTIFY_SOCKET=",
		"WATCHDOG_USEC=", "WATCHDOG_PID=", "CLAUDECODE=",
		"CLAUDE_CODE_", "GIT_" };
	static const char *const settings[] = { "CLAUDE_CODE_OAUTH_TOKEN=",
		"CLAUDE_CODE_USE_", "CLAUDE_CODE_SKIP_", "CLAUDE_CODE_MAX_",
		"CLAUDE_CODE_DISABLE_", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_",
		"GIT_CONFIG_COUNT=" };

	static const char *const replaced[] = {
		"GIT_CONFIG_COUNT=", "PATH=", "LOOPKEEPER_CONFIG="
	};

	if (has_hooks &&
	    begins(variable, replaced, sizeof(replaced) / sizeof(replaced[0])))
		return true;
	return begins(
		   variable, private, sizeof(private) / sizeof(private[0])) &&
	    !begins(variable, settings, sizeof(settings) / sizeof(settings[0]));
}

void
loop_environment_add(struct texts *t, const struct loop_environment *e)
{
	for (size_t i = 0; environ[i] != NULL; i++)
		if (!is_private(environ[i], e->has_hooks))
			(void)texts_add(t, environ[i]);
	texts_addf(t, "LOOPKEEPER_LOOP=%s", e->config->name);
	texts_addf(t, "LOOPKEEPER_LOOP_INDEX=%d", e->index);
	texts_addf(t, MARKED_LOOP_DIRECTORY "=%s", e->directory);
	texts_addf(t, "LOOPKEEPER_REPOSITORY=%s", e->config->repository);
	(void)texts_add(t, "GIT_TERMINAL_PROMPT=0");
	/* A worktree whose .git is gone isn't the checkout around it. */
	texts_addf(t, "GIT_CEILING_DIRECTORIES=%s", e->directory);
}
