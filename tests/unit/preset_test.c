/* What a preset is to a loop that names it. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/path.h"
#include "preset_fixture.h"

static void
test_a_presets_program_and_words(void **state)
{
	struct conf *conf = load_preset_named("cursor");
	const struct loop_config *loop = &conf->loops[0];
	char path[PATH_SIZE];

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
	conf = load_worker("[ \"true\" ]; second_worker = \"cursor\"");
	assert_string_equal(conf->loops[0].prompt, "");
	assert_string_equal(conf->loops[0].second_prompt, path);
	conf_free(conf);
	conf = load_worker("\"cursor\"; second_worker = [ \"true\" ]");
	assert_string_equal(conf->loops[0].prompt, path);
	assert_string_equal(conf->loops[0].second_prompt, path);
	conf_free(conf);
	/* A list is a plain command, and so is a name that no preset has. */
	conf = load_worker("[ \"claude\" ]");
	assert_null(conf->loops[0].preset);
	assert_string_equal(conf->loops[0].prompt, "");
	conf_free(conf);
	conf = load_worker("\"true\"");
	assert_null(conf->loops[0].preset);
	assert_non_null(conf->loops[0].worker[0]);
	conf_free(conf);
}

static uint64_t
hash_with(const char *worker)
{
	struct conf *conf = load_worker(worker);
	uint64_t hash = conf->components[0]->hash;

	conf_free(conf);
	return hash;
}

static void
test_a_changed_preset_is_a_change(void **state)
{
	static const char text[] = "argv = [ \"claude\" ];\n";
	static const char second[] = "[ \"true\" ]; second_worker = \"own\"";
	uint64_t before, after = 0, second_before, second_after = 0;
	int fd;

	assert_int_equal(unlinkat(here.dir, "workers", 0), 0);
	assert_int_equal(mkdirat(here.dir, "workers", 0755), 0);
	for (int i = 0; i < 2; i++) {
		before = after;
		second_before = second_after;
		fd = openat(here.dir, "workers/own.conf",
		    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		assert_int_equal(
		    io_write_all(fd, i == 0 ? text : "grace = \"1s\";\n",
			i == 0 ? strlen(text) : strlen("grace = \"1s\";\n")),
		    0);
		io_close(&fd);
		after = hash_with("\"own\"");
		second_after = hash_with(second);
		assert_int_not_equal(before, after);
		assert_int_not_equal(second_before, second_after);
	}
	assert_int_equal(unlinkat(here.dir, "workers/own.conf", 0), 0);
	assert_int_equal(unlinkat(here.dir, "workers", AT_REMOVEDIR), 0);
	link_to("config/workers", "workers");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_presets_program_and_words),
		cmocka_unit_test(test_a_changed_preset_is_a_change),
	};

	return cmocka_run_group_tests(tests, preset_setup, preset_teardown);
}
