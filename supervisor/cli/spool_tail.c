#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/io.h"
#include "cli/spool_tail.h"

/* One reading, with whom it is for. */
struct reading {
	struct spool_tail *t;
	void (*each)(char *line, void *argument);
	void *argument;
};

int
spool_tail_open(struct spool_tail *t, const char *state_directory)
{
	*t = (struct spool_tail){ .watches = { -1, -1 }, .state_watch = -1 };
	t->files = calloc(SPOOL_TAIL_FILES, sizeof(t->files[0]));
	if (t->files == NULL)
		return -1;
	t->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (t->fd < 0 ||
	    path_format(t->paths[0], "%s/run/spool", state_directory) < 0 ||
	    path_format(t->paths[1], "%s/spool", state_directory) < 0) {
		spool_tail_close(t);
		return -1;
	}
	/* Without it the database is looked at less promptly. */
	t->state_watch =
	    inotify_add_watch(t->fd, state_directory, IN_MODIFY | IN_MOVED_TO);
	t->stirred = true;
	return 0;
}

bool
spool_tail_is_blind(const struct spool_tail *t)
{
	return t->watches[0] < 0;
}

static bool
is_spool_file(const char *name)
{
	size_t len = strlen(name);

	return len > 6 && len < sizeof(((struct spool_tail_file *)0)->name) &&
	    strcmp(name + len - 6, ".jsonl") == 0;
}

static struct spool_tail_file *
find(struct spool_tail *t, int directory, const char *name)
{
	struct spool_tail_file *file;

	for (size_t i = 0; i < t->nfiles; i++)
		if (t->files[i].directory == directory &&
		    strcmp(t->files[i].name, name) == 0)
			return &t->files[i];
	if (t->nfiles == SPOOL_TAIL_FILES)
		return NULL;
	file = &t->files[t->nfiles++];
	file->directory = directory;
	file->offset = 0;
	(void)strlcpy(file->name, name, sizeof(file->name));
	return file;
}

/* Of one directory; without a name, all of them. */
static void
forget(struct spool_tail *t, int directory, const char *name)
{
	for (size_t i = 0; i < t->nfiles;) {
		if (t->files[i].directory == directory &&
		    (name == NULL || strcmp(t->files[i].name, name) == 0))
			t->files[i] = t->files[--t->nfiles];
		else
			i++;
	}
}

void
spool_tail_close(struct spool_tail *t)
{
	io_close(&t->fd);
	free(t->files);
	t->files = NULL;
}

/* Hands over the whole lines of bytes; returns how many bytes they were. */
static size_t
hand_over(const struct reading *r, char *bytes, size_t n)
{
	size_t begin = 0;

	for (;;) {
		char *end = memchr(bytes + begin, '\n', n - begin);

		if (end == NULL)
			return begin;
		*end = '\0';
		r->each(bytes + begin, r->argument);
		begin = (size_t)(end - bytes) + 1;
	}
}

static void
read_file(const struct reading *r, int directory, const char *name)
{
	struct spool_tail_file *file = find(r->t, directory, name);
	char path[PATH_SIZE], bytes[65536];
	ssize_t n;
	int fd;

	if (file == NULL ||
	    path_format(path, "%s/%s", r->t->paths[directory], name) < 0)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) /* gone into the database, which has it all */
		return;
	while ((n = pread(fd, bytes, sizeof(bytes), file->offset)) > 0) {
		size_t used = hand_over(r, bytes, (size_t)n);

		if (used == 0 && (size_t)n == sizeof(bytes))
			used = (size_t)n; /* no line of ours is so long */
		if (used == 0)
			break;
		file->offset += (off_t)used;
	}
	io_close(&fd);
}

static void
read_directory(const struct reading *r, int directory)
{
	DIR *dir = opendir(r->t->paths[directory]);
	struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL)
		if (is_spool_file(entry->d_name))
			read_file(r, directory, entry->d_name);
	(void)closedir(dir);
}

/* Watches a directory that wasn't there before, and reads what lies in it. */
static void
watch(const struct reading *r, int directory)
{
	int *watched = &r->t->watches[directory];

	if (*watched >= 0)
		return;
	*watched = inotify_add_watch(r->t->fd, r->t->paths[directory],
	    IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR);
	if (*watched >= 0)
		read_directory(r, directory);
}

static void
heed_directory(
    const struct reading *r, int directory, const struct inotify_event *event)
{
	if (event->mask & IN_IGNORED) {
		r->t->watches[directory] = -1;
		forget(r->t, directory, NULL);
	} else if (event->len > 0 && is_spool_file(event->name)) {
		if (event->mask & IN_DELETE)
			forget(r->t, directory, event->name);
		else
			read_file(r, directory, event->name);
	}
}

static void
heed(const struct reading *r, const struct inotify_event *event)
{
	struct spool_tail *t = r->t;

	if (event->mask & IN_Q_OVERFLOW) {
		t->stirred = true;
		read_directory(r, 0);
		read_directory(r, 1);
		return;
	}
	if (event->wd == t->state_watch && event->len > 0 &&
	    strncmp(event->name, "coordination.db", 15) == 0)
		t->stirred = true;
	for (int i = 0; i < SPOOL_TAIL_DIRECTORIES; i++)
		if (event->wd == t->watches[i])
			heed_directory(r, i, event);
}

void
spool_tail_read(struct spool_tail *t, void (*each)(char *line, void *argument),
    void *argument)
{
	const struct reading r = { t, each, argument };
	_Alignas(struct inotify_event) char bytes[16384];
	ssize_t n;

	watch(&r, 0);
	watch(&r, 1);
	while ((n = read(t->fd, bytes, sizeof(bytes))) > 0) {
		const struct inotify_event *event;

		for (char *p = bytes; p < bytes + n;
		     p += sizeof(*event) + event->len) {
			event = (const void *)p;
			heed(&r, event);
		}
	}
}
