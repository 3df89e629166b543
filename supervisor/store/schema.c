#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "store/schema.h"
#include "store/statement.h"

#define NOW   "DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"
#define SQUID "TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(8))))"

/* A field of the payload as a column; other writers' payloads may be no JSON,
 * and must not make their rows impossible. */
#define FIELD(name)                                                     \
	"TEXT GENERATED ALWAYS AS (CASE WHEN json_valid(payload) THEN " \
	"json_extract(payload, '$." name "') END) VIRTUAL"

struct column {
	const char *name;
	const char *declaration;
	/* What ALTER TABLE can't add as declared (a default that is an
	 * expression) is added as this; NULL: as declared. */
	const char *added;
	bool key; /* part of the primary key: can't be added at all */
};

struct table {
	const char *name;
	const char *constraint; /* of the whole table, or NULL */
	struct column columns[24];
};

static const struct table tables[] = {
	{ "loops", NULL,
	    {
		{ "id", "TEXT PRIMARY KEY NOT NULL", NULL, true },
		{ "name", "TEXT", NULL, false },
		{ "priority", "INTEGER DEFAULT 5", NULL, false },
		{ "branch", "TEXT", NULL, false },
		{ "status", "TEXT DEFAULT 'stopped'", NULL, false },
		{ "current_test_id", "TEXT", NULL, false },
		{ "pid", "INTEGER", NULL, false },
		{ "created_at", "TEXT " NOW, "TEXT", false },
		{ "updated_at", "TEXT " NOW, "TEXT", false },
	    } },
	{ "tests", NULL,
	    {
		{ "id", "TEXT PRIMARY KEY NOT NULL", NULL, true },
		{ "loop_id", "TEXT REFERENCES loops(id)", NULL, false },
		{ "category", "TEXT", NULL, false },
		{ "status", "TEXT NOT NULL DEFAULT 'pending'", NULL, false },
		{ "attempts", "INTEGER DEFAULT 0", NULL, false },
		{ "max_attempts", "INTEGER DEFAULT 3", NULL, false },
		{ "last_result", "TEXT", NULL, false },
		{ "depends_on", "TEXT", NULL, false },
		{ "automatable", "INTEGER DEFAULT 1", NULL, false },
		{ "notes", "TEXT", NULL, false },
		{ "spec_content", "TEXT", NULL, false },
		{ "last_attempt_at", "TEXT", NULL, false },
		{ "passed_at", "TEXT", NULL, false },
		{ "verified_at", "TEXT", NULL, false },
		{ "created_at", "TEXT " NOW, "TEXT", false },
		{ "verify", "TEXT", NULL, false },
		{ "worker", "TEXT", NULL, false },
		{ "files", "TEXT", NULL, false },
		{ "test_files", "TEXT", NULL, false },
		{ "reason", "TEXT", NULL, false },
		{ "sort_order", "INTEGER", NULL, false },
	    } },
	{ "events", NULL,
	    {
		{ "id", "TEXT PRIMARY KEY NOT NULL", NULL, true },
		{ "timestamp", "TEXT NOT NULL " NOW, "TEXT", false },
		{ "source", "TEXT", NULL, false },
		{ "event_type", "TEXT", NULL, false },
		{ "payload", "TEXT DEFAULT '{}'", NULL, false },
		{ "correlation_id", "TEXT", NULL, false },
		{ "priority", "INTEGER DEFAULT 5", NULL, false },
		{ "acknowledged", "INTEGER DEFAULT 0", NULL, false },
		{ "acknowledged_by", "TEXT", NULL, false },
		{ "acknowledged_at", "TEXT", NULL, false },
		{ "test_id", FIELD("test_id"), NULL, false },
		{ "loop_id", FIELD("loop_id"), NULL, false },
		{ "component", FIELD("component"), NULL, false },
	    } },
	{ "subscriptions", NULL,
	    {
		{ "id", SQUID, NULL, true },
		{ "subscriber", "TEXT", NULL, false },
		{ "event_types", "TEXT", NULL, false },
		{ "filter_sources", "TEXT", NULL, false },
		{ "last_poll_at", "TEXT", NULL, false },
		{ "active", "INTEGER DEFAULT 1", NULL, false },
	    } },
	{ "file_locks", NULL,
	    {
		{ "file_path", "TEXT PRIMARY KEY NOT NULL", NULL, true },
		{ "locked_by", "TEXT NOT NULL", "TEXT", false },
		{ "locked_at", "TEXT " NOW, "TEXT", false },
		{ "lock_reason", "TEXT", NULL, false },
		{ "expires_at", "TEXT", NULL, false },
		{ "test_id", "TEXT", NULL, false },
	    } },
	{ "wait_graph", "PRIMARY KEY (waiter, holder, resource)",
	    {
		{ "waiter", "TEXT NOT NULL", NULL, true },
		{ "holder", "TEXT NOT NULL", NULL, true },
		{ "resource", "TEXT NOT NULL", NULL, true },
		{ "waiting_since", "TEXT " NOW, "TEXT", false },
	    } },
	{ "passing_tests", "PRIMARY KEY (test_id, commit_hash)",
	    {
		{ "test_id", "TEXT NOT NULL", NULL, true },
		{ "commit_hash", "TEXT NOT NULL", NULL, true },
		{ "passed_at", "TEXT " NOW, "TEXT", false },
	    } },
	{ "checkpoints", NULL,
	    {
		{ "id", SQUID, NULL, true },
		{ "loop_id", "TEXT", NULL, false },
		{ "test_id", "TEXT", NULL, false },
		{ "git_ref", "TEXT", NULL, false },
		{ "checkpoint_type", "TEXT DEFAULT 'attempt'", NULL, false },
		{ "created_at", "TEXT " NOW, "TEXT", false },
		{ "deleted_at", "TEXT", NULL, false },
	    } },
	{ "decisions", NULL,
	    {
		{ "id", "TEXT PRIMARY KEY NOT NULL", NULL, true },
		{ "decision_type", "TEXT", NULL, false },
		{ "summary", "TEXT", NULL, false },
		{ "options", "TEXT", NULL, false },
		{ "default_option", "TEXT", NULL, false },
		{ "context", "TEXT", NULL, false },
		{ "timeout_minutes", "INTEGER DEFAULT 60", NULL, false },
		{ "status", "TEXT NOT NULL DEFAULT 'pending'", NULL, false },
		{ "requested_at", "TEXT " NOW, "TEXT", false },
		{ "requested_by", "TEXT", NULL, false },
		{ "decided_at", "TEXT", NULL, false },
		{ "decided_by", "TEXT", NULL, false },
		{ "choice", "TEXT", NULL, false },
		{ "comment", "TEXT", NULL, false },
	    } },
	{ "component_health", NULL,
	    {
		{ "component", "TEXT PRIMARY KEY NOT NULL", NULL, true },
		{ "last_heartbeat", "TEXT", NULL, false },
		{ "status", "TEXT DEFAULT 'unknown'", NULL, false },
		{ "metadata", "TEXT", NULL, false },
	    } },
	{ "alerts", NULL,
	    {
		{ "id", SQUID, NULL, true },
		{ "severity", "TEXT DEFAULT 'warning'", NULL, false },
		{ "alert_type", "TEXT", NULL, false },
		{ "source", "TEXT", NULL, false },
		{ "message", "TEXT", NULL, false },
		{ "context", "TEXT", NULL, false },
		{ "acknowledged", "INTEGER DEFAULT 0", NULL, false },
		{ "acknowledged_by", "TEXT", NULL, false },
		{ "acknowledged_at", "TEXT", NULL, false },
		{ "created_at", "TEXT " NOW, "TEXT", false },
	    } },
	{ "usage", NULL,
	    {
		{ "id", SQUID, NULL, true },
		{ "loop_id", "TEXT", NULL, false },
		{ "test_id", "TEXT", NULL, false },
		{ "tokens_estimated", "INTEGER", NULL, false },
		{ "duration_seconds", "REAL", NULL, false },
		{ "files_modified", "TEXT", NULL, false },
		{ "recorded_at", "TEXT " NOW, "TEXT", false },
		{ "cost_usd", "REAL", NULL, false },
	    } },
	{ "attempts", NULL,
	    {
		{ "id", "TEXT PRIMARY KEY NOT NULL", NULL, true },
		{ "epoch", "TEXT", NULL, false },
		{ "test_id", "TEXT", NULL, false },
		{ "loop_id", "TEXT", NULL, false },
		{ "fence", "INTEGER", NULL, false },
		{ "state", "TEXT DEFAULT 'claimed'", NULL, false },
		{ "outcome", "TEXT", NULL, false },
		{ "lease_until", "TEXT", NULL, false },
		{ "boot_id", "TEXT", NULL, false },
		{ "pid", "INTEGER", NULL, false },
		{ "pid_start", "INTEGER", NULL, false },
		{ "base_commit", "TEXT", NULL, false },
		{ "result_commit", "TEXT", NULL, false },
		{ "snapshot_ref", "TEXT", NULL, false },
		{ "transcript", "TEXT", NULL, false },
		{ "tokens", "INTEGER", NULL, false },
		{ "cost_usd", "REAL", NULL, false },
		{ "started_at", "TEXT", NULL, false },
		{ "ended_at", "TEXT", NULL, false },
	    } },
	{ "meta", NULL,
	    {
		{ "key", "TEXT PRIMARY KEY NOT NULL", NULL, true },
		{ "value", "TEXT", NULL, false },
	    } },
};
#define NTABLES	     (sizeof(tables) / sizeof(tables[0]))
#define NCOLUMNS_MAX (sizeof(tables[0].columns) / sizeof(tables[0].columns[0]))

