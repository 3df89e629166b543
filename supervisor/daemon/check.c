#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "daemon/check.h"
#include "daemon/crew.h"
#include "daemon/daemon.h"
#include "daemon/report.h"
#include "system/wanted.h"

#define CHECK_MS 10000

/* "alive=loop-1,loop-2": who may still be working on a test. */
static char *
list_alive(const struct daemon *d)
{
	size_t size = 16 + d->roster.n * (TEXT_NAME_MAX + 1);
	char *text = malloc(size);
	const char *separator = "";
	struct buf b;

	if (text == NULL)
		return NULL;
	buf_init(&b, text, size);
	buf_add(&b, "alive=");
	for (size_t i = 0; i < d->roster.n; i++) {
		if (d->links[i]->pid == 0 || !d->roster.components[i]->is_loop)
			continue;
		buf_addf(&b, "%s%s", separator, d->links[i]->name);
		separator = ",";
	}
	return text;
}

static bool
database_is_released(struct daemon *d)
{
	struct wanted wanted;
	bool released;

	if (wanted_read(d->birth->state_directory, &wanted) < 0)
		return false;
	released = wanted_find(&wanted, WANTED_DATABASE) != NULL;
	wanted_free(&wanted);
	return released;
}

/* Whether anybody may open the database, and none of ours keeps it already. */
static bool
is_needed(struct daemon *d)
{
	bool kept = false;

	for (size_t i = 0; i < d->roster.n; i++)
		if (crew_is_recorder(d, i) && d->links[i]->pid != 0)
			kept = true;
	return (d->birth->first || !kept) && !database_is_released(d);
}

static int
start_helper(struct daemon *d)
{
	char name[] = "loopkeeper-recorder", option[] = "--check";
	char state[PATH_SIZE], config[PATH_SIZE + sizeof("config=")];
	char *alive = list_alive(d);
	char *argv[] = { name, option, state, alive, config, NULL };
	int result = -1;

	(void)snprintf(state, sizeof(state), "%s", d->birth->state_directory);
	(void)snprintf(
	    config, sizeof(config), "config=%s", d->birth->config_path);
	if (alive != NULL)
		result = helper_start(
		    &d->checker, &d->loop, SOURCE_HELPER, argv, d->environment);
	free(alive);
	return result;
}

void
check_begin(struct daemon *d, int64_t now_ms)
{
	if (!is_needed(d))
		return;
	if (start_helper(d) < 0)
		report_lines(&d->log, REPORT_TROUBLE, d->checker.errors);
	else
		d->check_ms = now_ms + CHECK_MS;
}

void
check_step(struct daemon *d)
{
	if (!helper_is_done(&d->checker))
		return;
	d->check_ms = 0;
	report_lines(&d->log, REPORT_FOUND, helper_text(&d->checker));
	if (!helper_is_good(&d->checker))
		report_lines(&d->log, REPORT_TROUBLE, d->checker.errors);
	helper_finish(&d->checker, &d->loop);
	if (d->checking) {
		d->mode_due = d->order_due = true;
		d->first_turn_done = false;
	}
	d->checking = false;
}

bool
check_holds_up(struct daemon *d, int64_t now_ms)
{
	if (!helper_is_busy(&d->checker))
		return false;
	if (d->check_ms > now_ms && !d->down_asked)
		return true;
	report(REPORT_FOUND,
	    "the check of the database takes long: starting "
	    "in mode file-based until it is done");
	d->check_ms = 0;
	d->checking = true;
	return false;
}
