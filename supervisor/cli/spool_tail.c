#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "cli/spool_tail.h"

#define FILES_MAX 8192 /* that are followed at once */
#define WATCHED	  (IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR)

/* Known by its inode: a name may come again. */
struct spool_tail_file {
	dev_t device;
	ino_t inode;
	off_t offset; /* of the first byte that wasn't read */
	bool there;   /* in the look under way */
};

/* One look, with whom it is for. */
struct look {
	struct spool_tail *t;
	void (*each)(char *line, void *argument);
	void *argument;
};

static int
watch(struct spool_tail *t)
{
	t->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (t->fd < 0)
		return -1;
	/* Without it the database is looked at less promptly. */
	t->state_watch = inotify_add_watch(
	    t->fd, t->state_directory, IN_MODIFY | IN_CREATE | IN_MOVED_TO);
	return 0;
}

int
spool_tail_open(struct spool_tail *t, const char *state_directory, bool follows)
{
	*t = (struct spool_tail){ .fd = -1, .blind = true, .stirred = true };
	t->files = calloc(FILES_MAX, sizeof(t->files[0]));
	if (t->files == NULL ||
	    path_format(t->state_directory, "%s", state_directory) < 0 ||
	    (follows && watch(t) < 0)) {
		spool_tail_close(t);
		return -1;
	}
	return 0;
}

void
spool_tail_close(struct spool_tail *t)
{
	io_close(&t->fd);
	free(t->files);
	t->files = NULL;
}

/* NULL when it is one too many. */
static struct spool_tail_file *
find(struct spool_tail *t, const struct stat *st)
{
	size_t i = 0;

	while (i < t->nfiles &&
	    (t->files[i].inode != st->st_ino ||
		t->files[i].device != st->st_dev))
		i++;
	if (i == FILES_MAX)
		return NULL;
	if (i == t->nfiles)
		t->files[t->nfiles++] =
		    (struct spool_tail_file){ .device = st->st_dev,
			    .inode = st->st_ino };
	return &t->files[i];
}

/* Hands over the whole lines of bytes; returns how many bytes they were. */
static size_t
hand_over(const struct look *l, char *bytes, size_t n)
{
	size_t begin = 0;
	char *end;

	while ((end = memchr(bytes + begin, '\n', n - begin)) != NULL) {
		*end = '\0';
		l->each(bytes + begin, l->argument);
		begin = (size_t)(end - bytes) + 1;
	}
	return begin;
}

static void
read_file(const struct look *l, int dirfd, const char *name)
{
	struct spool_tail_file *file;
	char bytes[65536];
	struct stat st;
	ssize_t n;
	int fd;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode) || (file = find(l->t, &st)) == NULL)
		return;
	file->there = true;
	if (st.st_size < file->offset) /* another one of that number */
		file->offset = 0;
	if (st.st_size == file->offset)
		return;
	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) /* gone into the database, which has it all */
		return;
	while ((n = pread(fd, bytes, sizeof(bytes), file->offset)) > 0) {
		size_t used = hand_over(l, bytes, (size_t)n);

		if (used == 0 && (size_t)n == sizeof(bytes))
			used = (size_t)n; /* no line of ours is so long */
		if (used == 0)
			break;
		file->offset += (off_t)used;
	}
	io_close(&fd);
}

/* Watches a folder and reads what lies in it, and in those below if deep.
 * Returns whether it is there. */
static bool
read_folder(const struct look *l, int at, const char *path, bool deep)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char link[PATH_SIZE];
	struct dirent *entry;

	if (dir == NULL) {
		io_close(&fd);
		return false;
	}
	/* One that is watched already stays so. */
	if (l->t->fd >= 0 && path_format(link, "/proc/self/fd/%d", fd) == 0)
		(void)inotify_add_watch(l->t->fd, link, WATCHED);
	while ((entry = readdir(dir)) != NULL) {
		size_t len = strlen(entry->d_name);

		if (len > 6 && strcmp(entry->d_name + len - 6, ".jsonl") == 0)
			read_file(l, fd, entry->d_name);
		else if (deep && entry->d_type == DT_DIR &&
		    entry->d_name[0] != '.')
			(void)read_folder(l, fd, entry->d_name, false);
	}
	(void)closedir(dir);
	return true;
}

static void
read_folders(const struct look *l)
{
	struct spool_tail *t = l->t;
	char path[PATH_SIZE];
	size_t n = 0;

	for (size_t i = 0; i < t->nfiles; i++)
		t->files[i].there = false;
	t->blind = path_format(path, "%s/run/spool", t->state_directory) < 0 ||
	    !read_folder(l, AT_FDCWD, path, true);
	if (path_format(path, "%s/spool", t->state_directory) == 0)
		(void)read_folder(l, AT_FDCWD, path, false);
	for (size_t i = 0; i < t->nfiles; i++)
		if (t->files[i].there)
			t->files[n++] = t->files[i];
	t->nfiles = n;
}

void
spool_tail_read(struct spool_tail *t, void (*each)(char *line, void *argument),
    void *argument)
{
	const struct look l = { t, each, argument };
	_Alignas(struct inotify_event) char bytes[16384];
	bool look = t->blind;
	ssize_t n;

	while (t->fd >= 0 && (n = read(t->fd, bytes, sizeof(bytes))) > 0) {
		const struct inotify_event *event;

		for (char *p = bytes; p < bytes + n;
		     p += sizeof(*event) + event->len) {
			event = (const void *)p;
			if (event->wd == t->state_watch && event->len > 0 &&
			    strncmp(event->name, "coordination.db", 15) == 0)
				t->stirred = true;
			else
				look = true; /* also where some were lost */
			t->stirred |= (event->mask & IN_Q_OVERFLOW) != 0;
		}
	}
	if (look)
		read_folders(&l);
}
