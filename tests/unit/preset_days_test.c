/* Each shipped preset on good and bad days of the program that it is for. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agents/loop/output.h"
#include "base/io.h"
#include "preset_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SESSION	     "0199a213-81c0-7800-8aa1-bbab2a035a53"

static void
run_child(char *const *argv, const char *day)
{
	int fd = open_transcript(O_WRONLY | O_APPEND);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (dup2(null, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 ||
	    setenv("LK_DAY", day, 1) < 0 ||
	    setenv("LK_WORK", "/dev/null", 1) < 0)
		_exit(126);
	(void)execv(argv[0], argv);
	_exit(127);
}

/* Runs the worker on such a day, into the transcript. Returns its wait
 * status. */
static int
run(char *const *argv, const char *day)
{
	int status;
	pid_t pid;

	(void)unlinkat(here.dir, "transcript", 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		run_child(argv, day);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

struct expected {
	const char *preset;
	const char *day;
	enum preset_verdict verdict;
	int64_t tokens;
	int64_t cost;
	bool ended;
	bool resets;	   /* in two hours */
	const char *error; /* a part of it */
};

static const struct expected days[] = {
	{ "claude", "good", PRESET_NOTHING, 2250, 37500, true, false, "" },
	{ "claude", "failed-exit-0", PRESET_FAILED, 2250, 37500, true, false,
	    "It went wrong." },
	{ "claude", "no-output", PRESET_FAILED, -1, -1, false, false, "" },
	{ "claude", "limit", PRESET_RATE_LIMITED, 2250, 37500, true, true,
	    "hit your session limit" },
	{ "claude", "outage", PRESET_UNAVAILABLE, 2250, 37500, true, false,
	    "529 Overloaded" },
	{ "claude", "auth", PRESET_AUTH, 2250, 37500, true, false,
	    "Please run /login" },
	{ "claude", "crash", PRESET_NOTHING, 1115, -1, false, false, "" },
	{ "codex", "good", PRESET_NOTHING, 24885, -1, true, false, "" },
	{ "codex", "failed-exit-0", PRESET_FAILED, -1, -1, true, false,
	    "ran out of room" },
	{ "codex", "no-output", PRESET_FAILED, -1, -1, false, false, "" },
	{ "codex", "limit", PRESET_RATE_LIMITED, -1, -1, true, true,
	    "hit your usage limit" },
	{ "codex", "outage", PRESET_UNAVAILABLE, -1, -1, true, false,
	    "500 Internal Server Error" },
	{ "codex", "auth", PRESET_AUTH, -1, -1, true, false, "401" },
	{ "codex", "crash", PRESET_NOTHING, -1, -1, false, false, "" },
	{ "gemini", "good", PRESET_NOTHING, 2500, -1, true, false, "" },
	{ "gemini", "failed-exit-0", PRESET_FAILED, 900, -1, true, false,
	    "INVALID_ARGUMENT" },
	{ "gemini", "no-output", PRESET_FAILED, -1, -1, false, false, "" },
	{ "gemini", "limit", PRESET_RATE_LIMITED, 900, -1, true, true,
	    "exhausted your capacity" },
	{ "gemini", "outage", PRESET_UNAVAILABLE, 900, -1, true, false,
	    "model is overloaded" },
	{ "gemini", "auth", PRESET_AUTH, -1, -1, false, false,
	    "Manual authorization" },
	{ "gemini", "crash", PRESET_NOTHING, -1, -1, false, false, "" },
	{ "aider", "good", PRESET_NOTHING, 9400, 50000, false, false, "" },
	{ "aider", "failed-exit-0", PRESET_FAILED, -1, -1, false, false,
	    "BadRequestError" },
	{ "aider", "no-output", PRESET_NOTHING, -1, -1, false, false, "" },
	{ "aider", "limit", PRESET_RATE_LIMITED, -1, -1, false, true,
	    "RateLimitError" },
	{ "aider", "outage", PRESET_UNAVAILABLE, -1, -1, false, false,
	    "APIConnectionError" },
	{ "aider", "auth", PRESET_AUTH, -1, -1, false, false,
	    "AuthenticationError" },
	{ "aider", "crash", PRESET_NOTHING, -1, -1, false, false, "" },
	{ "opencode", "good", PRESET_NOTHING, 14200, 15000, true, false, "" },
	{ "opencode", "failed-exit-0", PRESET_FAILED, 7065, 12000, false, false,
	    "Unexpected server error" },
	{ "opencode", "no-output", PRESET_FAILED, -1, -1, false, false, "" },
	{ "opencode", "limit", PRESET_RATE_LIMITED, 7065, 12000, false, true,
	    "Too Many Requests" },
	{ "opencode", "outage", PRESET_UNAVAILABLE, 7065, 12000, false, false,
	    "Service Unavailable" },
	{ "opencode", "auth", PRESET_AUTH, 7065, 12000, false, false, "401" },
	{ "opencode", "crash", PRESET_NOTHING, 7065, 12000, false, false, "" },
	{ "cursor", "good", PRESET_NOTHING, -1, -1, true, false, "" },
	{ "cursor", "failed-exit-0", PRESET_FAILED, -1, -1, true, false,
	    "It went wrong." },
	{ "cursor", "no-output", PRESET_FAILED, -1, -1, false, false, "" },
	{ "cursor", "limit", PRESET_RATE_LIMITED, -1, -1, false, false,
	    "hit your usage limit" },
	{ "cursor", "outage", PRESET_UNAVAILABLE, -1, -1, false, false,
	    "ENOTFOUND" },
	{ "cursor", "auth", PRESET_AUTH, -1, -1, false, false,
	    "Authentication required" },
	{ "cursor", "crash", PRESET_NOTHING, -1, -1, false, false, "" },
};

static void
check_output(const struct output *o, const struct expected *e, int status,
    int64_t reset_ms)
{
	bool signalled = WIFSIGNALED(status);
	int code = signalled ? WTERMSIG(status) : WEXITSTATUS(status);

	assert_int_equal(output_classify(o, signalled, code), e->verdict);
	assert_int_equal(o->usage.tokens, e->tokens);
	assert_int_equal(o->usage.cost, e->cost);
	assert_int_equal(o->ended, e->ended);
	assert_non_null(strstr(o->error, e->error));
	if (e->error[0] == '\0')
		assert_string_equal(o->error, "");
	assert_int_equal(o->reset_wall_ms >= 0, e->resets);
	if (e->resets)
		assert_in_range(
		    o->reset_wall_ms, reset_ms - 60000, reset_ms + 60000);
	if (strcmp(e->day, "no-output") == 0 || strcmp(e->preset, "aider") == 0)
		assert_string_equal(o->session_id, "");
	else if (strcmp(e->preset, "gemini") != 0 ||
	    strcmp(e->day, "auth") != 0)
		assert_string_equal(o->session_id, SESSION);
}

static void
test_each_day_of_each_preset(void **state)
{
	int64_t reset_s = (time(NULL) + 7200) / 60 * 60;
	char text[32];

	(void)snprintf(text, sizeof(text), "%lld", (long long)reset_s);
	assert_int_equal(setenv("LK_RESET", text, 1), 0);
	for (size_t i = 0; i < COUNT(days); i++) {
		struct conf *conf = load_preset_named(days[i].preset);
		const struct worker_preset *preset = conf->loops[0].preset;
		struct output o;
		int status, fd;

		assert_non_null(preset);
		print_message("# %s, %s\n", days[i].preset, days[i].day);
		status = run(preset->argv, days[i].day);
		fd = open_transcript(O_RDONLY);
		assert_int_equal(output_begin(&o, fd, 0, preset), 0);
		assert_int_equal(output_finish(&o, 5), 0);
		if (o.ended)
			assert_int_equal(o.ended_ms, 5);
		check_output(&o, &days[i], status, reset_s * 1000);
		output_end(&o);
		io_close(&fd);
		conf_free(conf);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_day_of_each_preset),
	};

	return cmocka_run_group_tests(tests, preset_setup, preset_teardown);
}
