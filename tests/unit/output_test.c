/* The pipes of a component's output, and the run directory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/path.h"
#include "scratch.h"
#include "system/output.h"
#include "system/rundir.h"

struct fixture {
	struct scratch at;
	struct output output;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	scratch_make(&f->at, "/tmp");
	assert_int_equal(output_open(&f->output, 0), 0);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	output_close(&f->output);
	scratch_remove(&f->at);
	free(f);
	return 0;
}

static void
put(struct fixture *f, enum output_stream stream, const char *text)
{
	assert_int_equal(
	    io_write_all(f->output.write_fd[stream], text, strlen(text)), 0);
}

static void
check_file(struct fixture *f, const char *name, const char *wanted)
{
	char text[256];

	assert_true(io_read_file(f->at.dir, name, text, sizeof(text)) >= 0);
	assert_string_equal(text, wanted);
}

static bool
exists(const struct fixture *f, const char *name)
{
	return faccessat(f->at.dir, name, F_OK, 0) == 0;
}

static void
test_tail_is_a_copy(void **state)
{
	struct fixture *f = *state;
	char text[64];

	put(f, OUTPUT_STDOUT, "one\ntwo");
	output_keep(&f->output);
	put(f, OUTPUT_STDOUT, "of the next life");
	assert_int_equal(output_save(&f->output, f->at.dir), 0);
	check_file(f, "tail.stdout", "one\ntwo");
	assert_false(exists(f, "tail.stderr"));
	/* Not a byte is missing from the pipe. */
	assert_int_equal(
	    read(f->output.read_fd[OUTPUT_STDOUT], text, sizeof(text)), 23);
}

static void
test_save_replaces(void **state)
{
	struct fixture *f = *state;

	put(f, OUTPUT_STDERR, "a long last word");
	output_keep(&f->output);
	assert_int_equal(output_save(&f->output, f->at.dir), 0);
	assert_int_equal(output_drop(&f->output, OUTPUT_STDERR), 16);
	put(f, OUTPUT_STDERR, "short");
	output_keep(&f->output);
	assert_int_equal(output_save(&f->output, f->at.dir), 0);
	check_file(f, "tail.stderr", "short");
	assert_int_equal(output_save(&f->output, f->at.dir), 0);
	assert_false(exists(f, "tail.stderr"));
}

static void
fill(struct fixture *f)
{
	char bytes[4096];
	int fd = f->output.write_fd[OUTPUT_STDOUT];

	(void)memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while (write(fd, bytes, sizeof(bytes)) > 0)
		continue;
	assert_int_equal(errno, EAGAIN);
}

static void
test_full_is_seen(void **state)
{
	struct fixture *f = *state;
	uint64_t mark;
	char byte;

	assert_false(output_is_full(&f->output));
	fill(f);
	assert_true(output_is_full(&f->output));
	assert_false(output_stream_is_full(&f->output, OUTPUT_STDERR));
	mark = output_mark(&f->output);
	assert_int_equal(output_mark(&f->output), mark);
	assert_int_equal(read(f->output.read_fd[OUTPUT_STDOUT], &byte, 1), 1);
	assert_int_not_equal(output_mark(&f->output), mark);
}

static void
test_whole_full_pipe_is_kept(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	size_t waiting;

	fill(f);
	waiting = output_pending(&f->output, OUTPUT_STDOUT);
	output_keep(&f->output);
	assert_int_equal(output_save(&f->output, f->at.dir), 0);
	assert_int_equal(fstatat(f->at.dir, "tail.stdout", &st, 0), 0);
	assert_int_equal(st.st_size, waiting);
}

static void
test_start_makes_ends_block_again(void **state)
{
	struct fixture *f = *state;

	fill(f);
	assert_int_equal(output_prepare(&f->output, false, 0, 0), 0);
	assert_int_equal(
	    fcntl(f->output.write_fd[OUTPUT_STDOUT], F_GETFL) & O_NONBLOCK, 0);
	assert_int_not_equal(
	    fcntl(f->output.read_fd[OUTPUT_STDOUT], F_GETFL) & O_NONBLOCK, 0);
}

static void
test_sockets_have_no_long_paths(void **state)
{
	struct fixture *f = *state;
	int server, client;
	struct stat st;

	server = rundir_listen(f->at.dir, "socket", SOCK_SEQPACKET, 0600);
	assert_true(server >= 0);
	assert_int_equal(fstatat(f->at.dir, "socket", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	client = rundir_connect(f->at.dir, "socket", SOCK_SEQPACKET);
	assert_true(client >= 0);
	(void)close(client);
	(void)close(server);
	/* One that nobody listens at is in nobody's way. */
	assert_int_equal(
	    rundir_connect(f->at.dir, "socket", SOCK_SEQPACKET), -1);
	assert_int_equal(errno, ECONNREFUSED);
	server = rundir_listen(f->at.dir, "socket", SOCK_SEQPACKET, 0600);
	assert_true(server >= 0);
	(void)close(server);
}

static void
test_run_directory_is_found_again(void **state)
{
	struct fixture *f = *state;
	char first[PATH_SIZE], second[PATH_SIZE], inner[PATH_SIZE];
	bool tmpfs;
	int run;

	assert_int_equal(
	    rundir_make(f->at.path, first, sizeof(first), &tmpfs), 0);
	assert_int_equal(
	    rundir_make(f->at.path, second, sizeof(second), &tmpfs), 0);
	assert_string_equal(first, second);
	run = rundir_open(f->at.path);
	assert_true(run >= 0);
	assert_int_equal(mkdirat(run, "c/web", 0700), 0);
	assert_int_equal(rundir_open_component(run, "../spool"), -1);
	assert_int_equal(errno, EINVAL);
	(void)close(rundir_open_component(run, "web"));
	assert_int_equal(unlinkat(run, "c/web", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(run, "c", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(run, "spool", AT_REMOVEDIR), 0);
	(void)unlinkat(run, "boot", 0);
	(void)close(run);
	assert_int_equal(path_format(inner, "%s", first), 0);
	assert_int_equal(rmdir(inner), 0);
}

int
main(void)
{
#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_tail_is_a_copy),
		TEST(test_save_replaces),
		TEST(test_full_is_seen),
		TEST(test_whole_full_pipe_is_kept),
		TEST(test_start_makes_ends_block_again),
		TEST(test_sockets_have_no_long_paths),
		TEST(test_run_directory_is_found_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
