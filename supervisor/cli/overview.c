#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/clock.h"
#include "base/io.h"
#include "cli/health_file.h"
#include "cli/keepers.h"
#include "cli/names.h"
#include "cli/overview.h"
#include "cli/print.h"
#include "cli/words.h"
#include "store/health.h"
#include "store/queries_fleet.h"
#include "system/process.h"
#include "system/rundir.h"

static int64_t
stat_ms(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000 +
	    st->st_mtim.tv_nsec / 1000000;
}

static void
read_rundir(struct overview *o, const struct cli *cli, int rundir)
{
	char link[PATH_SIZE], word[32];
	struct statfs fs;
	struct stat st;

	if (path_format(link, "%s/run", cli->state_directory) == 0 &&
	    realpath(link, o->run_directory) == NULL)
		o->run_directory[0] = '\0';
	o->tmpfs = fstatfs(rundir, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
	if (io_read_file(rundir, "mode", word, sizeof(word)) >= 0) {
		word[strcspn(word, "\n")] = '\0';
		o->has_mode = mode_parse(word, &o->mode);
	}
	if (fstatat(rundir, "mode", &st, 0) == 0)
		o->mode_age_ms = clock_wall_ms() - stat_ms(&st);
}

static void
read_record(struct overview_component *c, int rundir)
{
	struct keeper_seen seen;

	keepers_look_in(&seen, rundir, c->name);
	c->keeper_pid = seen.pid;
	c->has_record = seen.has_record;
	c->record = seen.record;
	c->component = seen.component;
	if (c->keeper_pid != 0 && c->component.beat_ms != 0)
		c->heartbeat_age_ms = clock_ms() - c->component.beat_ms;
}

/* Where the file says nothing, its keeper may have been told by somebody who
 * can't write there. All keepers are told to stop at `down`: that is no wish
 * as far as the file can be read. */
static enum wanted_state
read_wish(const struct overview *o, const struct overview_component *c)
{
	static const enum wanted_state wishes[COMPONENT_WANTS] = {
		[WANT_RUN] = WANTED_RUN,
		[WANT_STOP] = WANTED_STOPPED,
		[WANT_PAUSE] = WANTED_PAUSED,
		[WANT_DRAIN] = WANTED_DRAINING,
	};

	if (c->wanted != NULL)
		return c->wanted->state;
	if (c->keeper_pid == 0 || !c->has_record ||
	    (o->owner[0] == '\0' && c->component.want == WANT_STOP))
		return WANTED_RUN;
	return wishes[c->component.want];
}

/* Of those that beat by touching a file. */
static void
read_file_heartbeat(struct overview_component *c)
{
	struct stat st;

	if (c->keeper_pid == 0 || c->config == NULL ||
	    c->config->heartbeat != HEARTBEAT_FILE)
		return;
	c->never_heard =
	    stat(config_text(c->config, c->config->heartbeat_path), &st) < 0;
	if (!c->never_heard)
		c->heartbeat_age_ms = clock_wall_ms() - stat_ms(&st);
}

static void
read_component(struct overview *o, struct overview_component *c, int rundir)
{
	for (size_t i = 0; o->conf != NULL && i < o->conf->fleet.ncomponents;
	     i++)
		if (strcmp(o->conf->components[i]->name, c->name) == 0)
			c->config = o->conf->components[i];
	if (o->conf != NULL)
		c->loop_config = conf_loop(o->conf, c->name);
	c->wanted = wanted_find(&o->wanted, c->name);
	c->heartbeat_age_ms = -1;
	read_record(c, rundir);
	c->wish = read_wish(o, c);
	read_file_heartbeat(c);
	c->is_loop = c->config != NULL ? c->config->is_loop
				       : c->has_record && c->record.is_loop;
	c->housekeeping = c->config != NULL
	    ? c->config->housekeeping
	    : c->has_record && c->record.housekeeping;
	c->loop = (struct overview_loop){
		.ready = -1, .running_ms = -1, .last_output_ms = -1
	};
	if (c->loop_config != NULL) {
		c->loop.priority = c->loop_config->priority;
		(void)strlcpy(c->loop.branch, c->loop_config->branch,
		    sizeof(c->loop.branch));
		health_file_read(
		    &c->loop, c->loop_config->directory, c->record.pid);
	}
}

/* Names, then what belongs to each. */
static int
read_components(struct overview *o, const struct cli *cli, int rundir)
{
	struct names names;

	if (names_read(&names, cli->state_directory, o->conf) == 0)
		o->components = calloc(names.n + 1, sizeof(o->components[0]));
	for (size_t i = 0; o->components != NULL && i < names.n; i++) {
		o->n++;
		(void)strlcpy(o->components[i].name, names.items[i],
		    sizeof(o->components[i].name));
		read_component(o, &o->components[i], rundir);
	}
	names_free(&names);
	return o->components != NULL ? 0 : -1;
}

int
overview_read(struct overview *o, const struct cli *cli)
{
	int rundir, result;

	(void)memset(o, 0, sizeof(*o));
	o->now_ms = clock_ms();
	o->mode_age_ms = -1;
	o->conf = names_load_conf(cli);
	o->running = keepers_supervisor(
	    cli->state_directory, &o->guardian_pid, &o->daemon_pid);
	if (!owner_is_other(cli, o->owner) &&
	    wanted_read(cli->state_directory, &o->wanted) < 0 &&
	    errno != ENOENT)
		return -1;
	rundir = rundir_open(cli->state_directory);
	if (rundir >= 0)
		read_rundir(o, cli, rundir);
	result = read_components(o, cli, rundir);
	io_close(&rundir);
	if (result == 0)
		words_of_mode(o);
	return result;
}

void
overview_free(struct overview *o)
{
	free(o->components);
	conf_free(o->conf);
	wanted_free(&o->wanted);
	(void)memset(o, 0, sizeof(*o));
}

struct overview_component *
overview_find(const struct overview *o, const char *name)
{
	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->components[i].name, name) == 0)
			return &o->components[i];
	return NULL;
}

