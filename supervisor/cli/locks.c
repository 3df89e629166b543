/* locks: which files are locked by whom, and who waits for them. */
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/names.h"
#include "cli/options.h"
#include "cli/paste.h"
#include "cli/print.h"
#include "cli/table.h"
#include "store/alive.h"
#include "store/queries_locks.h"

enum { FILES, HELD_BY, TEST, SINCE, EXPIRES, REASON, WAITERS };
static const char *const titles[] = { "FILE", "HELD-BY", "TEST", "FOR",
	"EXPIRES", "REASON", "WAITERS" };

struct listing {
	const struct cli *cli;
	struct table table;
	json_t *list;
	char name[NAMES_SIZE]; /* who was asked for last */
	enum alive alive;
};

/* Who has several locks is asked for once. */
static enum alive
who_lives(struct listing *l, const char *name)
{
	const char *state = l->cli->state_directory;

	if (strcmp(l->name, name) == 0)
		return l->alive;
	(void)strlcpy(l->name, name, sizeof(l->name));
	l->alive = alive_left_outcome(state, name)
	    ? ALIVE_YES
	    : alive_by_record(state, name);
	return l->alive;
}

/* Whether nobody is there any more who would give it back. Who was never a
 * component may live anywhere: his lock ends by itself, if it does at all. */
static bool
is_orphan(struct listing *l, const struct lock_row *row)
{
	switch (who_lives(l, row->locked_by)) {
	case ALIVE_YES: return false;
	case ALIVE_NO: return true;
	case ALIVE_UNKNOWN: break;
	}
	return !row->beats && !row->works &&
	    (row->is_loop || row->expires_at[0] == '\0');
}

static void
set_times(struct table *t, const struct lock_row *row)
{
	char text[DURATION_SIZE];
	int64_t wall_ms, age_ms = print_age_ms(row->locked_at);

	if (age_ms >= 0) {
		duration_format(text, age_ms);
		table_set(t, SINCE, "%s", text);
	}
	if (row->expires_at[0] == '\0') {
		table_set(t, EXPIRES, "never");
	} else if (!row->live) {
		table_set(t, EXPIRES, "is over");
	} else if (clock_parse_iso(row->expires_at, &wall_ms) == 0) {
		wall_ms -= clock_wall_ms();
		duration_format(text, wall_ms > 0 ? wall_ms : 0);
		table_set(t, EXPIRES, "in %s", text);
	}
}

static void
set_waiters(struct table *t, const struct lock_row *row)
{
	json_t *names = json_loads(row->waiters, 0, NULL), *name;
	char text[1024];
	struct buf b;
	size_t i;

	buf_init(&b, text, sizeof(text));
	json_array_foreach(names, i, name)
	{
		buf_add(&b, i > 0 ? ", " : "");
		buf_add(
		    &b, json_is_string(name) ? json_string_value(name) : "?");
	}
	table_set(t, WAITERS, "%s", text);
	json_decref(names);
}

static int
add_row(const struct lock_row *row, void *argument)
{
	struct listing *l = argument;
	struct table *t = &l->table;
	char note[PATH_SIZE + 512];
	struct buf b;

	table_begin_row(t);
	table_set(t, FILES, "%s", row->file_path);
	table_set(t, HELD_BY, "%s", row->locked_by);
	table_set(t, TEST, "%s", row->test_id);
	set_times(t, row);
	table_set(t, REASON, "%s", row->lock_reason);
	set_waiters(t, row);
	if (!is_orphan(l, row))
		return 0;
	table_colour(t, HELD_BY, PRINT_RED);
	buf_init(&b, note, sizeof(note));
	buf_add(&b, "orphan, nobody of that name lives; to free it: ");
	paste_begin(&b, l->cli);
	buf_add(&b, "force-unlock ");
	buf_add_word(&b, row->locked_by);
	text_clean(note);
	table_note(t, note);
	return 0;
}

#define FIELD(kind, member) PRINT_FIELD(struct lock_row, kind, member)

static int
add_json(const struct lock_row *row, void *argument)
{
	static const struct print_field fields[] = {
		FIELD(PRINT_TEXT, file_path),
		FIELD(PRINT_TEXT, locked_by),
		FIELD(PRINT_TEXT, test_id),
		FIELD(PRINT_TEXT, locked_at),
		FIELD(PRINT_TEXT, expires_at),
		FIELD(PRINT_TEXT, lock_reason),
		FIELD(PRINT_STORED, waiters),
	};
	struct listing *l = argument;
	json_t *lock =
	    print_json_row(fields, sizeof(fields) / sizeof(fields[0]), row);

	(void)json_object_set_new(lock, "expired", json_boolean(!row->live));
	(void)json_object_set_new(
	    lock, "orphan", json_boolean(is_orphan(l, row)));
	return json_array_append_new(l->list, lock);
}

static int
print_all(const struct cli *cli, struct store *s)
{
	struct listing l = { .cli = cli };
	int code = CLI_DONE;

	if (cli->json) {
		l.list = json_array();
		if (queries_each_lock(s, add_json, &l) == 0)
			return print_json(l.list, CLI_DONE);
		json_decref(l.list);
		return database_error(s);
	}
	table_init(
	    &l.table, titles, sizeof(titles) / sizeof(titles[0]), cli->colour);
	if (queries_each_lock(s, add_row, &l) < 0)
		code = database_error(s);
	else if (l.table.nrows == 0)
		printf("no file is locked\n");
	else if (table_print(&l.table) < 0)
		code = cli_error(CLI_FAILED, "out of memory");
	table_free(&l.table);
	return code;
}

int
locks_run(struct cli *cli, int argc, char **argv)
{
	struct store s;

	(void)options_parse(cli, argc, argv, NULL, 0, 0, 0);
	database_open(cli, &s, STORE_READ);
	return database_done(cli, &s, print_all(cli, &s));
}
