/* What a worker is given: its prompt, its arguments, its files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "agents/loop/worker.h"
#include "base/io.h"
#include "scratch.h"

struct fixture {
	struct scratch here;
	char base[PATH_SIZE];
	char template[PATH_SIZE];
	char what[PATH_SIZE];
	char verify[16];
	char empty[1];
	char spec[32];
	struct claim claim;
	struct task task;
	struct worker_preset preset;
	struct loop_config config;
	struct worker worker;
};

static char *options[] = { (char[]){ "--fast" }, (char[]){ "{test}" }, NULL };
static char *argv[] = { (char[]){ "/bin/agent" }, (char[]){ "{options}" },
	(char[]){ "{prompt_file}" }, NULL };
static char *resume[] = { (char[]){ "/bin/agent" }, (char[]){ "-r{session}" },
	NULL };
static char *nothing[] = { NULL };

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	scratch_make(&f->here, "/tmp");
	assert_int_equal(path_format(f->base, "%s/T-1", f->here.path), 0);
	assert_int_equal(
	    path_format(f->template, "%s/template", f->here.path), 0);
	(void)memcpy(f->verify, "make check", sizeof("make check"));
	f->claim = (struct claim){ .key = { .test_id = "T-1", .attempt = 2 },
		.max_attempts = 3,
		.verify = f->verify,
		.worker = f->empty,
		.spec = f->spec,
		.last_result = f->empty };
	f->task =
	    (struct task){ &f->claim, "", "", "", "", "", NULL, -1, false };
	f->preset = (struct worker_preset){
		.argv = argv, .resume = resume, .prompt = PRESET_STDIN
	};
	f->config = (struct loop_config){ .name = "loop-1",
		.index = 1,
		.worker = argv,
		.preset = &f->preset,
		.worker_options = options,
		.repository = "/repository",
		.prompt = f->template };
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	worker_free(&f->worker);
	scratch_remove(&f->here);
	free(f);
	return 0;
}

static void
use_template(struct fixture *f, const char *text)
{
	assert_int_equal(
	    io_replace_file(AT_FDCWD, f->template, text, strlen(text), 0), 0);
}

static void
prepare(struct fixture *f)
{
	worker_free(&f->worker);
	assert_int_equal(
	    worker_prepare(&f->worker, &f->config, &f->task, f->base, f->what),
	    0);
}

static void
file_is(const char *path, const char *text)
{
	char data[4096];

	assert_true(io_read_file(AT_FDCWD, path, data, sizeof(data)) >= 0);
	assert_string_equal(data, text);
}

static void
test_words_of_a_template(void **state)
{
	struct fixture *f = *state;

	use_template(f,
	    "{test} {attempt}/{attempts} {verify}: {spec}; {failure}; "
	    "{files}; {locks}; {before}; {other} {");
	prepare(f);
	assert_string_equal(f->worker.prompt,
	    "T-1 2/3 make check: none; none; none; none; none; {other} {");
	f->task.files = "src/**";
	f->task.locks = "src/a.c (loop-2)";
	f->task.before = "half of it";
	f->task.failure = "{test} is no word here";
	prepare(f);
	/* Without a specification the failure is it. */
	assert_string_equal(f->worker.prompt,
	    "T-1 2/3 make check: {test} is no word here; "
	    "{test} is no word here; src/**; src/a.c (loop-2); "
	    "half of it; {other} {");
	file_is(f->worker.prompt_path, f->worker.prompt);
	file_is(f->worker.spec_path, f->task.failure);
	(void)memcpy(f->spec, "Make it.", sizeof("Make it."));
	prepare(f);
	assert_non_null(strstr(f->worker.prompt, ": Make it.; {test} is"));
	file_is(f->worker.spec_path, "Make it.");
}

static void
test_words_of_a_command(void **state)
{
	struct fixture *f = *state;

	use_template(f, "x");
	prepare(f);
	assert_ptr_equal(f->worker.preset, &f->preset);
	assert_string_equal(f->worker.argv[0], "/bin/agent");
	/* Options are taken as they are. */
	assert_string_equal(f->worker.argv[1], "--fast");
	assert_string_equal(f->worker.argv[2], "{test}");
	assert_string_equal(f->worker.argv[3], f->worker.prompt_path);
	assert_null(f->worker.argv[4]);
	assert_string_equal(f->worker.stdin_path, f->worker.prompt_path);
	f->config.worker_options = nothing;
	f->preset.prompt = PRESET_ARGUMENT;
	prepare(f);
	assert_string_equal(f->worker.argv[1], f->worker.prompt_path);
	assert_null(f->worker.argv[2]);
	assert_null(f->worker.stdin_path);
}

static void
test_a_session_is_continued_where_that_can_be(void **state)
{
	struct fixture *f = *state;

	use_template(f, "x");
	f->task.session_id = "s-1";
	prepare(f);
	assert_string_equal(f->worker.argv[1], "-rs-1");
	f->preset.resume = nothing;
	prepare(f);
	assert_string_equal(f->worker.argv[1], "--fast");
}

static void
test_a_budget_is_told_where_there_is_one(void **state)
{
	char *command[] = { (char[]){ "/bin/agent" },
		(char[]){ "--usd={budget_usd}" }, (char[]){ "-p" }, NULL };
	struct fixture *f = *state;
	char own[] = "echo {budget_usd}";

	use_template(f, "{budget_usd}");
	f->config.worker = command;
	prepare(f);
	assert_string_equal(f->worker.argv[1], "-p");
	assert_null(f->worker.argv[2]);
	assert_string_equal(f->worker.prompt, "none");
	f->task.budget_usd = 12050000;
	prepare(f);
	assert_string_equal(f->worker.argv[1], "--usd=12.050000");
	assert_string_equal(f->worker.argv[2], "-p");
	f->task.budget_usd = -1;
	f->claim.worker = own;
	prepare(f);
	assert_string_equal(f->worker.argv[2], "echo ");
}

static void
test_a_tests_own_worker_is_a_plain_command(void **state)
{
	struct fixture *f = *state;
	char own[] = "echo {test}";

	use_template(f, "x");
	f->claim.worker = own;
	f->preset.prompt = PRESET_ARGUMENT;
	prepare(f);
	assert_null(f->worker.preset);
	assert_string_equal(f->worker.argv[0], "/bin/sh");
	assert_string_equal(f->worker.argv[2], "echo T-1");
	assert_string_equal(f->worker.stdin_path, f->worker.prompt_path);
}

static void
test_a_plain_command_gets_the_specification_alone(void **state)
{
	struct fixture *f = *state;

	f->config.preset = NULL;
	f->config.prompt = "";
	prepare(f);
	assert_string_equal(f->worker.prompt_path, "");
	assert_null(f->worker.stdin_path);
	f->task.failure = "expected 1, not 2";
	prepare(f);
	assert_string_equal(f->worker.prompt, "expected 1, not 2");
	(void)memcpy(f->spec, "Make it.", sizeof("Make it."));
	prepare(f);
	assert_string_equal(f->worker.prompt, "Make it.");
	file_is(f->worker.stdin_path, "Make it.");
}

int
main(void)
{
#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_words_of_a_template),
		TEST(test_words_of_a_command),
		TEST(test_a_session_is_continued_where_that_can_be),
		TEST(test_a_budget_is_told_where_there_is_one),
		TEST(test_a_tests_own_worker_is_a_plain_command),
		TEST(test_a_plain_command_gets_the_specification_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
