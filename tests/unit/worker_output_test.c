/*
 * What is understood of workers' output: the shipped presets on good and bad
 * days of the programs that they are for, as tests/helpers/stand-in has them;
 * lines that come in pieces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agents/loop/output.h"
#include "base/io.h"
#include "base/path.h"
#include "conf/load.h"
#include "scratch.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SESSION	     "0199a213-81c0-7800-8aa1-bbab2a035a53"

static const char *const presets[] = { "claude", "codex", "gemini", "aider",
	"opencode", "cursor" };

static struct scratch here;
static char *old_path;

static void
link_to(const char *target, const char *name)
{
	char path[PATH_MAX];

	assert_non_null(realpath(target, path));
	assert_int_equal(symlinkat(path, here.dir, name), 0);
}

static int
set_up(void **state)
{
	static const char *const others[] = { "bin/loopkeeper-recorder",
		"bin/loopkeeper-logger" };
	char path[3 * PATH_SIZE];

	(void)state;
	scratch_make(&here, "/tmp");
	assert_int_equal(mkdirat(here.dir, "bin", 0755), 0);
	link_to("config/workers", "workers");
	link_to("config/prompt.txt", "prompt.txt");
	for (size_t i = 0; i < COUNT(presets); i++) {
		(void)snprintf(path, sizeof(path), "bin/%s%s", presets[i],
		    strcmp(presets[i], "cursor") == 0 ? "-agent" : "");
		link_to("tests/helpers/stand-in", path);
	}
	for (size_t i = 0; i < COUNT(others); i++)
		link_to("tests/helpers/stand-in", others[i]);
	old_path = getenv("PATH");
	assert_non_null(old_path);
	(void)snprintf(path, sizeof(path), "%s/bin:%s", here.path, old_path);
	return setenv("PATH", path, 1);
}

static int
tear_down(void **state)
{
	(void)state;
	scratch_remove(&here);
	return 0;
}

/* The configuration of one loop with this worker. */
static struct conf *
load(const char *worker)
{
	char text[1024], path[PATH_SIZE];
	struct conf *conf;

	(void)snprintf(text, sizeof(text),
	    "components = ( { name = \"l\"; command = [ \"true\" ]; "
	    "loop = { worker = %s; }; } );",
	    worker);
	assert_int_equal(path_format(path, "%s/f.conf", here.path), 0);
	conf = load_text(path, text, strlen(text), stderr);
	assert_non_null(conf);
	return conf;
}

static struct conf *
load_preset_named(const char *name)
{
	char worker[64];

	(void)snprintf(worker, sizeof(worker), "\"%s\"", name);
	return load(worker);
}

