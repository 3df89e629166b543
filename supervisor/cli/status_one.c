/* `status NAME`: all about one component, and what to do next. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/database.h"
#include "cli/event_line.h"
#include "cli/log_reader.h"
#include "cli/paste.h"
#include "cli/standing.h"
#include "cli/status.h"
#include "cli/words.h"
#include "store/queries_events.h"
#include "store/queries_tests.h"
#include "store/stranded.h"
#include "system/process.h"
#include "system/tree.h"

#define EVENTS	3
#define WAITING 3
#define MOVED	10 /* tests in one command */
#define LINES	5
#define LOOK_MS 200 /* at what it takes */

static void
print_wanted(const struct overview_component *c)
{
	char when[PRINT_TIME_SIZE];

	if (c->wanted == NULL)
		return;
	print_time(when, c->wanted->since);
	printf("wanted      %s since %s, by %s%s%s\n",
	    wanted_state_name(c->wanted->state), when, c->wanted->by,
	    c->wanted->why[0] != '\0' ? ": " : "", c->wanted->why);
}

static void
print_history(const struct overview *o, const struct overview_component *c)
{
	const struct component *m = &c->component;
	char text[128], age[DURATION_SIZE], window[DURATION_SIZE];

	duration_format_exact(window, c->record.window_ms);
	printf("restarts    %llu (%d death%s in %s, circuit %s)\n",
	    (unsigned long long)m->restarts, c->record.deaths_in_window,
	    c->record.deaths_in_window == 1 ? "" : "s", window,
	    component_circuit_name(m->circuit));
	if (m->death.cause == CAUSE_NONE || m->death.cause == CAUSE_OPERATOR)
		return;
	component_describe_death(text, sizeof(text), &m->death);
	duration_format(age, o->now_ms - m->death.at_ms);
	printf("last death  %s, %s ago\n", text, age);
}

/* What a component's whole tree of processes takes. */
struct usage {
	size_t nprocesses;
	int64_t rss;	    /* bytes */
	uint64_t cpu_ms;    /* of what lives and what it has reaped */
	double cpu_percent; /* of one processor, over the time of looking */
};

static void
add_process(void *context, pid_t pid)
{
	struct usage *usage = context;
	struct process p;

	if (process_read(pid, &p) < 0 || p.state == 'Z')
		return;
	usage->nprocesses++;
	usage->rss += p.rss;
	usage->cpu_ms += p.cpu_ms;
}

/* Looks for a fifth of a second. What can't be read counts as nothing. */
static void
measure(struct usage *ret, pid_t keeper_pid)
{
	struct usage before = { 0 };
	int64_t begun_ms = clock_ms(), passed_ms;

	*ret = (struct usage){ 0 };
	(void)tree_walk(keeper_pid, add_process, &before);
	(void)poll(NULL, 0, LOOK_MS);
	(void)tree_walk(keeper_pid, add_process, ret);
	passed_ms = clock_ms() - begun_ms;
	if (ret->cpu_ms > before.cpu_ms && passed_ms > 0)
		ret->cpu_percent = 100.0 *
		    (double)(ret->cpu_ms - before.cpu_ms) / (double)passed_ms;
}

static void
print_processes(const struct overview *o, const struct overview_component *c)
{
	char age[DURATION_SIZE], command[256];
	pid_t worker = c->loop.worker_pid;
	struct usage tree;

	if (c->keeper_pid != 0)
		printf("keeper      pid %d\n", c->keeper_pid);
	if (c->keeper_pid == 0 || c->record.pid == 0)
		return;
	duration_format(age, o->now_ms - c->component.started_ms);
	process_command(c->record.pid, command, sizeof(command));
	printf("pid         %d, up %s: %s\n", c->record.pid, age, command);
	if (worker != 0) {
		process_command(worker, command, sizeof(command));
		printf("worker      %d: %s\n", worker, command);
	}
	measure(&tree, c->keeper_pid);
	duration_format(age, (int64_t)tree.cpu_ms);
	printf("memory      %.1f MiB in %zu process%s\n",
	    (double)tree.rss / (1024 * 1024), tree.nprocesses,
	    tree.nprocesses == 1 ? "" : "es");
	printf("cpu         %.0f%% now, %s so far\n", tree.cpu_percent, age);
	printf("tree        %s\n", overview_tree(c));
	if (c->record.limits[0] != '\0')
		printf("limits      not enforced: %s\n", c->record.limits);
	if (c->record.status_text[0] != '\0')
		printf("it says     %s\n", c->record.status_text);
}

static void
print_loop(const struct overview_component *c)
{
	char attempt[128];

	if (c->loop.test[0] != '\0') {
		status_describe_attempt(attempt, sizeof(attempt), &c->loop);
		printf("test        %s (%s)\n", c->loop.test, attempt);
	}
	if (c->loop.has_queue)
		printf("queue       %lld passed, %lld left, %lld blocked; "
		       "priority %lld\n",
		    (long long)c->loop.passed, (long long)c->loop.left,
		    (long long)c->loop.blocked, (long long)c->loop.priority);
	if (c->loop.branch[0] != '\0')
		printf("branch      %s\n", c->loop.branch);
}

static int
print_waiting(const struct test_row *t, void *argument)
{
	int *n = argument;

	if (++*n <= WAITING)
		printf("%s%s for %s", *n == 1 ? "waiting     " : ", ", t->id,
		    t->waits_for);
	return 0;
}

