#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/owner.h"
#include "system/lock.h"

bool
owner_is_other(const struct cli *cli, char ret_name[static OWNER_SIZE])
{
	char path[PATH_SIZE];
	const struct passwd *user;
	struct stat st;

	if (geteuid() == 0 ||
	    path_format(path, "%s/%s", cli->state_directory, LOCK_DAEMON) < 0 ||
	    stat(path, &st) < 0 || st.st_uid == geteuid())
		return false;
	user = getpwuid(st.st_uid);
	if (user != NULL)
		(void)snprintf(ret_name, OWNER_SIZE, "%s", user->pw_name);
	else
		(void)snprintf(
		    ret_name, OWNER_SIZE, "user %u", (unsigned)st.st_uid);
	return true;
}

void
owner_only(const struct cli *cli, const char *format, ...)
{
	char owner[OWNER_SIZE], what[512];
	va_list ap;

	if (!owner_is_other(cli, owner))
		return;
	va_start(ap, format);
	(void)vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	cli_fail(CLI_FAILED, "only %s may %s", owner, what);
}
