/* The gate before a provider, on a real database: who may use it, who tries
 * it, and what is said of it once. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/claims.h"
#include "store/expiry.h"
#include "store/gates.h"
#include "store_fixture.h"

#define MINUTE_MS (60 * 1000)
#define PROCESSES 6
#define ROUNDS	  5

/* Its time has come. */
#define DUE "UPDATE gates SET open_at = '2026-01-07T02:14:00.000Z'"

/* A gate's time from now, in whole minutes, within a few seconds. */
#define MINUTES_LEFT                                           \
	"SELECT CAST(round((julianday(open_at) - julianday())" \
	" * 24 * 60 + 0.4) AS INTEGER) FROM gates"

static struct gate gate;

static void
closes(const char *by, enum gate_reason reason, int64_t in_ms)
{
	struct gate_news news = { .provider = "claude",
		.reason = reason,
		.reset_wall_ms = in_ms != 0 ? clock_wall_ms() + in_ms : 0,
		.message = "5-hour limit reached",
		.login = reason == GATE_AUTH ? "claude /login" : NULL,
		.by = by };

	works(gates_close(store, &news));
}

static int
ask(const char *loop_id)
{
	int may = gates_ask(store, "claude", loop_id, &gate);

	if (may < 0)
		fail_msg("%s", store_error(store));
	return may;
}

static void
minutes_left(int64_t expected)
{
	assert_int_equal(number(MINUTES_LEFT), expected);
}

static void
test_open(void **state)
{
	assert_int_equal(ask("loop-1"), 1);
	assert_false(gate.probe);
	assert_int_equal(gates_passed(store, "claude", "loop-1"), 0);
	assert_int_equal(gates_open(store, "claude", "olaf"), 0);
}

/* All loops are kept from it, and those of other providers aren't. */
static void
test_closed(void **state)
{
	char text[GATE_TEXT_SIZE], until[CLOCK_LOCAL_SIZE], expected[128];

	closes("loop-1", GATE_RATE_LIMITED, 90 * MINUTE_MS);
	assert_int_equal(ask("loop-1"), 0);
	assert_int_equal(ask("loop-2"), 0);
	assert_int_equal(gate.reason, GATE_RATE_LIMITED);
	minutes_left(90);
	clock_format_local(until, gate.until_ms);
	(void)snprintf(expected, sizeof(expected),
	    "rate-limited (claude, until %s)", until);
	gates_describe(text, &gate);
	assert_string_equal(text, expected);
	assert_int_equal(gates_ask(store, "codex", "loop-1", &gate), 1);
	/* One alert and one event, whoever meets it again. */
	closes("loop-2", GATE_RATE_LIMITED, 90 * MINUTE_MS);
	has_rows(1, "alerts WHERE severity = 'warning'");
	has_rows(1, "events WHERE event_type = 'alert_raised'");
	has_rows(1,
	    "events WHERE event_type = 'rate_limited'"
	    " AND json_extract(payload, '$.provider') = 'claude'");
}

/* Sixteen loops that meet one limit are one failure; the latest time wins. */
static void
test_others(void **state)
{
	closes("loop-1", GATE_RATE_LIMITED, 0);
	minutes_left(1);
	closes("loop-2", GATE_RATE_LIMITED, 0);
	closes("loop-3", GATE_RATE_LIMITED, 0);
	minutes_left(1);
	assert_int_equal(number("SELECT failures FROM gates"), 1);
	closes("loop-4", GATE_RATE_LIMITED, 300 * MINUTE_MS);
	minutes_left(300);
	closes("loop-5", GATE_RATE_LIMITED, 30 * MINUTE_MS);
	closes("loop-6", GATE_RATE_LIMITED, 0);
	minutes_left(300);
	/* The answer to what was asked before it closed. */
	assert_int_equal(gates_passed(store, "claude", "loop-7"), 0);
	assert_int_equal(ask("loop-7"), 0);
}

