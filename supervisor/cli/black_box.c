#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/io.h"
#include "cli/black_box.h"
#include "cli/log_reader.h"
#include "cli/print.h"
#include "store/queries_events.h"
#include "system/rundir.h"

#define EVENTS_MAX  500	 /* looked through, the last ones */
#define LINES_FIRST 2000 /* of the log, and all only if that isn't enough */

/* Returns a whole file with a NUL behind it, to be freed; an empty text for
 * one that isn't there; NULL with errno. */
static char *
read_all(int dirfd, const char *path, size_t *ret_len)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	struct stat st;

	*ret_len = 0;
	if (fd < 0)
		return errno == ENOENT ? calloc(1, 1) : NULL;
	if (fstat(fd, &st) == 0 &&
	    (text = calloc(1, (size_t)st.st_size + 1)) != NULL &&
	    io_read_all(fd, text, (size_t)st.st_size) < 0) {
		free(text);
		text = NULL;
	} else {
		*ret_len = (size_t)st.st_size;
	}
	io_close(&fd);
	return text;
}

const char *
black_box_text(const struct black_box *box, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = box->death; p < box->death + box->death_len;
	     p += strlen(p) + 1)
		if (strncmp(p, key, n) == 0 && p[n] == '=')
			return p + n + 1;
	return "";
}

int64_t
black_box_int(const struct black_box *box, const char *key)
{
	return strtoll(black_box_text(box, key), NULL, 10);
}

static int
read_death(struct black_box *box, int dirfd)
{
	ssize_t n =
	    io_read_file(dirfd, "death", box->death, sizeof(box->death));

	if (n < 0 && errno == ENOENT)
		return 0;
	if (n < 0 && errno != EFBIG)
		return -1;
	box->died = true;
	box->death_len = strlen(box->death);
	for (char *p = box->death; (p = strchr(p, '\n')) != NULL; p++)
		*p = '\0';
	(void)strlcpy(
	    box->died_at, black_box_text(box, "died_at"), sizeof(box->died_at));
	return 0;
}

/* ---- the last output ---- */

/* Drops the oldest line of a stream when it has too many. */
static void
trim(struct black_box *box, enum line_stream stream)
{
	struct log_kept *kept, *oldest = NULL;
	size_t n = 0;

	TAILQ_FOREACH_REVERSE (kept, &box->output, log_tail, entry)
		if (kept->line.stream == stream) {
			n++;
			oldest = kept;
		}
	if (n > BLACK_BOX_LINES)
		log_tail_remove(&box->output, oldest);
}

/* A line of the log: of before the death, or of after it. Returns 0, 1 when no
 * more are needed, or -1 with ENOMEM. */
static int
sort_line(struct black_box *box, const struct line *line, size_t *nlater)
{
	if (memcmp(line->stamp, box->died_at, sizeof(line->stamp)) > 0) {
		if (log_tail_add(&box->later, line, 0) < 0)
			return -1;
		return ++*nlater == 2 * (size_t)BLACK_BOX_LINES;
	}
	if (log_tail_add(&box->output, line, 0) < 0)
		return -1;
	trim(box, line->stream);
	return 0;
}

/* The last lines of the log (-1: all), up to the death and a little further.
 * Returns how many there are of before it, or -1 with errno. */
static int
read_lines(struct black_box *box, int logsdir, int64_t lines)
{
	const struct log_begin begin = { .lines = lines };
	struct log_reader r;
	struct line line;
	size_t nlater = 0;
	int n = 0, sorted = 0;
	int got = log_reader_open(&r, logsdir, box->name, &begin);

	if (got == 0)
		got = 1;
	while (
	    got > 0 && sorted == 0 && (got = log_reader_next(&r, &line)) > 0) {
		sorted = sort_line(box, &line, &nlater);
		n += nlater == 0;
	}
	log_reader_close(&r);
	return got < 0 || sorted < 0 ? -1 : n;
}

/* Logs may be long, and most deaths that are asked for are the latest news. */
static int
read_log(struct black_box *box, int logsdir)
{
	int n = read_lines(box, logsdir, LINES_FIRST);

	if (n < 0 || n >= BLACK_BOX_LINES)
		return n < 0 ? -1 : 0;
	log_tail_free(&box->output);
	log_tail_free(&box->later);
	return read_lines(box, logsdir, -1) < 0 ? -1 : 0;
}

static bool
is_same(const struct line *a, const struct line *b)
{
	return a->stream == b->stream && a->len == b->len &&
	    memcmp(a->text, b->text, a->len) == 0;
}

/* Line number i of a stream; NULL when there are fewer. */
static const struct line *
nth(const struct log_tail *lines, enum line_stream stream, size_t i)
{
	const struct log_kept *kept;

	TAILQ_FOREACH (kept, lines, entry)
		if (kept->line.stream == stream && i-- == 0)
			return &kept->line;
	return NULL;
}

/* Whether the n lines, all of one stream, stand in a log from number i on. */
static bool
stand_in(
    const struct log_tail *lines, size_t i, const struct line *tail, size_t n)
{
	size_t same = 0;

	while (same < n) {
		const struct line *line =
		    nth(lines, tail[same].stream, i + same);

		if (line == NULL || !is_same(line, &tail[same]))
			return false;
		same++;
	}
	return true;
}

/* How many of the n lines of a tail are in the log's end already. What was in
 * the pipe at the death stands behind it in the log as far as the logger has
 * written since, which tells better than what it was just at: lines may be
 * alike. */
