#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/path.h"
#include "cli/log_reader.h"

#define BLOCK 8192

/* Opens NAME.log, or for n > 0 NAME.log.n. */
static int
open_file(const struct log_reader *r, int n, struct log_file *ret)
{
	char path[PATH_SIZE];
	struct stat st;
	int fd;

	if (n == 0 ? path_format(path, "%s.log", r->name) < 0
		   : path_format(path, "%s.log.%d", r->name, n) < 0)
		return -1;
	fd = openat(r->logsdir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || (ret->stream = fdopen(fd, "re")) == NULL) {
		io_close(&fd);
		return -1;
	}
	ret->inode = st.st_ino;
	return 0;
}

/* Puts file in front of the others from place `at` on. */
static int
insert_file(struct log_reader *r, size_t at, const struct log_file *file)
{
	struct log_file *files =
	    reallocarray(r->files, r->nfiles + 1, sizeof(*files));

	if (files == NULL)
		return -1;
	(void)memmove(
	    &files[at + 1], &files[at], (r->nfiles - at) * sizeof(*files));
	files[at] = *file;
	r->files = files;
	r->nfiles++;
	return 0;
}

/*
 * Moves to the begin of the last `lines` lines, which are counted from the
 * end in blocks. Returns how many there are from there on, or -1 with errno.
 */
static int64_t
seek_lines(FILE *stream, int64_t lines)
{
	char block[BLOCK];
	int64_t found = 0;
	off_t end;

	if (fseeko(stream, 0, SEEK_END) < 0 || (end = ftello(stream)) < 0)
		return -1;
	while (end > 0) {
		off_t begin = end > BLOCK ? end - BLOCK : 0;
		size_t n = (size_t)(end - begin);

		if (fseeko(stream, begin, SEEK_SET) < 0 ||
		    fread(block, 1, n, stream) != n)
			return -1;
		while (n-- > 0) {
			/* This newline ends the line before the wanted. */
			if (block[n] == '\n' && found++ == lines)
				return fseeko(stream, begin + (off_t)n + 1,
					   SEEK_SET) < 0
				    ? -1
				    : lines;
		}
		end = begin;
	}
	rewind(stream);
	return found;
}

/* Whether the file begins before the stamp, so that older ones aren't
 * needed. */
static bool
begins_before(FILE *stream, const char *since)
{
	char stamp[24];
	bool before = fread(stamp, 1, sizeof(stamp), stream) == sizeof(stamp) &&
	    memcmp(stamp, since, sizeof(stamp)) < 0;

	rewind(stream);
	return before;
}

/*
 * Places the file at its begin, and says whether older files are needed: 1,
 * 0, or -1 with errno. *lines are still wanted, and counted down.
 */
static int
place(
    const struct log_file *file, const struct log_begin *begin, int64_t *lines)
{
	int64_t n;

	if (begin->since != NULL)
		return !begins_before(file->stream, begin->since);
	if (*lines < 0)
		return 1;
	n = seek_lines(file->stream, *lines);
	if (n < 0)
		return -1;
	*lines -= n;
	return *lines > 0;
}

/* Passes over what is older than since. */
static int
skip_until(struct log_reader *r, const char *since)
{
	struct line line;
	off_t at;
	int got;

	for (;;) {
		if (r->nfiles == 0 || (at = ftello(r->files[0].stream)) < 0)
			return r->nfiles == 0 ? 0 : -1;
		got = log_reader_next(r, &line);
		if (got <= 0)
			return got;
		if (memcmp(line.stamp, since, sizeof(line.stamp)) >= 0)
			return fseeko(r->files[0].stream, at, SEEK_SET);
	}
}