static void
test_probe(void **state)
{
	closes("loop-1", GATE_RATE_LIMITED, 0);
	sql(DUE);
	assert_int_equal(ask("loop-2"), 1);
	assert_true(gate.probe);
	assert_int_equal(ask("loop-1"), 0);
	assert_string_equal(gate.probe_by, "loop-2");
	assert_int_equal(ask("loop-2"), 1);
	/* What others met before says nothing of what it will meet. */
	closes("loop-3", GATE_RATE_LIMITED, 0);
	assert_int_equal(ask("loop-2"), 1);
	assert_int_equal(gates_passed(store, "claude", "loop-2"), 1);
	has_rows(0, "gates");
	has_rows(1, "events WHERE event_type = 'alert_cleared'");
	assert_int_equal(ask("loop-1"), 1);
	assert_false(gate.probe);
}

/* Nobody waits for a prober that has died, or had nothing to do. */
static void
test_prober_gone(void **state)
{
	closes("loop-1", GATE_RATE_LIMITED, 0);
	sql(DUE);
	assert_int_equal(ask("loop-1"), 1);
	works(gates_leave(store, "claude", "loop-1"));
	assert_int_equal(ask("loop-2"), 1);
	works(gates_leave(store, "claude", "loop-1")); /* not its own */
	assert_int_equal(ask("loop-1"), 0);
	sql("UPDATE gates SET probe_until = '2026-01-07T02:14:00.000Z'");
	assert_int_equal(ask("loop-1"), 1);
	assert_int_equal(ask("loop-2"), 0);
	assert_int_equal(
	    claims_begin(store, "loop-1", "One", 1, "", &repairs), 0);
	assert_int_equal(ask("loop-2"), 1);
}

/* Asks as loop-NUMBER as soon as the pipe is closed. Exit 1 for the one that
 * tries it. */
static int
ask_at_once(int number_of, int pipe_fd)
{
	char loop_id[16], byte;
	int may;

	(void)snprintf(loop_id, sizeof(loop_id), "loop-%d", number_of);
	if (store_open(store, directory, STORE_WRITE) < 0 ||
	    read(pipe_fd, &byte, 1) != 0)
		return 2;
	may = gates_ask(store, "claude", loop_id, &gate);
	store_close(store);
	return may < 0 || (may == 1) != gate.probe ? 2 : may;
}

static void
test_processes(void **state)
{
	int status, fds[2], probes = 0;

	closes("loop-1", GATE_RATE_LIMITED, 0);
	for (int round = 0; round < ROUNDS; round++) {
		sql(DUE ", probe_by = NULL");
		store_close(store); /* no database is carried over a fork */
		assert_int_equal(pipe(fds), 0);
		for (int i = 0; i < PROCESSES; i++) {
			pid_t pid = fork();

			assert_true(pid >= 0);
			if (pid == 0) {
				(void)close(fds[1]);
				_exit(ask_at_once(i, fds[0]));
			}
		}
		(void)close(fds[0]);
		(void)close(fds[1]);
		for (int i = 0; i < PROCESSES; i++) {
			assert_true(wait(&status) > 0);
			assert_true(WIFEXITED(status));
			assert_in_range(WEXITSTATUS(status), 0, 1);
			probes += WEXITSTATUS(status);
		}
		open_again(STORE_WRITE);
	}
	assert_int_equal(probes, ROUNDS);
}

static void
test_backoff(void **state)
{
	static const int64_t minutes[] = { 1, 2, 4, 8, 16, 30, 30 };

	for (size_t i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++) {
		closes("loop-1", GATE_RATE_LIMITED, 0);
		minutes_left(minutes[i]);
		sql(DUE);
		assert_int_equal(ask("loop-1"), 1);
	}
	/* A time that is over when it is told is none; one that proved wrong
	 * isn't taken at its word. */
	closes("loop-1", GATE_RATE_LIMITED, -MINUTE_MS);
	minutes_left(30);
	sql(DUE);
	closes("loop-1", GATE_RATE_LIMITED, MINUTE_MS);
	minutes_left(30);
	has_rows(1, "alerts");
	has_rows(1, "events WHERE event_type = 'rate_limited'");
	assert_int_equal(gates_open(store, "claude", "olaf"), 1);
	closes("loop-1", GATE_RATE_LIMITED, 0);
	minutes_left(1);
	has_rows(2, "events WHERE event_type = 'rate_limited'");
}

