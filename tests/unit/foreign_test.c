/* Databases that other programs made, and what they write to ours. */
#include "store/alerts.h"
#include "store/checkpoints.h"
#include "store/schema.h"
#include "store_fixture.h"

/* Everything that programs before loopkeeper made, and a column and a table
 * that it doesn't know. */
static const char old_schema[] =
    "CREATE TABLE loops (id TEXT PRIMARY KEY, name TEXT NOT NULL);"
    "CREATE TABLE tests (id TEXT PRIMARY KEY, loop_id TEXT REFERENCES"
    " loops(id), status TEXT DEFAULT 'pending', colour TEXT,"
    " depends_on TEXT);"
    "CREATE TABLE events (id TEXT PRIMARY KEY, timestamp TEXT NOT NULL,"
    " source TEXT, event_type TEXT, payload TEXT, correlation_id TEXT,"
    " priority INTEGER DEFAULT 5, acknowledged INTEGER DEFAULT 0,"
    " acknowledged_by TEXT, acknowledged_at TEXT);"
    "CREATE TABLE horoscopes (id INTEGER PRIMARY KEY, text TEXT);"
    "INSERT INTO loops VALUES ('loop-1', 'Critical Path');"
    "INSERT INTO tests VALUES ('CP-1', 'loop-1', 'in_progress', 'blue',"
    " 'CP-0');"
    "INSERT INTO events (id, timestamp, payload) VALUES"
    " ('e1', '2026-01-07 02:14:00', '{\"test_id\":\"CP-1\"}'),"
    " ('e2', '2026-01-07T02:13:00.5Z', 'no json'),"
    " ('e3', '2026-01-07T02:15:00Z', NULL);"
    "INSERT INTO horoscopes (text) VALUES ('good');";

static void
test_old_database(void **state)
{
	foreign(old_schema);
	open_again(STORE_READ);
	assert_false(store->created);
	has_rows(1,
	    "tests WHERE colour = 'blue' AND max_attempts = 3 AND verify IS"
	    " NULL AND waiting");
	has_rows(1, "horoscopes");
	assert_string_equal(
	    text("SELECT group_concat(id, ' ') FROM (SELECT id"
		 " FROM events ORDER BY " SCHEMA_EVENT_TIME ")"),
	    "e2 e1 e3");
	assert_string_equal(
	    text("SELECT id FROM events WHERE test_id = 'CP-1'"), "e1");
	store_close(store);
	/* Once more: nothing is left to do. */
	open_again(STORE_WRITE);
	works(schema_extend(store));
}

/* A number in user_version that another program meant otherwise stays, and is
 * no reason to look again; one of an older schema of ours doesn't. */
static void
test_foreign_version(void **state)
{
	foreign("CREATE TABLE tests (id TEXT PRIMARY KEY, status TEXT);"
		"PRAGMA user_version = 99");
	open_again(STORE_WRITE);
	assert_int_equal(number("SELECT count(sort_order) FROM tests"), 0);
	assert_int_equal(number("PRAGMA user_version"), 99);
	assert_true(store->extended);
	store_close(store);
	open_again(STORE_WRITE);
	assert_false(store->extended);
	sql("PRAGMA user_version = 4;"
	    "UPDATE meta SET value = '4' WHERE key = 'schema'");
	store_close(store);
	open_again(STORE_WRITE);
	assert_int_equal(number("PRAGMA user_version"), SCHEMA_VERSION);
}

/* What triggers keep true is made true of what was there before them. */
static void
test_what_triggers_keep(void **state)
{
	sql("DROP TRIGGER scopes_added; DROP TRIGGER usage_added;"
	    "INSERT INTO tests (id, files) VALUES ('T', '[\"src/a*.c\"]');"
	    "INSERT INTO attempts (id, test_id, outcome) VALUES"
	    " ('a', 'T', 'failed');"
	    "INSERT INTO usage (id, attempt_id) VALUES ('u', 'a'), ('v', NULL);"
	    "UPDATE meta SET value = '4' WHERE key = 'schema'");
	store_close(store);
	open_again(STORE_WRITE);
	has_rows(1, "test_scopes WHERE test_id = 'T' AND prefix = 'src'");
	has_rows(1, "usage WHERE outcome = 'failed' AND id = 'u'");
	sql("UPDATE attempts SET outcome = 'timeout'");
	has_rows(1, "usage WHERE outcome = 'timeout' AND id = 'u'");
	sql("UPDATE tests SET files = '[\"lib/\", \"?\"]'");
	has_rows(2, "test_scopes WHERE prefix IN ('lib', '')");
	has_rows(2, "test_scopes");
}

/* Payloads of others may be anything; keys may be left out. */
static void
test_foreign_rows(void **state)
{
	foreign("INSERT INTO events (id, payload) VALUES ('a', '{'), ('b', '');"
		"INSERT INTO alerts (message) VALUES ('one'), ('two');"
		"INSERT INTO alerts (id, message) VALUES (7, 'three');"
		"INSERT INTO usage (loop_id) VALUES ('loop-1');");
	assert_int_equal(
	    number("SELECT count(DISTINCT id) FROM alerts"
		   " WHERE id IS NOT NULL AND created_at LIKE '%T%'"),
	    3);
	has_rows(2, "events WHERE timestamp LIKE '____-__-__T%Z'");
}

/* Ids that their tables count are left to them. */
static void
test_counted_ids(void **state)
{
	const struct alert alert = { .cause = "c",
		.severity = "info",
		.type = "t",
		.source = "s",
		.message = "m" };
	char id[CHECKPOINT_ID_SIZE];

	foreign("CREATE TABLE alerts (id INTEGER PRIMARY KEY AUTOINCREMENT,"
		" alert_type TEXT);"
		"CREATE TABLE checkpoints (id integer primary key);"
		"INSERT INTO alerts VALUES (41, 'theirs')");
	open_again(STORE_WRITE);
	assert_int_equal(alerts_raise(store, &alert, NULL), 1);
	has_rows(1, "alerts WHERE id = 42");
	has_rows(1, "events WHERE json_extract(payload, '$.alert_id') = '42'");
	works(checkpoints_add(store, "loop-1", "abc", id));
	assert_string_equal(id, "1");
}

/* Another program says when it claimed a test to the second, or not at all; we
 * note it, and it stays when the row is written again. */
static void
test_claim_is_dated(void **state)
{
	sql("INSERT INTO loops (id) VALUES ('loop-1');"
	    "INSERT INTO tests (id, loop_id, status) VALUES"
	    " ('T-1', 'loop-1', 'pending'), ('T-2', 'loop-1', 'in_progress')");
	has_rows(1, "tests WHERE claimed_at LIKE '%T%Z' AND id = 'T-2'");
	foreign("UPDATE tests SET status = 'in_progress' WHERE id = 'T-1'");
	has_rows(2, "tests WHERE claimed_at LIKE '%T%Z'");
	sql("UPDATE tests SET claimed_at = 'then' WHERE id = 'T-1'");
	foreign("UPDATE tests SET status = 'in_progress' WHERE id = 'T-1'");
	has_rows(1, "tests WHERE claimed_at = 'then'");
	foreign("UPDATE tests SET status = 'pending';"
		"UPDATE tests SET status = 'in_progress' WHERE id = 'T-1'");
	has_rows(0, "tests WHERE claimed_at = 'then'");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_old_database, fixture_empty),
		TEST(test_foreign_version, fixture_empty),
		TEST(test_foreign_rows, fixture_open),
		TEST(test_what_triggers_keep, fixture_open),
		TEST(test_counted_ids, fixture_empty),
		TEST(test_claim_is_dated, fixture_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