/* The first few of its tests that are in nobody's way but their own. */
static int
print_waits(struct store *s, const struct overview_component *c)
{
	int n = 0;

	if (!c->is_loop)
		return 0;
	if (queries_each_waiting(s, c->name, WAITING, print_waiting, &n) < 0)
		return -1;
	if (n > 0)
		printf("%s\n", n > WAITING ? ", ..." : "");
	return 0;
}

static int
print_event(const struct event_row *row, void *argument)
{
	json_t *payload = json_loads(row->payload, 0, NULL);
	struct event_view view = { .timestamp = row->timestamp,
		.source = row->source,
		.event_type = row->event_type,
		.payload = json_is_object(payload) ? payload : NULL };
	char when[PRINT_TIME_SIZE], line[512];

	(void)argument;
	print_time(when, view.timestamp);
	event_line_text(line, sizeof(line), &view);
	printf("  %s  %s\n", when, line);
	json_decref(payload);
	return 0;
}

/* The last lines of the log: what else is in it is for `logs`. */
static void
print_output(const struct cli *cli, const char *name)
{
	static const struct log_begin begin = { .lines = LINES };
	int logsdir = log_reader_directory(cli->state_directory), n = 0;
	struct log_reader r = { .nfiles = 0 };
	struct line line;

	if (logsdir >= 0 && log_reader_open(&r, logsdir, name, &begin) == 0)
		while (log_reader_next(&r, &line) > 0) {
			char text[1024], when[PRINT_TIME_SIZE];

			(void)snprintf(text, sizeof(text), "%.*s",
			    (int)sizeof(line.stamp), line.stamp);
			print_time(when, text);
			(void)snprintf(text, sizeof(text), "%.*s",
			    (int)line.len, line.text);
			text_clean(text);
			printf("%s  %s  %s\n", n++ == 0 ? "\noutput\n" : "",
			    when, text);
		}
	log_reader_close(&r);
	io_close(&logsdir);
}

static void
print_command(const struct cli *cli, const char *command, const char *word)
{
	char text[PATH_SIZE + 256];
	struct buf b;

	buf_init(&b, text, sizeof(text));
	paste_begin(&b, cli);
	buf_addf(&b, "%s ", command);
	buf_add_word(&b, word);
	printf("  %s\n", text);
}

/* Another loop that works where this one did; NULL for none. */
static const struct overview_component *
find_other(const struct overview *o, const struct overview_component *c)
{
	const struct loop_config *l = c->loop_config, *m;

	for (size_t i = 0; l != NULL && i < o->n; i++) {
		const struct overview_component *other = &o->components[i];

		m = other->loop_config;
		if (other != c && m != NULL && other->keeper_pid != 0 &&
		    other->component.state == COMPONENT_RUNNING &&
		    strcmp(m->repository, l->repository) == 0 &&
		    strcmp(m->integration_branch, l->integration_branch) == 0)
			return other;
	}
	return NULL;
}

/* The tests of one that failed may go to others. */
static int
print_move(const struct cli *cli, const struct overview *o, struct store *s,
    const struct overview_component *c)
{
	const struct overview_component *other = find_other(o, c);
	char tests[256] = "", text[PATH_SIZE + 512];
	int n = 0;
	struct buf b;

	if (c->component.state != COMPONENT_FAILED || other == NULL ||
	    s->db == NULL)
		return 0;
	if (stranded_list(s, c->name, MOVED, tests, sizeof(tests), &n) < 0)
		return -1;
	if (n == 0)
		return 0;
	buf_init(&b, text, sizeof(text));
	paste_begin(&b, cli);
	buf_addf(&b, "move %s %s", tests, other->name);
	printf("  %s\n", text);
	return 0;
}

static void
print_next(const struct cli *cli, const struct overview *o,
    const struct overview_component *c)
{
	const struct component *m = &c->component;

	if (!o->running) {
		print_command(cli, "up", "-d");
		return;
	}
	if (c->wish == WANTED_STOPPED)
		print_command(cli, "start", c->name);
	else if (c->wish != WANTED_RUN)
		print_command(cli, "resume", c->name);
	if (m->death.cause != CAUSE_NONE && m->death.cause != CAUSE_OPERATOR)
		print_command(cli, "why", c->name);
	print_command(cli, "logs -f", c->name);
	if (c->loop.test[0] != '\0') {
		print_command(cli, "transcript -f", c->loop.test);
		print_command(cli, "skip", c->loop.test);
	}
	if (c->wish == WANTED_RUN)
		print_command(cli, "restart", c->name);
}

int
status_print_one(struct cli *cli, const struct overview *o, struct store *s,
    const struct overview_component *c)
{
	char log[PATH_SIZE];
	struct words w;

	words_of(&w, o, c);
	words_print(c->name, &w, cli->colour);
	if (strcmp(overview_title(c), c->name) != 0)
		printf("title       %s\n", overview_title(c));
	print_wanted(c);
	print_loop(c);
	if (s->db != NULL &&
	    (print_waits(s, c) < 0 || standing_print(s, c->name) < 0))
		return database_error(s);
	print_processes(o, c);
	if (c->has_record)
		print_history(o, c);
	if (path_format(log, "%s/logs/%s.log", cli->state_directory, c->name) <
	    0)
		log[0] = '\0';
	printf("log         %s\n", log);
	if (c->loop.transcript[0] != '\0')
		printf("transcript  %s\n", c->loop.transcript);
	if (s->db != NULL) {
		printf("\nevents\n");
		if (queries_last_events(s, c->name, EVENTS, print_event, NULL) <
		    0)
			return database_error(s);
	}
	print_output(cli, c->name);
	printf("\nnext\n");
	if (print_move(cli, o, s, c) < 0)
		return database_error(s);
	print_next(cli, o, c);
	return CLI_DONE;
}
