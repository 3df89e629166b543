/* `status NAME`: all about one component, and what to do next. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/duration.h"
#include "base/line.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/database.h"
#include "cli/event_line.h"
#include "cli/process_tree.h"
#include "cli/status.h"
#include "cli/words.h"
#include "store/queries_events.h"
#include "system/process.h"

#define EVENTS 3
#define LINES  5

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

static void
print_processes(const struct overview *o, const struct overview_component *c)
{
	static const char *const trees[] = {
		[TREE_REAPER] = "reaper",
		[TREE_CGROUP] = "cgroup",
		[TREE_BEST_EFFORT] = "best-effort",
	};
	char age[DURATION_SIZE], command[256];
	pid_t worker = c->loop.worker_pid;
	struct process_tree tree;

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
	process_tree_measure(&tree, c->keeper_pid);
	duration_format(age, (int64_t)tree.cpu_ms);
	printf("memory      %.1f MiB in %zu process%s\n",
	    (double)tree.rss / (1024 * 1024), tree.nprocesses,
	    tree.nprocesses == 1 ? "" : "es");
	printf("cpu         %.0f%% now, %s so far\n", tree.cpu_percent, age);
	printf("tree        %s\n", trees[c->record.tree]);
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

/* Its time as a clock here shows it: what else is in the log is for `logs`. */
static void
print_output_line(char *text)
{
	char when[PRINT_TIME_SIZE],
	    stamp[sizeof(((struct line *)0)->stamp) + 1];
	struct line line;

	if (line_parse(text, strlen(text), &line)) {
		(void)snprintf(stamp, sizeof(stamp), "%.*s",
		    (int)sizeof(line.stamp), line.stamp);
		print_time(when, stamp);
		printf("  %s  ", when);
		text += line.text - text;
	} else {
		printf("  ");
	}
	text_clean(text);
	printf("%s\n", text);
}

/* The last lines of the log, however long it is. */
static void
print_output(const char *path)
{
	char bytes[8192], *line;
	FILE *file = fopen(path, "re");
	size_t n, lines = 0;

	if (file == NULL)
		return;
	if (fseek(file, -(long)sizeof(bytes) + 1, SEEK_END) < 0)
		rewind(file);
	n = fread(bytes, 1, sizeof(bytes) - 1, file);
	(void)fclose(file);
	while (n > 0 && bytes[n - 1] == '\n')
		n--;
	bytes[n] = '\0';
	for (line = bytes + n; line > bytes; line--)
		if (line[-1] == '\n' && ++lines == LINES)
			break;
	if (n == 0)
		return;
	printf("\noutput\n");
	while (line != NULL)
		print_output_line(strsep(&line, "\n"));
}

/* "loopkeeper [-c FILE]", so that it can be pasted as it stands. */
static void
print_command(const struct cli *cli, const char *command, const char *word)
{
	printf("  loopkeeper%s%s %s %s\n",
	    cli->config_option != NULL ? " -c " : "",
	    cli->config_option != NULL ? cli->config_option : "", command,
	    word);
}

static void
print_next(const struct cli *cli, const struct overview *o,
    const struct overview_component *c)
{
	const struct component *m = &c->component;

	printf("\nnext\n");
	if (!o->running) {
		print_command(cli, "up", "-d");
		return;
	}
	if (c->wanted != NULL && c->wanted->state == WANTED_STOPPED)
		print_command(cli, "start", c->name);
	else if (c->wanted != NULL)
		print_command(cli, "resume", c->name);
	if (m->death.cause != CAUSE_NONE && m->death.cause != CAUSE_OPERATOR)
		print_command(cli, "why", c->name);
	print_command(cli, "logs -f", c->name);
	if (c->loop.test[0] != '\0') {
		print_command(cli, "transcript -f", c->loop.test);
		print_command(cli, "skip", c->loop.test);
	}
	if (c->wanted == NULL)
		print_command(cli, "restart", c->name);
}

int
status_print_one(struct cli *cli, const struct overview *o, struct store *s,
    const struct overview_component *c)
{
	char log[PATH_SIZE];
	struct words w;

	words_of(&w, o, c);
	printf("%s: %s%s%s%s%s%s\n", c->name,
	    print_begin(cli->colour, w.colour), w.word,
	    print_end(cli->colour, w.colour), w.detail[0] != '\0' ? " (" : "",
	    w.detail, w.detail[0] != '\0' ? ")" : "");
	if (strcmp(overview_title(c), c->name) != 0)
		printf("title       %s\n", overview_title(c));
	print_wanted(c);
	print_loop(c);
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
	print_output(log);
	print_next(cli, o, c);
	return CLI_DONE;
}