/* For queues of 100,000 tests and timelines of 1,000,000 events. */
static const char *const indices[] = {
	"tests_queue ON tests (loop_id, status, sort_order, id)",
	"tests_status ON tests (status, loop_id)",
	"tests_dependency ON tests (depends_on) WHERE depends_on IS NOT NULL",
	"events_time ON events (" SCHEMA_EVENT_TIME ")",
	"events_type ON events (event_type, " SCHEMA_EVENT_TIME ")",
	"events_test ON events (test_id, " SCHEMA_EVENT_TIME ")"
	" WHERE test_id IS NOT NULL",
	"events_loop ON events (loop_id, " SCHEMA_EVENT_TIME ")"
	" WHERE loop_id IS NOT NULL",
	"events_component ON events (component, " SCHEMA_EVENT_TIME ")"
	" WHERE component IS NOT NULL",
	"attempts_test ON attempts (test_id, fence)",
	"attempts_open ON attempts (loop_id) WHERE ended_at IS NULL",
	"file_locks_owner ON file_locks (locked_by)",
	"file_locks_test ON file_locks (test_id)",
	"wait_graph_holder ON wait_graph (holder)",
	"checkpoints_test ON checkpoints (test_id)",
	"decisions_status ON decisions (status)",
	"alerts_open ON alerts (acknowledged, created_at)",
	"usage_time ON usage (recorded_at)",
};
#define NINDICES (sizeof(indices) / sizeof(indices[0]))