const char *
overview_tree(const struct overview_component *c)
{
	static const char *const trees[] = {
		[TREE_REAPER] = "reaper",
		[TREE_CGROUP] = "cgroup",
		[TREE_BEST_EFFORT] = "best-effort",
	};

	return c->keeper_pid != 0 && c->has_record ? trees[c->record.tree] : "";
}

const char *
overview_title(const struct overview_component *c)
{
	if (c->config != NULL && c->config->title != 0)
		return config_text(c->config, c->config->title);
	return c->has_record && c->record.title[0] != '\0' ? c->record.title
							   : c->name;
}

static int
add_loop(const struct loop_row *row, void *argument)
{
	struct overview_component *c = overview_find(argument, row->id);
	struct overview_loop *loop;

	if (c == NULL)
		return 0;
	c->is_loop = true;
	loop = &c->loop;
	loop->known = loop->has_queue = true;
	loop->passed = row->passed;
	loop->left = row->left;
	loop->ready = row->ready;
	loop->blocked = row->blocked;
	loop->priority = row->priority;
	if (row->branch[0] != '\0')
		(void)strlcpy(loop->branch, row->branch, sizeof(loop->branch));
	if (strcmp(loop->test, row->test_id) != 0)
		loop->last_output_ms = -1; /* of another test */
	(void)strlcpy(loop->test, row->test_id, sizeof(loop->test));
	loop->attempt = row->attempt;
	loop->max_attempts = row->max_attempts;
	if (loop->max_attempts == 0 && c->loop_config != NULL)
		loop->max_attempts = c->loop_config->max_attempts;
	loop->running_ms = print_age_ms(row->attempt_started_at);
	if (process_is((pid_t)row->worker_pid, (uint64_t)row->worker_pid_start))
		loop->worker_pid = (pid_t)row->worker_pid;
	(void)strlcpy(
	    loop->transcript, row->transcript, sizeof(loop->transcript));
	return 0;
}

static int
add_heartbeat(struct overview_component *c, struct store *s)
{
	char last[CLOCK_ISO_SIZE + 8];
	int found;

	if (c->keeper_pid == 0 || c->record.heartbeat != HEARTBEAT_DATABASE)
		return 0;
	found = health_heartbeat(s, c->name, last, sizeof(last));
	if (found > 0)
		c->heartbeat_age_ms = print_age_ms(last);
	c->never_heard = c->heartbeat_age_ms < 0;
	return found < 0 ? -1 : 0;
}

int
overview_add_store(struct overview *o, struct store *s)
{
	(void)strlcpy(o->epoch, s->epoch, sizeof(o->epoch));
	for (size_t i = 0; i < o->n; i++) {
		struct overview_component *c = &o->components[i];

		if (add_heartbeat(c, s) < 0)
			return -1;
		if (!c->is_loop)
			continue;
		/* One without a row has no tests. */
		c->loop.known = c->loop.has_queue = true;
		c->loop.ready = 0;
	}
	return queries_each_loop(s, add_loop, o);
}