static int
open_transcript(int flags)
{
	int fd =
	    openat(here.dir, "transcript", flags | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

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
	{ "claude", "auth", PRESET_AUTH, 2250, 37500, true, false,
	    "Please run /login" },
	{ "claude", "crash", PRESET_NOTHING, 1115, -1, false, false, "" },
	{ "codex", "good", PRESET_NOTHING, 24885, -1, true, false, "" },
	{ "codex", "failed-exit-0", PRESET_FAILED, -1, -1, true, false,
	    "500 Internal" },
	{ "codex", "no-output", PRESET_FAILED, -1, -1, false, false, "" },
	{ "codex", "limit", PRESET_RATE_LIMITED, -1, -1, true, true,
	    "hit your usage limit" },
	{ "codex", "auth", PRESET_AUTH, -1, -1, true, false, "401" },
	{ "codex", "crash", PRESET_NOTHING, -1, -1, false, false, "" },
	{ "gemini", "good", PRESET_NOTHING, 2500, -1, true, false, "" },
	{ "gemini", "failed-exit-0", PRESET_FAILED, 900, -1, true, false,
	    "internal error" },
	{ "gemini", "no-output", PRESET_FAILED, -1, -1, false, false, "" },
	{ "gemini", "limit", PRESET_RATE_LIMITED, 900, -1, true, true,
	    "exhausted your capacity" },
	{ "gemini", "auth", PRESET_AUTH, -1, -1, false, false,
	    "Manual authorization" },
	{ "gemini", "crash", PRESET_NOTHING, -1, -1, false, false, "" },
	{ "aider", "good", PRESET_NOTHING, 9400, 50000, false, false, "" },
	{ "aider", "failed-exit-0", PRESET_FAILED, -1, -1, false, false,
	    "BadRequestError" },
	{ "aider", "no-output", PRESET_NOTHING, -1, -1, false, false, "" },
	{ "aider", "limit", PRESET_RATE_LIMITED, -1, -1, false, true,
	    "RateLimitError" },
	{ "aider", "auth", PRESET_AUTH, -1, -1, false, false,
	    "AuthenticationError" },
	{ "aider", "crash", PRESET_NOTHING, -1, -1, false, false, "" },
	{ "opencode", "good", PRESET_NOTHING, 14200, 15000, true, false, "" },
	{ "opencode", "failed-exit-0", PRESET_FAILED, 7065, 12000, false, false,
	    "Unexpected server error" },
	{ "opencode", "no-output", PRESET_FAILED, -1, -1, false, false, "" },
	{ "opencode", "limit", PRESET_RATE_LIMITED, 7065, 12000, false, true,
	    "Too Many Requests" },
	{ "opencode", "auth", PRESET_AUTH, 7065, 12000, false, false, "401" },
	{ "opencode", "crash", PRESET_NOTHING, 7065, 12000, false, false, "" },
	{ "cursor", "good", PRESET_NOTHING, -1, -1, true, false, "" },
	{ "cursor", "failed-exit-0", PRESET_FAILED, -1, -1, true, false,
	    "It went wrong." },
	{ "cursor", "no-output", PRESET_FAILED, -1, -1, false, false, "" },
	{ "cursor", "limit", PRESET_RATE_LIMITED, -1, -1, false, false,
	    "hit your usage limit" },
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

	(void)state;
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

/* A transcript that is written here, line by line. */
struct reading {
	struct conf *conf;
	struct output o;
	int fd;
	int writer;
	int64_t now_ms;
};

static void
begin(struct reading *r, const char *preset)
{
	(void)unlinkat(here.dir, "transcript", 0);
	r->conf =
	    preset != NULL ? load_preset_named(preset) : load("[ \"true\" ]");
	r->writer = open_transcript(O_WRONLY | O_APPEND);
	r->fd = open_transcript(O_RDONLY);
	r->now_ms = 0;
	assert_int_equal(
	    output_begin(&r->o, r->fd, 0, r->conf->loops[0].preset), 0);
}

static void
end(struct reading *r)
{
	output_end(&r->o);
	io_close(&r->fd);
	io_close(&r->writer);
	conf_free(r->conf);
}

static void
say(struct reading *r, const char *text)
{
	assert_int_equal(io_write_all(r->writer, text, strlen(text)), 0);
	assert_int_equal(output_read(&r->o, ++r->now_ms), 0);
}

static void
test_lines_come_in_pieces(void **state)
{
	static const char line[] = "{\"type\":\"system\",\"subtype\":\"init\","
				   "\"session_id\":\"s-1\"}\n";
	struct reading r;

	(void)state;
	begin(&r, "claude");
	for (size_t i = 0; i + 1 < sizeof(line); i++) {
		char piece[] = { line[i], '\0' };

		assert_string_equal(r.o.session_id, "");
		say(&r, piece);
	}
	assert_string_equal(r.o.session_id, "s-1");
	/* The last line may have no end. */
	say(&r, "{\"type\":\"result\",\"is_error\":false}");
	assert_false(r.o.ended);
	assert_int_equal(output_finish(&r.o, 77), 0);
	assert_true(r.o.ended);
	assert_int_equal(r.o.ended_ms, 77);
	end(&r);
}

static void
test_too_long_a_line_is_skipped(void **state)
{
	struct reading r;
	char *big = malloc(OUTPUT_LINE_MAX + 2);

	(void)state;
	assert_non_null(big);
	(void)memset(big, 'x', OUTPUT_LINE_MAX + 1);
	big[OUTPUT_LINE_MAX + 1] = '\0';
	begin(&r, "claude");
	assert_int_equal(io_write_all(r.writer, "Invalid API key", 15), 0);
	assert_int_equal(io_write_all(r.writer, big, OUTPUT_LINE_MAX + 1), 0);
	/* Bounded work: it isn't all read in one call. */
	assert_int_equal(output_read(&r.o, 1), 1);
	while (output_read(&r.o, 1) > 0)
		;
	say(&r, "\n");
	assert_int_equal(r.o.verdict, PRESET_NOTHING);
	say(&r, "Invalid API key\nInvalid API key, really\n");
	assert_int_equal(r.o.verdict, PRESET_AUTH);
	assert_string_equal(r.o.error, "Invalid API key, really");
	free(big);
	end(&r);
}

static void
test_only_what_is_typed_is_believed(void **state)
{
	struct reading r;

	(void)state;
	begin(&r, "claude");
	say(&r, "# 2026-01-07T02:14:00.123Z Please run /login\n");
	say(&r, "{\"type\":\"user\",\"message\":\"Invalid API key\"}\n");
	say(&r, "{\"type\":\"result\",\"is_error\":Please run /login\n");
	assert_int_equal(r.o.verdict, PRESET_NOTHING);
	say(&r,
	    "{\"type\":\"result\",\"is_error\":false,"
	    "\"result\":\"Claude AI usage limit reached|1767225600\"}\n");
	assert_int_equal(r.o.verdict, PRESET_NOTHING);
	assert_int_equal(r.o.reset_wall_ms, -1);
	assert_int_equal(output_classify(&r.o, false, 0), PRESET_NOTHING);
	/* And whatever it says, exit 1 is no good. */
	assert_int_equal(output_classify(&r.o, false, 1), PRESET_FAILED);
	say(&r,
	    "{\"type\":\"result\",\"is_error\":true,"
	    "\"result\":\"Claude AI usage limit reached|1767225600\"}\n");
	assert_int_equal(r.o.verdict, PRESET_RATE_LIMITED);
	assert_int_equal(r.o.reset_wall_ms, INT64_C(1767225600000));
	/* It was over, before the run was. */
	say(&r, "{\"type\":\"result\",\"is_error\":false}\n");
	assert_int_equal(r.o.verdict, PRESET_NOTHING);
	assert_int_equal(r.o.reset_wall_ms, -1);
	assert_string_equal(r.o.error, "");
	end(&r);
}

static void
test_a_message_is_counted_once(void **state)
{
	struct reading r;

	(void)state;
	begin(&r, "claude");
	say(&r,
	    "{\"type\":\"assistant\",\"message\":{\"id\":\"m\",\"usage\":"
	    "{\"input_tokens\":10,\"output_tokens\":1}}}\n");
	assert_int_equal(r.o.usage.tokens, 11);
	say(&r,
	    "{\"type\":\"assistant\",\"message\":{\"id\":\"n\",\"usage\":"
	    "{\"input_tokens\":100,\"output_tokens\":0}}}\n");
	say(&r,
	    "{\"type\":\"assistant\",\"message\":{\"id\":\"m\",\"usage\":"
	    "{\"input_tokens\":10,\"output_tokens\":5}}}\n");
	assert_int_equal(r.o.usage.tokens, 115);
	/* 0 is something that is known. */
	assert_int_equal(r.o.usage.cost, -1);
	say(&r,
	    "{\"type\":\"result\",\"is_error\":false,"
	    "\"total_cost_usd\":0}\n");
	assert_int_equal(r.o.usage.cost, 0);
	assert_int_equal(r.o.usage.tokens, 115);
	end(&r);
}

static void
test_the_end_may_be_taken_back(void **state)
{
	struct reading r;

	(void)state;
	begin(&r, "claude");
	say(&r, "{\"type\":\"result\",\"is_error\":false}\n");
	say(&r, "some noise\n");
	assert_true(r.o.ended);
	assert_int_equal(r.o.ended_ms, 1);
	say(&r,
	    "{\"type\":\"system\",\"subtype\":\"init\","
	    "\"session_id\":\"s\"}\n");
	assert_false(r.o.ended);
	say(&r, "{\"type\":\"result\",\"is_error\":false}\n");
	assert_int_equal(r.o.ended_ms, 4);
	end(&r);
}

static void
test_waiting_is_noticed(void **state)
{
	struct reading r;

	(void)state;
	begin(&r, "opencode");
	say(&r, "INFO service=permission message=asking\n");
	assert_int_equal(r.o.verdict, PRESET_WAITING);
	end(&r);
	begin(&r, "aider");
	say(&r, "Add a.c to the chat? (Y)es/(N)o/(D)on't ask again [Yes]: \n");
	assert_int_equal(r.o.verdict, PRESET_WAITING);
	end(&r);
}

static void
test_of_a_plain_command_nothing_is_known(void **state)
{
	struct reading r;

	(void)state;
	begin(&r, NULL);
	say(&r,
	    "{\"type\":\"result\",\"is_error\":true,"
	    "\"total_cost_usd\":1}\n");
	assert_int_equal(output_finish(&r.o, 1), 0);
	assert_int_equal(r.o.usage.cost, -1);
	assert_int_equal(r.o.usage.tokens, -1);
	assert_int_equal(output_classify(&r.o, false, 1), PRESET_NOTHING);
	end(&r);
}

static void
test_a_presets_program_and_words(void **state)
{
	struct conf *conf = load_preset_named("cursor");
	const struct loop_config *loop = &conf->loops[0];
	char path[PATH_SIZE];

	(void)state;
	assert_int_equal(
	    path_format(path, "%s/bin/cursor-agent", here.path), 0);
	assert_string_equal(loop->preset->name, "cursor");
	assert_string_equal(loop->preset->provider, "cursor");
	assert_string_equal(loop->preset->argv[0], path);
	assert_string_equal(loop->preset->resume[0], path);
	assert_ptr_equal(loop->worker, loop->preset->argv);
	assert_int_equal(loop->preset->prompt, PRESET_ARGUMENT);
	assert_int_equal(loop->preset->startup_limit_ms, 90000);
	assert_int_equal(loop->preset->grace_ms, 10000);
	assert_int_equal(loop->startup_limit_ms, -1);
	assert_int_equal(path_format(path, "%s/prompt.txt", here.path), 0);
	assert_string_equal(loop->prompt, path);
	conf_free(conf);
	/* A list is a plain command, and so is a name that no preset has. */
	conf = load("[ \"claude\" ]");
	assert_null(conf->loops[0].preset);
	assert_string_equal(conf->loops[0].prompt, "");
	conf_free(conf);
	conf = load("\"true\"");
	assert_null(conf->loops[0].preset);
	assert_non_null(conf->loops[0].worker[0]);
	conf_free(conf);
}

static void
test_a_changed_preset_is_a_change(void **state)
{
	static const char text[] = "argv = [ \"claude\" ];\n";
	uint64_t before, after;
	struct conf *conf;
	int fd;

	(void)state;
	assert_int_equal(unlinkat(here.dir, "workers", 0), 0);
	assert_int_equal(mkdirat(here.dir, "workers", 0755), 0);
	for (int i = 0; i < 2; i++) {
		before = i == 0 ? 0 : after;
		fd = openat(here.dir, "workers/own.conf",
		    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		assert_int_equal(
		    io_write_all(fd, i == 0 ? text : "grace = \"1s\";\n",
			i == 0 ? strlen(text) : strlen("grace = \"1s\";\n")),
		    0);
		io_close(&fd);
		conf = load_preset_named("own");
		after = conf->components[0]->hash;
		assert_int_not_equal(before, after);
		conf_free(conf);
	}
	assert_int_equal(unlinkat(here.dir, "workers/own.conf", 0), 0);
	assert_int_equal(unlinkat(here.dir, "workers", AT_REMOVEDIR), 0);
	link_to("config/workers", "workers");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_day_of_each_preset),
		cmocka_unit_test(test_lines_come_in_pieces),
		cmocka_unit_test(test_too_long_a_line_is_skipped),
		cmocka_unit_test(test_only_what_is_typed_is_believed),
		cmocka_unit_test(test_a_message_is_counted_once),
		cmocka_unit_test(test_the_end_may_be_taken_back),
		cmocka_unit_test(test_waiting_is_noticed),
		cmocka_unit_test(test_of_a_plain_command_nothing_is_known),
		cmocka_unit_test(test_a_presets_program_and_words),
		cmocka_unit_test(test_a_changed_preset_is_a_change),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