static int
run(struct store *s, const char *sql)
{
	return statement_run(s, sql, "") < 0 ? -1 : 0;
}

static int
create(struct store *s, const struct table *t)
{
	char sql[4096];
	struct buf b;

	buf_init(&b, sql, sizeof(sql));
	buf_addf(&b, "CREATE TABLE %s (", t->name);
	for (size_t i = 0; i < NCOLUMNS_MAX && t->columns[i].name; i++)
		buf_addf(&b, "%s%s %s", i > 0 ? ", " : "", t->columns[i].name,
		    t->columns[i].declaration);
	if (t->constraint != NULL)
		buf_addf(&b, ", %s", t->constraint);
	buf_add(&b, ")");
	return run(s, sql);
}

/* Adds one column to a table that somebody else made. */
static int
add_column(struct store *s, const char *table, const struct column *c)
{
	char sql[512];
	struct buf b;

	if (c->key) {
		return store_refuse(s, EUCLEAN,
		    "%s: table %s has no column %s: it belongs to some other "
		    "program",
		    s->path, table, c->name);
	}
	buf_init(&b, sql, sizeof(sql));
	buf_addf(&b, "ALTER TABLE %s ADD COLUMN %s %s", table, c->name,
	    c->added != NULL ? c->added : c->declaration);
	return run(s, sql);
}

