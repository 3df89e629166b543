#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agents/recorder/inspect.h"
#include "git/leftover.h"
#include "git/repository.h"
#include "store/check.h"

/* Whether name stands between commas in list. */
static bool
is_listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = list; *p != '\0'; p += strcspn(p, ",")) {
		p += *p == ',';
		if (strcspn(p, ",") == len && strncmp(p, name, len) == 0)
			return true;
	}
	return false;
}

struct inspection {
	const char *state_directory;
	const char *alive;
	const struct conf *conf; /* NULL: it can't be read */
};

static bool
will_run(const char *loop_id, void *argument)
{
	const struct inspection *i = argument;

	return i->conf == NULL || conf_has_loop(i->conf, loop_id);
}

static bool
has_loop(const char *loop_id, void *argument)
{
	const struct inspection *i = argument;

	return i->conf == NULL || conf_loop(i->conf, loop_id) != NULL;
}

/* The daemon knows whom it adopted; of all others the record is asked. */
static enum alive
known(const char *loop_id, void *argument)
{
	const struct inspection *i = argument;

	return is_listed(i->alive, loop_id)
	    ? ALIVE_YES
	    : alive_by_record(i->state_directory, loop_id);
}

static void
say(const char *line, void *argument)
{
	(void)argument;
	(void)printf("%s\n", line);
	(void)fflush(stdout);
}

int
inspect_run(const char *state_directory, const char *alive,
    const struct conf *conf, bool dry_run)
{
	struct inspection i = {
		.state_directory = state_directory, .alive = alive, .conf = conf
	};
	const struct check c = { .state_directory = state_directory,
		.lock_fd = -1,
		.known = known,
		.is_merged = repository_was_merged,
		.will_run = will_run,
		.has_loop = has_loop,
		.save = leftover_save,
		.trees = leftover_trees,
		.say = say,
		.argument = &i,
		.by = "recorder",
		.dry_run = dry_run };
	struct store s;
	int done;

	do
		done = check_run(&c, &s);
	while (done < 0 && errno == EBUSY && !dry_run);
	if (done == 0) {
		store_close(&s);
		return INSPECT_DONE;
	}
	if (errno == ENOENT && dry_run) {
		say("there is no database: a new one would be made", NULL);
		return INSPECT_DONE;
	}
	if (errno == EUCLEAN && dry_run)
		return INSPECT_DONE;
	(void)fprintf(stderr, "loopkeeper-recorder: %s\n", store_error(&s));
	return errno == ESHUTDOWN ? INSPECT_RELEASED : INSPECT_FAILED;
}