static size_t
overlap(const struct black_box *box, const struct line *tail, size_t n)
{
	size_t logged = 0;

	if (n == 0)
		return 0;
	for (size_t k = n; k > 0; k--)
		if (stand_in(&box->later, 0, &tail[n - k], k))
			return n - k;
	while (nth(&box->output, tail[0].stream, logged) != NULL)
		logged++;
	for (size_t k = n < logged ? n : logged; k > 0; k--)
		if (stand_in(&box->output, logged - k, tail, k))
			return k;
	return 0;
}

/* The last lines of what was still in the pipe. */
static size_t
split_tail(const struct black_box *box, enum line_stream stream,
    const char *text, size_t len, struct line ret[static BLACK_BOX_LINES])
{
	size_t n = 0;

	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t size = end == NULL ? len : (size_t)(end - text);

		if (n == BLACK_BOX_LINES)
			(void)memmove(&ret[0], &ret[1], --n * sizeof(ret[0]));
		ret[n] = (struct line){ .stream = stream,
			.partial = end == NULL,
			.text = text,
			.len = size };
		(void)memcpy(
		    ret[n++].stamp, box->died_at, sizeof(ret[0].stamp));
		size += end == NULL ? 0 : 1;
		text += size;
		len -= size;
	}
	return n;
}

static int
read_tail(struct black_box *box, int dirfd, enum line_stream stream)
{
	static const char *const files[] = {
		[LINE_STDOUT] = "tail.stdout", [LINE_STDERR] = "tail.stderr"
	};
	struct line tail[BLACK_BOX_LINES];
	size_t len, n;
	char *text = read_all(dirfd, files[stream], &len);
	int result = 0;

	if (text == NULL)
		return -1;
	n = split_tail(box, stream, text, len, tail);
	for (size_t i = overlap(box, tail, n); i < n && result == 0; i++) {
		result = log_tail_add(&box->output, &tail[i], 0);
		trim(box, stream);
	}
	free(text);
	return result;
}

static int
read_output(struct black_box *box, int dirfd, const char *state_directory)
{
	int logsdir = log_reader_directory(state_directory);
	int result = logsdir < 0 ? 0 : read_log(box, logsdir);

	io_close(&logsdir);
	if (result == 0)
		result = read_tail(box, dirfd, LINE_STDOUT);
	if (result == 0)
		result = read_tail(box, dirfd, LINE_STDERR);
	return result;
}

int
black_box_read(
    struct black_box *box, const char *state_directory, const char *name)
{
	int rundir, dirfd, result = -1;
	size_t len;

	*box = (struct black_box){ .repairs = json_array() };
	TAILQ_INIT(&box->output);
	TAILQ_INIT(&box->later);
	(void)strlcpy(box->name, name, sizeof(box->name));
	rundir = rundir_open(state_directory);
	dirfd = rundir < 0 ? -1 : rundir_open_component(rundir, name);
	if (dirfd >= 0 && read_death(box, dirfd) == 0) {
		box->proc = read_all(dirfd, "proc", &len);
		result = box->proc == NULL ? -1
		    : box->died ? read_output(box, dirfd, state_directory)
				: 0;
	}
	io_close(&dirfd);
	io_close(&rundir);
	return result;
}

void
black_box_free(struct black_box *box)
{
	log_tail_free(&box->output);
	log_tail_free(&box->later);
	free(box->proc);
	json_decref(box->repairs);
	*box = (struct black_box){ 0 };
}

/* ---- what the database knows: the open test, and the repairs ---- */

/* Types that begin and end a test, and those that set right what a death left
 * behind. */
static const char *const ends[] = { "attempt_ended", "test_passed",
	"test_failed", "test_blocked", "test_skipped", "test_reset" };
static const char *const repairs[] = { "attempt_ended", "test_reset",
	"test_blocked", "file_unlocked", "force_release", "deadlock_resolved",
	"recovery_done", "rollback_triggered" };

static bool
is_among(const char *type, const char *const *types, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

static void
follow_test(struct black_box *box, const struct event_row *row)
{
	json_t *payload = json_loads(row->payload, 0, NULL);
	const char *test =
	    json_string_value(json_object_get(payload, "test_id"));

	if (strcmp(row->event_type, "test_started") == 0 && test != NULL)
		(void)strlcpy(box->test, test, sizeof(box->test));
	else if (is_among(
		     row->event_type, ends, sizeof(ends) / sizeof(ends[0])))
		box->test[0] = '\0';
	json_decref(payload);
}

static void
add_repair(struct black_box *box, const struct event_row *row)
{
	(void)json_array_append_new(box->repairs,
	    json_pack("{s:o, s:o, s:o, s:o}", "timestamp",
		print_json_text(row->timestamp), "source",
		print_json_text(row->source), "event_type",
		print_json_text(row->event_type), "payload",
		print_json_raw(row->payload)));
}

/* Events come oldest first. A repair is one of this death until the component
 * takes its next test. */
static int
look_at(const struct event_row *row, void *argument)
{
	struct black_box *box = argument;

	if (strcmp(row->timestamp, box->died_at) < 0) {
		follow_test(box, row);
		return 0;
	}
	if (strcmp(row->event_type, "test_started") == 0)
		return 1;
	if (is_among(
		row->event_type, repairs, sizeof(repairs) / sizeof(repairs[0])))
		add_repair(box, row);
	return 0;
}

int
black_box_add_store(struct black_box *box, struct store *s)
{
	if (!box->died)
		return 0;
	return queries_last_events(s, box->name, EVENTS_MAX, look_at, box) < 0
	    ? -1
	    : 0;
}
