#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "agents/common/outcome.h"
#include "agents/recorder/orphans.h"
#include "store/alive.h"
#include "store/health.h"

#define SUFFIX ".outcome"

/* Without a configuration that can be read nobody is known to be gone. */
static bool
is_configured(const char *name)
{
	struct conf *conf = recorder_conf(NULL);
	bool found = conf == NULL || conf_loop(conf, name) != NULL;

	conf_free(conf);
	return found;
}

/* The name of the loop, if file is an outcome that nobody else will write. */
static bool
is_orphan(
    const struct recorder *r, const char *file, char ret[TEXT_NAME_MAX + 1])
{
	size_t len = strlen(file), end = strlen(SUFFIX);

	if (len <= end || len - end > TEXT_NAME_MAX ||
	    strcmp(file + len - end, SUFFIX) != 0)
		return false;
	(void)snprintf(ret, TEXT_NAME_MAX + 1, "%.*s", (int)(len - end), file);
	return alive_by_record(r->state_directory, ret) != ALIVE_YES &&
	    !is_configured(ret);
}

static int
settle(struct recorder *r, const char *file, const char *loop_id)
{
	char path[PATH_SIZE];

	if (path_format(path, "%s/%s", r->intake.disk_path, file) < 0)
		return 0;
	return outcome_apply(path, &r->store, &r->log.log) < 0 ||
		health_set_loop(&r->store, loop_id, "stopped", 0) < 0
	    ? -1
	    : 0;
}

int
orphans_settle(struct recorder *r)
{
	char loop_id[TEXT_NAME_MAX + 1];
	DIR *dir = opendir(r->intake.disk_path);
	const struct dirent *entry;
	int result = 0;

	while (result == 0 && dir != NULL && (entry = readdir(dir)) != NULL)
		if (is_orphan(r, entry->d_name, loop_id))
			result = settle(r, entry->d_name, loop_id);
	if (dir != NULL)
		(void)closedir(dir);
	return result;
}
