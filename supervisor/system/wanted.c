#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "system/wanted.h"

static const char *const names[] = {
	[WANTED_RUN] = "run",
	[WANTED_STOPPED] = "stopped",
	[WANTED_PAUSED] = "paused",
	[WANTED_DRAINING] = "draining",
	[WANTED_RELEASED] = "released",
};
#define NSTATES (sizeof(names) / sizeof(names[0]))

const char *
wanted_state_name(enum wanted_state state)
{
	return names[state];
}

/* Reads the whole file, however long. Returns NULL with errno. */
static char *
read_text(int dirfd, size_t *ret_len)
{
	size_t size = 4096;

	for (;; size *= 4) {
		char *text = malloc(size);
		ssize_t len;

		if (text == NULL)
			return NULL;
		len = io_read_file(dirfd, "wanted", text, size);
		if (len < 0 && errno == ENOENT) {
			len = 0;
			text[0] = '\0';
		}
		if (len >= 0) {
			*ret_len = (size_t)len;
			return text;
		}
		free(text);
		if (errno != EFBIG)
			return NULL;
	}
}

/* Cuts line into its five fields. Returns false when it isn't one of ours. */
static bool
parse_line(char *line, struct wanted_entry *ret)
{
	char *fields[5] = { NULL };

	for (size_t i = 0; i < 5; i++) {
		fields[i] = strsep(&line, i < 4 ? "\t" : "");
		if (fields[i] == NULL)
			return false;
	}
	*ret = (struct wanted_entry){ .name = fields[0],
		.by = fields[2],
		.since = fields[3],
		.why = fields[4] };
	for (size_t i = WANTED_STOPPED; i < NSTATES; i++)
		if (strcmp(fields[1], names[i]) == 0)
			ret->state = (enum wanted_state)i;
	return ret->state != WANTED_RUN && ret->name[0] != '\0';
}

static int
read_at(int dirfd, struct wanted *ret)
{
	struct wanted w = { 0 };
	size_t len, nlines = 0;
	char *rest, *line;

	w.text = read_text(dirfd, &len);
	if (w.text == NULL)
		return -1;
	for (size_t i = 0; i < len; i++)
		nlines += w.text[i] == '\n';
	w.entries = calloc(nlines + 1, sizeof(*w.entries));
	if (w.entries == NULL) {
		wanted_free(&w);
		return -1;
	}
	rest = w.text;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (parse_line(line, &w.entries[w.nentries]))
			w.nentries++;
	*ret = w;
	return 0;
}

int
wanted_read(const char *state_directory, struct wanted *ret)
{
	int result;
	int fd = open(state_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	result = read_at(fd, ret);
	io_close(&fd);
	return result;
}

void
wanted_free(struct wanted *w)
{
	int saved = errno;

	free(w->entries);
	free(w->text);
	*w = (struct wanted){ 0 };
	errno = saved;
}

const struct wanted_entry *
wanted_find(const struct wanted *w, const char *name)
{
	for (size_t i = 0; i < w->nentries; i++)
		if (strcmp(w->entries[i].name, name) == 0)
			return &w->entries[i];
	return NULL;
}

static bool
is_field(const char *text)
{
	return text != NULL && strpbrk(text, "\t\n") == NULL;
}

static bool
is_changed(const char *name, const struct wanted_entry *changes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(changes[i].name, name) == 0)
			return true;
	return false;
}

static void
add_line(struct buf *b, const struct wanted_entry *e, const char *now)
{
	buf_addf(b, "%s\t%s\t%s\t%s\t%s\n", e->name, names[e->state], e->by,
	    e->since != NULL ? e->since : now, e->why);
}

static size_t
line_size(const struct wanted_entry *e)
{
	return strlen(e->name) + strlen(e->by) + strlen(e->why) + 64;
}

/* Writes old with the changes applied. */
static int
replace(int dirfd, const struct wanted *old, const struct wanted_entry *changes,
    size_t n)
{
	char now[CLOCK_ISO_SIZE], *text;
	size_t size = 1;
	struct buf b;
	int result;

	clock_format_iso(now, clock_wall_ms());
	for (size_t i = 0; i < old->nentries; i++)
		size += line_size(&old->entries[i]);
	for (size_t i = 0; i < n; i++)
		size += line_size(&changes[i]);
	text = malloc(size);
	if (text == NULL)
		return -1;
	buf_init(&b, text, size);
	for (size_t i = 0; i < old->nentries; i++)
		if (!is_changed(old->entries[i].name, changes, n))
			add_line(&b, &old->entries[i], now);
	for (size_t i = 0; i < n; i++)
		if (changes[i].state != WANTED_RUN)
			add_line(&b, &changes[i], now);
	errno = EINVAL; /* for a `since` that is no time and doesn't fit */
	result = b.cut ? -1 : io_replace_file(dirfd, "wanted", text, b.len, 1);
	free(text);
	return result;
}

int
wanted_write(
    const char *state_directory, const struct wanted_entry *changes, size_t n)
{
	struct wanted old;
	int fd, result = -1;

	for (size_t i = 0; i < n; i++) {
		if (!is_field(changes[i].name) || !is_field(changes[i].by) ||
		    !is_field(changes[i].why)) {
			errno = EINVAL;
			return -1;
		}
	}
	/* The directory itself is the writers' lock. */
	fd = open(state_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX) == 0 && read_at(fd, &old) == 0) {
		result = replace(fd, &old, changes, n);
		wanted_free(&old);
	}
	io_close(&fd);
	return result;
}