/* Whether the table has the column (NULL: whether there is such a table). */
static int
exists(struct store *s, const char *table, const char *column)
{
	int64_t one;

	/* table_xinfo, unlike table_info, lists generated columns too. */
	return statement_int_of(s, &one,
	    "SELECT 1 FROM pragma_table_xinfo(?1)"
	    " WHERE ?2 IS NULL OR name = ?2 COLLATE NOCASE LIMIT 1",
	    "tt", table, column);
}

static int
extend_table(struct store *s, const struct table *t)
{
	int found = exists(s, t->name, NULL);

	if (found == 0)
		return create(s, t);
	for (size_t i = 0; found > 0 && i < NCOLUMNS_MAX; i++) {
		const struct column *c = &t->columns[i];

		if (c->name == NULL)
			break;
		found = exists(s, t->name, c->name);
		if (found == 0)
			found = add_column(s, t->name, c) == 0 ? 1 : -1;
	}
	return found < 0 ? -1 : 0;
}

static int
extend(struct store *s)
{
	char sql[512];
	struct buf b;

	for (size_t i = 0; i < NTABLES; i++)
		if (extend_table(s, &tables[i]) < 0)
			return -1;
	for (size_t i = 0; i < NINDICES; i++) {
		buf_init(&b, sql, sizeof(sql));
		buf_addf(&b, "CREATE INDEX IF NOT EXISTS %s", indices[i]);
		if (run(s, sql) < 0)
			return -1;
	}
	buf_init(&b, sql, sizeof(sql));
	buf_addf(&b, "PRAGMA user_version = %d", SCHEMA_VERSION);
	if (run(s, sql) < 0)
		return -1;
	buf_init(&b, sql, sizeof(sql));
	buf_addf(&b, "%d", SCHEMA_VERSION);
	return store_set_meta(s, "schema", sql);
}

/* 1 whole, 0 something may be missing, -1 with errno. */
static int
is_whole(struct store *s)
{
	int64_t version, ours;
	int result;

	if (statement_int_of(s, &version, "PRAGMA user_version", "") < 0)
		return -1;
	if (version > SCHEMA_VERSION) {
		return store_refuse(s, EPROTO,
		    "%s: made by a newer loopkeeper (schema %d, this one "
		    "knows %d): use that one",
		    s->path, (int)version, SCHEMA_VERSION);
	}
	/* The number alone may be another program's: its own key proves it. */
	result = exists(s, "meta", "key");
	if (result == 1)
		result = statement_int_of(s, &ours,
		    "SELECT CAST(value AS INTEGER) FROM meta"
		    " WHERE key = 'schema'",
		    "");
	if (result < 0)
		return -1;
	return result == 1 && version == SCHEMA_VERSION &&
	    ours == SCHEMA_VERSION;
}

int
schema_extend(struct store *s)
{
	int whole = is_whole(s);

	if (whole != 0)
		return whole < 0 ? -1 : 0;
	if (run(s, "BEGIN IMMEDIATE") < 0)
		return -1;
	whole = is_whole(s); /* another opener may have been faster */
	if (whole < 0 || (whole == 0 && extend(s) < 0)) {
		store_rollback(s);
		return -1;
	}
	return store_commit(s);
}
