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
	struct folders_one *one = SLIST_FIRST(&f->all);

	if (one != NULL && strcmp(one->path, path) == 0)
		return 0;
	one = malloc(sizeof(*one));
	if (one == NULL)
		return -1;
	*one = (struct folders_one){
		.path = strdup(path), .mode = mode & 07777, .mtime = mtime
	};
	if (one->path == NULL) {
		free(one);
		return -1;
	}
	SLIST_INSERT_HEAD(&f->all, one, next);
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
	struct folders_one *one;
	int error = 0;

	/* From the last to the first, whose word is the last then. */
	while ((one = SLIST_FIRST(&f->all)) != NULL) {
		const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
			one->mtime };

		if (utimensat(AT_FDCWD, one->path, times, 0) < 0 ||
		    chmod(one->path, one->mode) < 0)
			error = errno;
		SLIST_REMOVE_HEAD(&f->all, next);
		free(one->path);
		free(one);
	}
	errno = error;
	return error != 0 ? -1 : 0;
}
