#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/texts.h"
#include "git/setup_note.h"

static int
make_path(const struct worktree *w, char path[static PATH_SIZE])
{
	return path_format(path, "%s/loopkeeper-setup", w->admin);
}

static int
fail(struct git *g, const struct worktree *w)
{
	return git_fail(
	    g, errno, "%s/loopkeeper-setup: %s", w->admin, strerror(errno));
}

/* The fingerprint and the paths, each with a NUL behind it. A note that has
 * lines instead is of an earlier version, and none. */
static int
parse(FILE *f, struct setup_note *note)
{
	struct texts made = { 0 };
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while ((len = getdelim(&line, &size, '\0', f)) > 0 &&
	    line[len - 1] == '\0') {
		if (note->is_there)
			(void)texts_add(&made, line);
		else if (sscanf(line, "%16" SCNx64, &note->fingerprint) == 1)
			note->is_there = true;
		else
			break;
	}
	free(line);
	note->made = texts_take(&made);
	return note->made == NULL || ferror(f) ? -1 : 0;
}

int
setup_note_read(struct git *g, const struct worktree *w, struct setup_note *ret)
{
	char path[PATH_SIZE];
	FILE *f;
	int result;

	*ret = (struct setup_note){ 0 };
	if (make_path(w, path) < 0)
		return fail(g, w);
	f = fopen(path, "re");
	if (f == NULL)
		return errno == ENOENT ? 0 : fail(g, w);
	result = parse(f, ret) < 0 ? fail(g, w) : 0;
	if (result < 0)
		setup_note_free(ret);
	(void)fclose(f);
	return result;
}

void
setup_note_free(struct setup_note *note)
{
	texts_free(note->made);
	*note = (struct setup_note){ 0 };
}

int
setup_note_write(struct git *g, const struct worktree *w, uint64_t fingerprint,
    char *const *made)
{
	char path[PATH_SIZE], *text = NULL;
	size_t len = 0;
	FILE *out;
	int result;

	out = open_memstream(&text, &len);
	if (out != NULL) {
		(void)fprintf(out, "%016" PRIx64 "%c", fingerprint, '\0');
		for (size_t i = 0; made[i] != NULL; i++)
			(void)fprintf(out, "%s%c", made[i], '\0');
	}
	result = out == NULL || fclose(out) != 0 || make_path(w, path) < 0
	    ? -1
	    : io_replace_file(AT_FDCWD, path, text, len, 0);
	free(text);
	return result < 0 ? fail(g, w) : 0;
}

int
setup_note_remove(struct git *g, const struct worktree *w)
{
	char path[PATH_SIZE];

	if (make_path(w, path) < 0 || (unlink(path) < 0 && errno != ENOENT))
		return fail(g, w);
	return 0;
}
