/* `status --json`: a contract; fields are added, never renamed. */
#include <string.h>

#include "base/path.h"
#include "cli/alerts.h"
#include "cli/database.h"
#include "cli/decisions.h"
#include "cli/gates.h"
#include "cli/print.h"
#include "cli/standing.h"
#include "cli/status.h"
#include "cli/words.h"

/* 0 stands for "none" in records; in JSON that is null. */
static json_t *
number_or_null(int64_t value)
{
	return value == 0 ? json_null() : json_integer(value);
}

static json_t *
age_or_null(int64_t ms)
{
	return ms < 0 ? json_null() : json_integer(ms);
}

static json_t *
path_or_null(const char *directory, const char *before, const char *name,
    const char *after)
{
	char path[PATH_SIZE];

	if (directory[0] == '\0' ||
	    path_format(path, "%s%s%s%s", directory, before, name, after) < 0)
		return json_null();
	return print_json_text(path);
}

static json_t *
fleet_json(const struct overview *o)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:s,s:b}",
	    "guardian_pid", number_or_null(o->guardian_pid), "daemon_pid",
	    number_or_null(o->daemon_pid), "mode",
	    o->has_mode ? json_string(mode_name(o->mode)) : json_null(),
	    "mode_reason", print_json_set(o->mode_reason), "epoch",
	    print_json_set(o->epoch), "run_directory",
	    print_json_set(o->run_directory), "tmpfs", o->tmpfs, "version",
	    VERSION, "running", o->running);
}

static json_t *
loop_json(const struct overview_loop *l)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
	    "test", print_json_set(l->test), "attempt",
	    l->test[0] != '\0' ? json_integer(l->attempt) : json_null(),
	    "max_attempts", number_or_null(l->max_attempts), "running_ms",
	    age_or_null(l->running_ms), "last_output_ms",
	    age_or_null(l->last_output_ms), "worker_pid",
	    number_or_null(l->worker_pid), "passed",
	    l->has_queue ? json_integer(l->passed) : json_null(), "left",
	    l->has_queue ? json_integer(l->left) : json_null(), "blocked",
	    l->has_queue ? json_integer(l->blocked) : json_null(), "priority",
	    number_or_null(l->priority), "branch", print_json_set(l->branch));
}

static json_t *
wanted_json(const struct overview_component *c)
{
	const struct wanted_entry *w = c->wanted;

	return json_pack("{s:s,s:o,s:o,s:o,s:o}", "wanted",
	    c->wish == WANTED_RUN ? "running" : wanted_state_name(c->wish),
	    "wanted_by", print_json_set(w != NULL ? w->by : ""), "wanted_since",
	    print_json_set(w != NULL ? w->since : ""), "wanted_why",
	    print_json_set(w != NULL ? w->why : ""), "tree",
	    print_json_set(overview_tree(c)));
}

/* What is true only while a keeper lives. */
static json_t *
process_json(const struct overview *o, const struct overview_component *c)
{
	const struct status_record *r = &c->record;
	const struct component *m = &c->component;
	bool kept = c->keeper_pid != 0 && c->has_record;
	bool lives = kept && r->pid != 0;

	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "state",
	    component_state_name(kept ? m->state : COMPONENT_STOPPED), "pid",
	    number_or_null(lives ? r->pid : 0), "pid_start",
	    number_or_null(lives ? (int64_t)r->pid_start : 0), "keeper_pid",
	    number_or_null(c->keeper_pid), "uptime_ms",
	    lives ? json_integer(o->now_ms - m->started_ms) : json_null(),
	    "heartbeat_age_ms", age_or_null(c->heartbeat_age_ms), "next_ms",
	    kept && m->deadline_ms != 0
		? json_integer(m->deadline_ms - o->now_ms)
		: json_null(),
	    "status_text", print_json_set(kept ? r->status_text : ""));
}

/* What the record says of all that was. */
static json_t *
record_json(const struct overview_component *c)
{
	const struct status_record *r = &c->record;
	const struct component *m = &c->component;
	const struct component_death *d = &m->death;
	bool has_code = d->cause == CAUSE_EXIT || d->cause == CAUSE_SIGNAL;

	return json_pack("{s:i,s:I,s:i,s:s,s:i,s:s,s:o,s:I,s:I,s:I,s:b,s:b,"
			 "s:b,s:o}",
	    "keeper_version", (int)r->version, "restarts",
	    (json_int_t)m->restarts, "level", (int)m->level, "circuit",
	    component_circuit_name(m->circuit), "deaths_in_window",
	    (int)r->deaths_in_window, "last_cause",
	    component_cause_name(d->cause), "last_exit",
	    has_code ? json_integer(d->code) : json_null(), "heartbeats",
	    (json_int_t)m->beats, "refused", (json_int_t)r->refused,
	    "output_dropped", (json_int_t)r->output_dropped, "fallback",
	    m->fallback, "late", m->late, "done", m->done,
	    "limits_not_enforced", print_json_set(r->limits));
}

static json_t *
component_json(const struct cli *cli, const struct overview *o,
    const struct overview_component *c)
{
	struct words w;
	json_t *value;

	words_of(&w, o, c);
	value = json_pack("{s:s,s:o,s:s,s:o,s:b,s:b,s:o,s:o,s:o}", "name",
	    c->name, "title", print_json_text(overview_title(c)), "word",
	    w.word, "detail", print_json_set(w.detail), "unhealthy",
	    w.unhealthy, "housekeeping", c->housekeeping, "log",
	    path_or_null(cli->state_directory, "/logs/", c->name, ".log"),
	    "record", path_or_null(o->run_directory, "/c/", c->name, "/status"),
	    "loop", c->is_loop ? loop_json(&c->loop) : json_null());
	(void)json_object_update_new(value, wanted_json(c));
	(void)json_object_update_new(value, process_json(o, c));
	(void)json_object_update_new(value, record_json(c));
	return value;
}

int
status_print_json(struct cli *cli, const struct overview *o, struct store *s,
    const struct overview_component *c)
{
	json_t *list = json_array(), *value, *alerts = NULL, *decisions = NULL;
	json_t *gates = NULL;

	for (size_t i = 0; i < o->n; i++)
		if (c == NULL || c == &o->components[i])
			(void)json_array_append_new(
			    list, component_json(cli, o, &o->components[i]));
	if (s->db != NULL) {
		alerts = alerts_json(s, false);
		decisions = decisions_json(s, false);
		gates = gates_json(s);
	}
	value = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "fleet", fleet_json(o),
	    "components", list, "alerts", alerts != NULL ? alerts : json_null(),
	    "decisions", decisions != NULL ? decisions : json_null(), "gates",
	    gates != NULL ? gates : json_null(), "database_error",
	    print_json_set(o->database_error));
	standing_add_json(value, s);
	return print_json(value, CLI_DONE);
}
