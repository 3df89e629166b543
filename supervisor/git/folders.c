#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "git/folders.h"

int
folders_note(
    struct folders *f, const char *path, mode_t mode, struct timespec mtime)
{
	struct folders_one *all = f->all;
	char *copy;

	if (f->n > 0 && strcmp(all[f->n - 1].path, path) == 0)
		return 0;
	/* Room is a power of two, and full when so many are used. */
	if ((f->n & (f->n - 1)) == 0)
		all = reallocarray(all, f->n > 0 ? 2 * f->n : 1, sizeof(*all));
	if (all == NULL)
		return -1;
	f->all = all;
	copy = strdup(path);
	if (copy == NULL)
		return -1;
	all[f->n++] = (struct folders_one){
		.path = copy, .mode = mode & 07777, .mtime = mtime
	};
	return 0;
}

int
folders_open(struct folders *f, const char *path)
{
	char folder[PATH_SIZE];
	struct stat st;

	if (path_dirname(folder, path) < 0 || lstat(folder, &st) < 0 ||
	    folders_note(f, folder, st.st_mode, st.st_mtim) < 0)
		return -1;
	return (st.st_mode & S_IRWXU) == S_IRWXU
	    ? 0
	    : chmod(folder, (st.st_mode & 07777) | S_IRWXU);
}

int
folders_set(struct folders *f)
{
	int error = 0;

	/* From the last to the first, whose word is the last then. */
	while (f->n > 0) {
		struct folders_one *one = &f->all[--f->n];
		const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
			one->mtime };

		if (utimensat(AT_FDCWD, one->path, times, 0) < 0 ||
		    chmod(one->path, one->mode) < 0)
			error = errno;
		free(one->path);
	}
	free(f->all);
	*f = (struct folders){ 0 };
	errno = error;
	return error != 0 ? -1 : 0;
}
