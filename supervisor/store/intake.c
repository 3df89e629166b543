#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/io.h"
#include "store/intake.h"
#include "store/intake_scan.h"
#include "store/note.h"
#include "store/statement.h"

/* One transaction holds the write lock for no more than this, or so. */
#define BYTES_MAX 2097152

#define PRIORITY_DEFAULT 5

struct round { /* one transaction */
	struct intake *i;
	struct store *s;
	struct sqlite3_stmt *insert;
	struct intake_counts counts; /* of this transaction */
	int64_t bytes;
};

int
intake_open(struct intake *i, const char *state_directory)
{
	*i = (struct intake){ 0 };
	if (path_format(i->run_path, "%s/run/spool", state_directory) < 0 ||
	    path_format(i->disk_path, "%s/spool", state_directory) < 0 ||
	    path_make(i->disk_path, 0700) < 0)
		return -1;
	i->block = malloc(INTAKE_BLOCK);
	return i->block != NULL ? 0 : -1;
}

void
intake_close(struct intake *i)
{
	struct intake_file *f;

	while ((f = i->files) != NULL) {
		i->files = f->next;
		free(f);
	}
	free(i->block);
	*i = (struct intake){ 0 };
}

void
intake_forget(struct intake *i)
{
	for (struct intake_file *f = i->files; f != NULL; f = f->next)
		f->known = false;
	i->swept = false;
}

static void
format_key(const struct intake_file *f, char ret[static PATH_SIZE])
{
	(void)snprintf(ret, PATH_SIZE, "spool:%s/%s:%ju",
	    f->on_disk ? "disk" : "run", f->path, (uintmax_t)f->inode);
}

/* How far the database has the file; it may be another than the one before. */
static int
read_offset(struct store *s, struct intake_file *f)
{
	char key[PATH_SIZE], value[24] = "0";

	format_key(f, key);
	if (store_meta(s, key, value, sizeof(value)) < 0)
		return -1;
	f->committed = strtoll(value, NULL, 10);
	f->known = true;
	return 0;
}

static int
write_offset(struct store *s, const struct intake_file *f)
{
	char key[PATH_SIZE], value[24];

	format_key(f, key);
	(void)snprintf(value, sizeof(value), "%" PRId64, f->staged);
	/* A file that is to go needs none: if it stays after all, its rows are
	 * known by their ids. */
	return store_set_meta(s, key, f->finished ? NULL : value);
}

/* A line that is no event is kept for people. */
static void
set_aside(struct round *r, const char *line, size_t n)
{
	char path[PATH_SIZE];
	int fd = -1;

	r->counts.torn++;
	if (path_format(path, "%s/torn.txt", r->i->disk_path) == 0)
		fd =
		    open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	/* Full disk: the count is what remains. */
	if (fd >= 0 && io_write_all(fd, line, n) == 0)
		(void)io_write_all(fd, "\n", 1);
	io_close(&fd);
}

static const char *
text_of(const json_t *line, const char *key)
{
	return json_string_value(json_object_get(line, key));
}

/* A row comes back for each one that is new. */
static int
insert(struct round *r, const json_t *line)
{
	const json_t *priority = json_object_get(line, "priority");
	char *payload =
	    json_dumps(json_object_get(line, "payload"), JSON_COMPACT);
	int added = statement_bind(r->s, r->insert, "tttttti",
	    text_of(line, "id"), text_of(line, "timestamp"),
	    text_of(line, "source"), text_of(line, "event_type"),
	    payload != NULL ? payload : "{}", text_of(line, "correlation_id"),
	    json_is_integer(priority) ? (int64_t)json_integer_value(priority)
				      : (int64_t)PRIORITY_DEFAULT);

	if (added == 0)
		added = statement_row(r->s, r->insert, "");
	r->counts.events += added == 1;
	free(payload);
	return added < 0 ? -1 : 0;
}

/* What is not JSON, or has no id or type, is no event. */
static int
bring_line(struct round *r, const char *line, size_t n)
{
	json_t *root = json_loadb(line, n, 0, NULL);
	int result = 0;

	if (text_of(root, "id") != NULL && text_of(root, "event_type") != NULL)
		result = insert(r, root);
	else if (n > 0)
		set_aside(r, line, n);
	json_decref(root);
	return result;
}

/*
 * The lines of a block. A last line without its end is torn if nothing can
 * follow, else it is left. Returns how many bytes are done, or -1.
 */
static ssize_t
bring_lines(struct round *r, const char *block, size_t n, bool final)
{
	size_t done = 0;

	while (done < n) {
		const char *end = memchr(block + done, '\n', n - done);
		size_t len =
		    end != NULL ? (size_t)(end - block) - done : n - done;

		if (end == NULL && !final && n < INTAKE_BLOCK)
			break;
		if (end == NULL && !final && done > 0)
			break;
		if (bring_line(r, block + done, len) < 0)
			return -1;
		done += end != NULL ? len + 1 : len;
	}
	return (ssize_t)done;
}

