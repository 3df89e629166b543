/* Status records: two slots, and what a reader makes of damage. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"
#include "system/status.h"

struct fixture {
	struct scratch at;
	struct status_writer writer;
	struct status_record record;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	scratch_make(&f->at, "/tmp");
	f->record.version = STATUS_VERSION;
	f->record.size = sizeof(f->record);
	assert_int_equal(status_open(&f->writer, f->at.dir), 0);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	status_close(&f->writer);
	scratch_remove(&f->at);
	free(f);
	return 0;
}

static void
put(struct fixture *f, int pid)
{
	f->record.pid = pid;
	assert_int_equal(status_write(&f->writer, &f->record), 0);
}

static int
get(struct fixture *f)
{
	struct status_record r;

	return status_read(f->at.dir, &r) < 0 ? -1 : r.pid;
}

/* Turns one byte of the file. */
static void
damage(struct fixture *f, off_t at)
{
	int fd = openat(f->at.dir, "status", O_RDWR | O_CLOEXEC);
	char c;

	assert_int_equal(pread(fd, &c, 1, at), 1);
	c = (char)~c;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	(void)close(fd);
}

static off_t
file_size(struct fixture *f)
{
	struct stat st;

	assert_int_equal(fstatat(f->at.dir, "status", &st, 0), 0);
	return st.st_size;
}

static void
test_newest_wins(void **state)
{
	struct fixture *f = *state;

	for (int i = 1; i <= 5; i++) {
		put(f, i);
		assert_int_equal(get(f), i);
	}
}

static void
test_damaged_slot_falls_back(void **state)
{
	struct fixture *f = *state;

	put(f, 1); /* counter 1: the second half */
	put(f, 2); /* counter 2: the first half */
	damage(f, 100);
	assert_int_equal(get(f), 1);
	damage(f, file_size(f) - 1);
	assert_int_equal(get(f), -1);
	assert_int_equal(errno, EBADMSG);
}

static void
test_truncated_file_is_refused(void **state)
{
	struct fixture *f = *state;

	put(f, 1);
	put(f, 2);
	put(f, 3);
	assert_int_equal(ftruncate(f->writer.fd, file_size(f) - 1), 0);
	assert_int_equal(get(f), 2);
	assert_int_equal(ftruncate(f->writer.fd, 0), 0);
	assert_int_equal(get(f), -1);
	assert_int_equal(errno, EBADMSG);
}

static void
test_successor_goes_on_counting(void **state)
{
	struct fixture *f = *state;

	for (int i = 1; i <= 3; i++)
		put(f, i);
	status_close(&f->writer);
	assert_int_equal(status_open(&f->writer, f->at.dir), 0);
	assert_int_equal(get(f), 3);
	put(f, 4);
	assert_int_equal(get(f), 4);
}

static void
test_other_version_is_named(void **state)
{
	struct fixture *f = *state;

	f->record.version = STATUS_VERSION + 1;
	put(f, 1);
	assert_int_equal(get(f), -1);
	assert_int_equal(errno, EPROTO);
}

int
main(void)
{
#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_newest_wins),
		TEST(test_damaged_slot_falls_back),
		TEST(test_truncated_file_is_refused),
		TEST(test_successor_goes_on_counting),
		TEST(test_other_version_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