int
log_reader_open(struct log_reader *r, int logsdir, const char *name,
    const struct log_begin *begin)
{
	int64_t lines = begin->lines;
	int more = 1;

	*r = (struct log_reader){ .logsdir = logsdir };
	(void)memcpy(r->name, name, strnlen(name, TEXT_NAME_MAX));
	(void)memset(r->stamp, '0', sizeof(r->stamp));
	/* The newest first: what is rotated meanwhile is met a second time and
	 * not missed. A rotation that was killed leaves one gap. */
	for (int n = 0, gaps = 0; more > 0 && gaps < 2; n++) {
		struct log_file file;

		if (open_file(r, n, &file) < 0) {
			if (errno != ENOENT)
				return -1;
			gaps++;
			continue;
		}
		if (r->nfiles > 0 && r->files[0].inode == file.inode) {
			(void)fclose(file.stream);
			continue;
		}
		more = place(&file, begin, &lines);
		if (more < 0 || insert_file(r, 0, &file) < 0) {
			(void)fclose(file.stream);
			return -1;
		}
	}
	return begin->since == NULL ? 0 : skip_until(r, begin->since);
}

static void
drop_oldest(struct log_reader *r)
{
	(void)fclose(r->files[0].stream);
	r->nfiles--;
	(void)memmove(
	    &r->files[0], &r->files[1], r->nfiles * sizeof(r->files[0]));
}

void
log_reader_close(struct log_reader *r)
{
	while (r->nfiles > 0)
		drop_oldest(r);
	free(r->files);
	free(r->line);
	*r = (struct log_reader){ 0 };
}

/* A line of one file, or 0 at its end: then the stream stands where the
 * unfinished line begins. */
static int
read_line(struct log_reader *r, FILE *stream, size_t *ret_len)
{
	off_t at = ftello(stream);
	struct stat st;
	ssize_t n;

	clearerr(stream);
	errno = 0;
	n = getline(&r->line, &r->line_size, stream);
	if (n > 0 && r->line[n - 1] == '\n') {
		*ret_len = (size_t)n - 1;
		return 1;
	}
	if (ferror(stream) || (n < 0 && errno == ENOMEM) ||
	    fstat(fileno(stream), &st) < 0)
		return -1;
	/* A logger that was killed cuts off what it had begun to write. */
	return fseeko(stream, st.st_size < at ? st.st_size : at, SEEK_SET);
}

/*
 * At the end of the newest file: opens those that came after it. Returns
 * whether there are any, or -1 with errno.
 */
static int
follow_rotation(struct log_reader *r)
{
	size_t known = r->nfiles;
	uint64_t newest = known > 0 ? r->files[known - 1].inode : 0;

	for (int n = 0; n < 2 || known > 0; n++) {
		struct log_file file;

		if (open_file(r, n, &file) < 0) {
			if (errno != ENOENT)
				return -1;
			if (n > 0)
				break;
			continue;
		}
		if (file.inode == newest) {
			(void)fclose(file.stream);
			break;
		}
		if (insert_file(r, known, &file) < 0) {
			(void)fclose(file.stream);
			return -1;
		}
	}
	return r->nfiles > known;
}

static void
understand(struct log_reader *r, size_t len, struct line *ret)
{
	if (line_parse(r->line, len, ret)) {
		(void)memcpy(r->stamp, ret->stamp, sizeof(r->stamp));
		return;
	}
	*ret =
	    (struct line){ .stream = LINE_STDERR, .text = r->line, .len = len };
	(void)memcpy(ret->stamp, r->stamp, sizeof(r->stamp));
}

int
log_reader_next(struct log_reader *r, struct line *ret)
{
	size_t len = 0;
	int got;

	for (;;) {
		/* A file that has a newer one is whole: asked before reading,
		 * because it may be rotated just now. */
		bool whole = r->nfiles > 1;

		if (r->nfiles > 0) {
			got = read_line(r, r->files[0].stream, &len);
			if (got > 0)
				understand(r, len, ret);
			if (got != 0)
				return got;
		}
		if (whole) {
			drop_oldest(r);
			continue;
		}
		got = follow_rotation(r);
		if (got <= 0)
			return got;
	}
}

int
log_reader_directory(const char *state_directory)
{
	char path[PATH_SIZE];

	if (path_format(path, "%s/logs", state_directory) < 0)
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}
