/* Spool files: lines, rotation, limit, locks. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "base/io.h"
#include "base/path.h"
#include "scratch.h"
#include "system/spool.h"

struct fixture {
	struct scratch at;
	struct spool spool;
	struct event event;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	scratch_make(&f->at, "/tmp");
	assert_int_equal(spool_open(&f->spool, f->at.path, "keeper-web"), 0);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	spool_close(&f->spool);
	scratch_remove(&f->at);
	free(f);
	return 0;
}

static size_t
count_files(struct fixture *f, off_t *ret_size)
{
	DIR *dir = opendir(f->at.path);
	const struct dirent *e;
	struct stat st;
	size_t n = 0;

	assert_non_null(dir);
	*ret_size = 0;
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		assert_int_equal(fstatat(dirfd(dir), e->d_name, &st, 0), 0);
		*ret_size += st.st_size;
		n++;
	}
	(void)closedir(dir);
	return n;
}

static void
read_current(struct fixture *f, char *text, size_t size)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", f->spool.fd);
	assert_true(io_read_file(AT_FDCWD, path, text, size) > 0);
}

static void
add(struct fixture *f, const char *text)
{
	event_begin(&f->event, "keeper-web", "component_ready", NULL);
	event_text(&f->event, "component", "web");
	event_text(&f->event, "reason", text);
	event_int(&f->event, "pid", -7);
	event_bool(&f->event, "last", true);
	assert_int_equal(spool_add(&f->spool, &f->event), 0);
}

static void
test_line_is_json(void **state)
{
	struct fixture *f = *state;
	const char *id, *type, *reason;
	json_error_t error;
	char text[8192];
	json_t *root;
	int pid;

	add(f, "a \"quote\"\n and \xff no utf-8");
	read_current(f, text, sizeof(text));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	root = json_loads(text, 0, &error);
	assert_non_null(root);
	assert_int_equal(
	    json_unpack(root, "{s:s, s:s, s:{s:s, s:i}}", "id", &id,
		"event_type", &type, "payload", "reason", &reason, "pid", &pid),
	    0);
	assert_int_equal(strlen(id), 36);
	assert_string_equal(type, "component_ready");
	assert_string_equal(reason, "a \"quote\"\n and \xef\xbf\xbd no utf-8");
	assert_int_equal(pid, -7);
	json_decref(root);
}

static void
test_event_tells_when_it_happened(void **state)
{
	struct fixture *f = *state;
	char text[8192];

	event_begin(&f->event, "keeper-web", "component_ready", NULL);
	event_stamp(&f->event, INT64_C(1767752040123));
	assert_int_equal(spool_add(&f->spool, &f->event), 0);
	read_current(f, text, sizeof(text));
	assert_non_null(strstr(
	    text, "\",\"timestamp\":\"2026-01-07T02:14:00.123Z\",\"source\":"));
}

static void
test_too_long_a_line_stays_json(void **state)
{
	struct fixture *f = *state;
	char value[2000], text[8192];
	json_error_t error;
	json_t *root;

	(void)memset(value, '\001', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	event_begin(&f->event, "keeper-web", "human_message", "epoch");
	for (int i = 0; i < 10; i++)
		event_text(&f->event, "text", value);
	event_int(&f->event, "n", 1);
	assert_int_equal(spool_add(&f->spool, &f->event), 0);
	read_current(f, text, sizeof(text));
	root = json_loads(text, 0, &error);
	assert_non_null(root);
	json_decref(root);
}

/* How many lost events it says there are, in all that can still be read. */
static uint64_t
count_told(struct fixture *f)
{
	char command[PATH_SIZE + 128], text[32];
	FILE *out;

	(void)snprintf(command, sizeof(command),
	    "cat %s/*.jsonl | jq -nR '[inputs | fromjson? | "
	    "select(.event_type == \"resource_warning\").payload.lost] | max'",
	    f->at.path);
	out = popen(command, "r");
	assert_non_null(out);
	assert_non_null(fgets(text, sizeof(text), out));
	assert_int_equal(pclose(out), 0);
	return strtoull(text, NULL, 10);
}

static void
test_rotates_and_drops_the_oldest(void **state)
{
	struct fixture *f = *state;
	char value[1024];
	uint64_t first;
	off_t size;

	(void)memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	add(f, value);
	first = f->spool.n;
	for (int i = 0; i < 3 * SPOOL_LIMIT_BYTES / 2 / 1100; i++)
		add(f, value);
	assert_true(f->spool.n > first + 16);
	(void)count_files(f, &size);
	assert_true(size <= SPOOL_LIMIT_BYTES);
	assert_true(size > SPOOL_LIMIT_BYTES - 2 * SPOOL_ROTATE_BYTES);
	assert_true(f->spool.dropped > 0);
	assert_true(f->spool.oldest > first);
	assert_int_equal(count_told(f), f->spool.dropped);
}

static void
test_taken_number_is_passed_over(void **state)
{
	struct fixture *f = *state;
	struct spool other;
	off_t size;

	add(f, "one");
	/* A second writer of the same name in the same millisecond. */
	assert_int_equal(spool_open(&other, f->at.path, "keeper-web"), 0);
	event_begin(&f->event, "keeper-web", "component_ready", NULL);
	assert_int_equal(spool_add(&other, &f->event), 0);
	assert_int_not_equal(other.n, f->spool.n);
	assert_int_equal(count_files(f, &size), 2);
	spool_close(&other);
}

static void
test_writer_holds_a_lock(void **state)
{
	struct fixture *f = *state;
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int status;
	pid_t pid;

	add(f, "one");
	pid = fork();
	if (pid == 0) {
		(void)fcntl(f->spool.fd, F_GETLK, &lock);
		_exit(
		    lock.l_type == F_WRLCK && lock.l_pid == getppid() ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
test_torn_line_is_ended(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, tight;
	char text[8192], *end;

	add(f, "one");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight = old;
	tight.rlim_cur = (rlim_t)f->spool.written + 50;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	event_begin(&f->event, "keeper-web", "component_ready", NULL);
	assert_int_equal(spool_add(&f->spool, &f->event), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(f->spool.dropped, 1);
	add(f, "three");
	read_current(f, text, sizeof(text));
	end = strchr(text, '\n');    /* one */
	end = strchr(end + 1, '\n'); /* the torn one */
	assert_int_equal(end[1], '{');
	assert_non_null(strstr(end, "three"));
	assert_int_equal(count_told(f), 1);
}

int
main(void)
{
#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_line_is_json),
		TEST(test_event_tells_when_it_happened),
		TEST(test_too_long_a_line_stays_json),
		TEST(test_rotates_and_drops_the_oldest),
		TEST(test_taken_number_is_passed_over),
		TEST(test_writer_holds_a_lock),
		TEST(test_torn_line_is_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
