/*
 * loopkeeper-recorder [-c FILE]                    as a component or alone
 * loopkeeper-recorder --check STATE [alive=NAME,...] [config=FILE]
 *     [--dry-run]
 * loopkeeper-recorder --drain STATE
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agents/recorder/drain.h"
#include "agents/recorder/inspect.h"
#include "agents/recorder/recorder.h"
#include "conf/conf.h"

static int
usage(void)
{
	(void)fprintf(stderr,
	    "usage: loopkeeper-recorder [-c FILE]\n"
	    "       loopkeeper-recorder --check STATE_DIRECTORY "
	    "[alive=NAME,...] [config=FILE] [--dry-run]\n"
	    "       loopkeeper-recorder --drain STATE_DIRECTORY\n");
	return INSPECT_USAGE;
}

static int
check(int argc, char **argv)
{
	const char *state_directory = NULL, *alive = "";
	struct conf *conf = NULL;
	bool dry_run = false;
	int code;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--dry-run") == 0)
			dry_run = true;
		else if (strncmp(argv[i], "alive=", strlen("alive=")) == 0)
			alive = argv[i] + strlen("alive=");
		else if (strncmp(argv[i], "config=", strlen("config=")) == 0 &&
		    conf == NULL)
			conf = recorder_conf(argv[i] + strlen("config="));
		else if (state_directory == NULL)
			state_directory = argv[i];
		else
			return usage();
	}
	if (state_directory == NULL)
		return usage();
	code = inspect_run(state_directory, alive, conf, dry_run);
	conf_free(conf);
	return code;
}

/* From the keeper's environment, else from the configuration. */
static int
find_state(const char *option, char ret[static PATH_SIZE])
{
	const char *state = getenv("LOOPKEEPER_STATE_DIRECTORY");
	char path[PATH_SIZE];

	if (option == NULL && state != NULL)
		return path_format(ret, "%s", state);
	return conf_find(option, path, stderr) < 0
	    ? -1
	    : conf_state_directory(path, ret, stderr);
}

int
main(int argc, char **argv)
{
	char state_directory[PATH_SIZE];
	const char *option = NULL;
	struct recorder r;
	int result;

	(void)umask(077);
	if (argc > 1 && strcmp(argv[1], "--check") == 0)
		return check(argc - 2, argv + 2);
	if (argc == 3 && strcmp(argv[1], "--drain") == 0)
		return drain_run(argv[2]);
	if (argc == 3 && strcmp(argv[1], "-c") == 0)
		option = argv[2];
	else if (argc != 1)
		return usage();
	if (find_state(option, state_directory) < 0)
		return 1;
	if (path_make(state_directory, 0700) < 0)
		err(1, "%s", state_directory);
	if (recorder_open(&r, state_directory) < 0)
		return 1;
	result = recorder_run(&r);
	recorder_close(&r);
	return result < 0;
}
