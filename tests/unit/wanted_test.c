/* The file `wanted`: written at once or not at all, read by anybody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/path.h"
#include "system/wanted.h"

static char directory[] = "/tmp/lk-wanted.XXXXXX";

static int
setup(void **state)
{
	(void)state;
	return mkdtemp(directory) == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	char path[PATH_SIZE];

	(void)state;
	if (path_format(path, "%s/wanted", directory) < 0)
		return -1;
	(void)unlink(path);
	return rmdir(directory);
}

static void
write_text(const char *text)
{
	int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(
	    io_replace_file(fd, "wanted", text, strlen(text), 0), 0);
	io_close(&fd);
}

static void
test_no_file_is_an_empty_one(void **state)
{
	struct wanted w;

	(void)state;
	assert_int_equal(wanted_read(directory, &w), 0);
	assert_int_equal(w.nentries, 0);
	assert_null(wanted_find(&w, "one"));
	wanted_free(&w);
	assert_int_equal(wanted_read("/nonexistent", &w), -1);
	assert_int_equal(errno, ENOENT);
}

static void
test_what_is_written_is_read(void **state)
{
	const struct wanted_entry changes[] = {
		{ .name = "one",
		    .state = WANTED_STOPPED,
		    .by = "olaf",
		    .why = "too loud" },
		{ .name = "two",
		    .state = WANTED_DRAINING,
		    .by = "pm",
		    .since = "2026-01-07T02:14:00.000Z",
		    .why = "" },
	};
	const struct wanted_entry *e;
	struct wanted w;

	(void)state;
	assert_int_equal(wanted_write(directory, changes, 2), 0);
	assert_int_equal(wanted_read(directory, &w), 0);
	assert_int_equal(w.nentries, 2);
	e = wanted_find(&w, "one");
	assert_non_null(e);
	assert_int_equal(e->state, WANTED_STOPPED);
	assert_string_equal(e->by, "olaf");
	assert_string_equal(e->why, "too loud");
	assert_int_equal(strlen(e->since), strlen("2026-01-07T02:14:00.000Z"));
	e = wanted_find(&w, "two");
	assert_non_null(e);
	assert_int_equal(e->state, WANTED_DRAINING);
	assert_string_equal(e->since, "2026-01-07T02:14:00.000Z");
	wanted_free(&w);
}

static void
test_a_change_touches_no_other_line(void **state)
{
	const struct wanted_entry run = {
		.name = "two", .state = WANTED_RUN, .by = "olaf", .why = ""
	};
	const struct wanted_entry release = { .name = WANTED_DATABASE,
		.state = WANTED_RELEASED,
		.by = "olaf",
		.why = "" };
	struct wanted w;

	(void)state;
	assert_int_equal(wanted_write(directory, &run, 1), 0);
	assert_int_equal(wanted_write(directory, &release, 1), 0);
	assert_int_equal(wanted_read(directory, &w), 0);
	assert_int_equal(w.nentries, 2);
	assert_non_null(wanted_find(&w, "one"));
	assert_null(wanted_find(&w, "two"));
	assert_int_equal(
	    wanted_find(&w, WANTED_DATABASE)->state, WANTED_RELEASED);
	wanted_free(&w);
}

static void
test_what_would_break_the_file_is_refused(void **state)
{
	const struct wanted_entry bad[] = {
		{ .name = "o\tne",
		    .state = WANTED_PAUSED,
		    .by = "x",
		    .why = "" },
		{ .name = "one",
		    .state = WANTED_PAUSED,
		    .by = "x",
		    .why = "a\nb" },
	};
	struct wanted w;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(wanted_write(directory, &bad[i], 1), -1);
		assert_int_equal(errno, EINVAL);
	}
	assert_int_equal(wanted_read(directory, &w), 0);
	assert_int_equal(w.nentries, 2);
	wanted_free(&w);
}

static void
test_broken_lines_are_left_out(void **state)
{
	struct wanted w;

	(void)state;
	write_text("one\tstopped\tolaf\n"
		   "\tstopped\tolaf\t2026\t\n"
		   "two\tdancing\tolaf\t2026\t\n"
		   "\n"
		   "three\tpaused\tolaf\t2026\twith\ttabs\n"
		   "four\tpaused\tolaf\t2026\tno newline");
	assert_int_equal(wanted_read(directory, &w), 0);
	assert_int_equal(w.nentries, 2);
	assert_string_equal(wanted_find(&w, "three")->why, "with\ttabs");
	assert_non_null(wanted_find(&w, "four"));
	wanted_free(&w);
}

static void
test_many_lines(void **state)
{
	struct wanted_entry *changes = calloc(3000, sizeof(*changes));
	char(*names)[16] = calloc(3000, sizeof(*names));
	struct wanted w;

	(void)state;
	write_text("");
	for (int i = 0; i < 3000; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "c%d", i);
		changes[i] = (struct wanted_entry){ .name = names[i],
			.state = WANTED_PAUSED,
			.by = "olaf",
			.why = "there are many" };
	}
	assert_int_equal(wanted_write(directory, changes, 3000), 0);
	assert_int_equal(wanted_read(directory, &w), 0);
	assert_int_equal(w.nentries, 3000);
	assert_non_null(wanted_find(&w, "c2999"));
	wanted_free(&w);
	free(names);
	free(changes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_file_is_an_empty_one),
		cmocka_unit_test(test_what_is_written_is_read),
		cmocka_unit_test(test_a_change_touches_no_other_line),
		cmocka_unit_test(test_what_would_break_the_file_is_refused),
		cmocka_unit_test(test_broken_lines_are_left_out),
		cmocka_unit_test(test_many_lines),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
