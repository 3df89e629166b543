#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "scratch.h"

void
scratch_make(struct scratch *s, const char *parent)
{
	(void)snprintf(s->path, sizeof(s->path), "%s/lk-test.XXXXXX", parent);
	assert_non_null(mkdtemp(s->path));
	s->dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(s->dir >= 0);
}

static int
remove_entry(
    const char *path, const struct stat *st, int type, struct FTW *position)
{
	(void)st;
	(void)type;
	(void)position;
	return remove(path);
}

void
scratch_remove(struct scratch *s)
{
	(void)close(s->dir);
	assert_int_equal(
	    nftw(s->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}