static void
test_login(void **state)
{
	char said_of[GATE_TEXT_SIZE];

	closes("loop-1", GATE_RATE_LIMITED, 60 * MINUTE_MS);
	closes("loop-2", GATE_AUTH, 0);
	minutes_left(60);
	has_rows(1,
	    "alerts WHERE severity = 'critical' AND NOT acknowledged"
	    " AND message LIKE '%run ''claude /login'', then"
	    " loopkeeper gates --open claude%'");
	has_rows(0, "alerts WHERE severity = 'warning' AND NOT acknowledged");
	has_rows(1, "events WHERE event_type = 'rate_limited'");
	assert_int_equal(ask("loop-1"), 0);
	gates_describe(said_of, &gate);
	assert_string_equal(said_of,
	    "login needed (claude: run 'claude /login', then loopkeeper gates "
	    "--open claude)");
	/* A limit doesn't hide that, unless it is what a new try met. */
	closes("loop-3", GATE_RATE_LIMITED, 90 * MINUTE_MS);
	assert_int_equal(ask("loop-1"), 0);
	assert_int_equal(gate.reason, GATE_AUTH);
	sql(DUE);
	assert_int_equal(ask("loop-1"), 1);
	closes("loop-1", GATE_RATE_LIMITED, 90 * MINUTE_MS);
	assert_int_equal(ask("loop-1"), 0);
	assert_int_equal(gate.reason, GATE_RATE_LIMITED);
	has_rows(1, "alerts WHERE severity = 'warning' AND NOT acknowledged");
	assert_int_equal(gates_open(store, "claude", "olaf"), 1);
	has_rows(0, "alerts WHERE NOT acknowledged");
}

/* Told as what it is; a limit that another loop meets says more. */
static void
test_unavailable(void **state)
{
	char said_of[GATE_TEXT_SIZE], until[CLOCK_LOCAL_SIZE], expected[128];

	closes("loop-1", GATE_UNAVAILABLE, 0);
	minutes_left(1);
	assert_int_equal(ask("loop-2"), 0);
	assert_int_equal(gate.reason, GATE_UNAVAILABLE);
	clock_format_local(until, gate.until_ms);
	(void)snprintf(expected, sizeof(expected),
	    "unavailable (claude, next try at %s)", until);
	gates_describe(said_of, &gate);
	assert_string_equal(said_of, expected);
	has_rows(1,
	    "alerts WHERE severity = 'warning' AND alert_type = 'unavailable'"
	    " AND message LIKE 'claude is unavailable, or out of reach: %'");
	has_rows(0, "events WHERE event_type = 'rate_limited'");
	closes("loop-2", GATE_RATE_LIMITED, 90 * MINUTE_MS);
	minutes_left(90);
	closes("loop-3", GATE_UNAVAILABLE, 0);
	minutes_left(90);
	assert_int_equal(ask("loop-3"), 0);
	assert_int_equal(gate.reason, GATE_RATE_LIMITED);
	has_rows(1, "events WHERE event_type = 'rate_limited'");
}

/* As if the clock had been set by a day. */
static void
test_clock_jump(void **state)
{
	int64_t jump_ms;

	assert_int_equal(expiry_follow(store, &jump_ms), 1);
	sql("UPDATE meta SET value = CAST(value AS INTEGER) - 86400000"
	    " WHERE key = 'clock_offset_ms'");
	closes("loop-1", GATE_RATE_LIMITED, 90 * MINUTE_MS);
	assert_int_equal(ask("loop-1"), 0);
	assert_int_equal(expiry_follow(store, &jump_ms), 1);
	assert_int_equal(ask("loop-1"), 0);
	minutes_left(90);
}

/* What nobody can read doesn't close it for ever. */
static void
test_unreadable(void **state)
{
	sql("INSERT INTO gates (provider, reason, open_at)"
	    " VALUES ('claude', 'moon', 'tomorrow')");
	assert_int_equal(ask("loop-1"), 1);
	assert_true(gate.probe);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_open, fixture_open),
		TEST(test_closed, fixture_open),
		TEST(test_others, fixture_open),
		TEST(test_probe, fixture_open),
		TEST(test_prober_gone, fixture_open),
		TEST(test_processes, fixture_open),
		TEST(test_backoff, fixture_open),
		TEST(test_login, fixture_open),
		TEST(test_unavailable, fixture_open),
		TEST(test_clock_jump, fixture_open),
		TEST(test_unreadable, fixture_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