/* One block of a file that is open. Returns 0, or -1. */
static int
bring_block(
    struct round *r, struct intake_file *f, const struct intake_look *look)
{
	ssize_t n = pread(look->fd, r->i->block, INTAKE_BLOCK, f->staged), done;

	if (n < 0)
		return -1;
	done = bring_lines(r, r->i->block, (size_t)n,
	    look->closed && f->staged + n >= look->size);
	if (done < 0)
		return -1;
	f->staged += done;
	r->bytes += done;
	return 0;
}

/* What is new in one file, as far as this transaction goes. */
static int
bring_file(struct round *r, struct intake_file *f)
{
	struct intake_look look;
	int64_t before;
	int result = 0;

	f->finished = false;
	if (!f->known && read_offset(r->s, f) < 0)
		return -1;
	f->staged = f->committed;
	if (intake_look(r->i, f, &look) < 0)
		return errno == ENOENT ? 0 : -1;
	if (f->staged > look.size) /* not the file that the offset was for */
		f->staged = 0;
	do {
		before = f->staged;
		if (f->staged < look.size)
			result = bring_block(r, f, &look);
	} while (result == 0 && f->staged > before && r->bytes < BYTES_MAX);
	io_close(&look.fd);
	f->finished = look.closed && f->staged >= look.size;
	if (result == 0 && (f->staged != f->committed || f->finished))
		result = write_offset(r->s, f);
	return result;
}

/* Offsets of files that are gone: they would be taken for those of others. */
static int
sweep(struct round *r)
{
	struct sqlite3_stmt *q = statement_query(r->s,
	    "SELECT key FROM meta WHERE key >= 'spool:' AND key < 'spool;'",
	    "");
	char key[PATH_SIZE];
	const char *stored;
	int more;

	while ((more = statement_row(r->s, q, "t", &stored)) == 1) {
		const struct intake_file *f = r->i->files;
		bool found = false;

		for (; f != NULL && !found; f = f->next) {
			format_key(f, key);
			found = strcmp(key, stored) == 0;
		}
		if (!found && store_set_meta(r->s, stored, NULL) < 0) {
			more = -1;
			break;
		}
	}
	statement_end(q);
	r->i->swept |= more == 0;
	return more;
}

static int
count_torn(struct round *r)
{
	return r->counts.torn == 0
	    ? 0
	    : statement_run(r->s,
		  "INSERT INTO meta (key, value) VALUES ('torn_lines', ?1)"
		  " ON CONFLICT (key) DO UPDATE"
		  " SET value = CAST(value AS INTEGER) + excluded.value",
		  "i", r->counts.torn);
}

/* Everything of one transaction but its begin and end. *ret_more: there is
 * more than one transaction holds. */
static int
bring_all(struct round *r, bool *ret_more)
{
	int result = 0;

	r->insert = statement_query(r->s,
	    "INSERT OR IGNORE INTO events (id, timestamp, source, event_type,"
	    " payload, correlation_id, priority) VALUES"
	    " (?1, ifnull(?2, " NOTE_NOW "), ?3, ?4, ?5, ?6, ?7) RETURNING 1",
	    "");
	if (r->insert == NULL)
		return -1;
	if (!r->i->swept)
		result = sweep(r);
	for (struct intake_file *f = r->i->files; f != NULL; f = f->next) {
		f->staged = f->committed;
		f->finished = false;
		if (result == 0 && r->bytes < BYTES_MAX)
			result = bring_file(r, f);
	}
	statement_end(r->insert);
	*ret_more = r->bytes >= BYTES_MAX;
	return result < 0 ? -1 : count_torn(r);
}

/* 1 more to do, 0 done, -1; 2 another database. */
static int
run_round(struct intake *i, struct store *s, struct intake_counts *ret)
{
	struct round r = { .i = i, .s = s };
	bool more = false;
	int begun;

	if (intake_scan(i) < 0)
		return -1;
	begun = store_begin(s);
	if (begun != 0) {
		if (begun > 0)
			intake_forget(i);
		return begun < 0 ? -1 : 2;
	}
	if (store_end(s, bring_all(&r, &more)) < 0)
		return -1;
	ret->events += r.counts.events;
	ret->torn += r.counts.torn;
	for (struct intake_file *f = i->files; f != NULL; f = f->next)
		f->committed = f->staged;
	return intake_unlink_finished(i) < 0 ? -1 : more;
}

int
intake_run(struct intake *i, struct store *s, struct intake_counts *ret)
{
	int result;

	do
		result = run_round(i, s, ret);
	while (result == 1);
	return result == 2 ? 1 : result;
}
