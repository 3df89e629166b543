#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/io.h"
#include "base/path.h"
#include "conf/resolve.h"
#include "conf/source.h"
#include "conf/syntax.h"

#define FILE_SIZE_MAX (16 * 1024 * 1024)

/* path as seen from where the user stands, when it lies below. */
static const char *
seen_from_here(const char *path)
{
	char here[PATH_SIZE];
	size_t len;

	if (getcwd(here, sizeof(here)) == NULL)
		return path;
	len = strlen(here);
	if (len > 1 && strncmp(path, here, len) == 0 && path[len] == '/')
		return path + len + 1;
	return path;
}

static struct source *
append(struct sources *s, const char *path, struct place parent)
{
	struct source *new = arena_alloc(s->arena, sizeof(*new));
	char named[PATH_SIZE], directory[PATH_MAX];

	if (new == NULL || path_dirname(named, path) < 0)
		return NULL;
	new->path = arena_copy(s->arena, path);
	new->directory = arena_copy(
	    s->arena, realpath(named, directory) != NULL ? directory : named);
	if (new->path == NULL || new->directory == NULL)
		return NULL;
	new->shown = seen_from_here(new->path);
	new->parent = parent;
	new->order = s->n++;
	config_init(&new->tree);
	if (s->first == NULL)
		s->first = new;
	else
		s->last->next = new;
	s->last = new;
	return new;
}

/* Parses a text that ends with a newline. Returns 0, also when it is faulty;
 * -1 with ENOMEM. */
static int
parse_text(struct sources *s, struct source *new, const char *text)
{
	int wrong = syntax_check(text, new, s->faults);

	if (wrong < 0)
		return -1;
	if (wrong == 0 && config_read_string(&new->tree, text) == CONFIG_TRUE) {
		new->parsed = true;
		return 0;
	}
	s->broken = true;
	if (wrong == 0)
		fault_add(s->faults,
		    (struct place){
			new, (unsigned)config_error_line(&new->tree) },
		    "%s: a comma or semicolon may be missing or too many here "
		    "or on the line above",
		    config_error_text(&new->tree));
	return 0;
}

static int
parse(struct sources *s, struct source *new, const char *text, size_t len)
{
	char *copy;
	int result;

	new->hash = hash_bytes(HASH_INIT, text, len);
	if (memchr(text, '\0', len) != NULL) {
		s->broken = true;
		fault_add(s->faults, (struct place){ new, 0 },
		    "is no text: it has a NUL byte in it");
		return 0;
	}
	/* libconfig takes a last comment only with its newline. */
	copy = malloc(len + 2);
	if (copy == NULL)
		return -1;
	(void)memcpy(copy, text, len);
	(void)memcpy(copy + len, "\n", 2);
	result = parse_text(s, new, copy);
	free(copy);
	return result;
}

int
source_add_text(struct sources *s, const char *path, struct place parent,
    const char *text, size_t len)
{
	struct source *new = append(s, path, parent);

	return new == NULL ? -1 : parse(s, new, text, len);
}

/* The whole file as malloc'ed text; NULL with errno. */
static char *
read_whole(int fd, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL)
		return NULL;
	if (io_read_all(fd, text, size) < 0) {
		int saved = errno;

		free(text);
		errno = saved;
		return NULL;
	}
	text[size] = '\0';
	return text;
}

/* Blames the line that includes the file, or the main file itself. */
static void
cannot_read(struct sources *s, const struct source *new, const char *why)
{
	if (new->parent.source != NULL)
		fault_add(s->faults, new->parent, "can't read %s: %s",
		    new->path, why);
	else
		fault_add(s->faults, (struct place){ new, 0 },
		    "can't be read: %s", why);
}

/* Opens a regular file of a sane size; -1 after a fault was added. */
static int
open_regular(struct sources *s, struct source *new, size_t *ret_size)
{
	const char *wrong = NULL;
	struct stat st = { 0 };
	int fd = open(new->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, &st) < 0)
		wrong = strerror(errno);
	else if (S_ISDIR(st.st_mode))
		wrong = "it is a directory";
	else if (!S_ISREG(st.st_mode))
		wrong = "it is no regular file";
	else if (st.st_size > FILE_SIZE_MAX)
		wrong = "it is larger than 16M";
	if (wrong != NULL) {
		cannot_read(s, new, wrong);
		io_close(&fd);
		return -1;
	}
	new->dev = st.st_dev;
	new->ino = st.st_ino;
	*ret_size = (size_t)st.st_size;
	return fd;
}

/* Whether the file is among its own parents, or was read before. */
static bool
is_double(struct sources *s, const struct source *new)
{
	const struct source *other;

	for (other = new->parent.source; other != NULL;
	     other = other->parent.source) {
		if (other->dev == new->dev && other->ino == new->ino) {
			fault_add(s->faults, new->parent,
			    "a circle of includes: %s includes itself%s%s",
			    new->shown,
			    other == new->parent.source ? "" : " by way of ",
			    other == new->parent.source
				? ""
				: new->parent.source->shown);
			return true;
		}
	}
	for (other = s->first; other != new; other = other->next) {
		if (other->dev == new->dev && other->ino == new->ino) {
			fault_add(s->faults, new->parent,
			    "%s is included twice, first by %s:%u", new->shown,
			    other->parent.source->shown, other->parent.line);
			return true;
		}
	}
	return false;
}

int
source_add_file(struct sources *s, const char *path, struct place parent)
{
	struct source *new = append(s, path, parent);
	char *text = NULL;
	size_t size;
	int fd, result = 0;

	if (new == NULL)
		return -1;
	fd = open_regular(s, new, &size);
	if (fd < 0 || is_double(s, new)) {
		s->broken = true;
		io_close(&fd);
		return 0;
	}
	text = read_whole(fd, size);
	if (text == NULL) {
		s->broken = true;
		cannot_read(s, new,
		    errno == ENODATA ? "it changes just now" : strerror(errno));
	} else {
		result = parse(s, new, text, size);
	}
	free(text);
	io_close(&fd);
	return result;
}

int
source_include(struct sources *s, const char *pattern, struct place parent)
{
	char path[PATH_SIZE];
	glob_t found;
	int result;

	if (resolve_path(path, parent.source->directory, pattern) < 0) {
		fault_add(s->faults, parent, "include: the path is too long");
		return 0;
	}
	result = glob(path, 0, NULL, &found); /* sorted */
	if (result == GLOB_NOSPACE) {
		errno = ENOMEM;
		return -1;
	}
	if (result == GLOB_NOMATCH && strpbrk(pattern, "*?[") == NULL) {
		s->broken = true;
		fault_add(s->faults, parent, "include: no such file: %s", path);
	} else if (result == GLOB_ABORTED) {
		s->broken = true;
		fault_add(s->faults, parent,
		    "include: can't read all of %s: %s", path, strerror(errno));
	}
	for (size_t i = 0; result == 0 && i < found.gl_pathc; i++)
		if (source_add_file(s, found.gl_pathv[i], parent) < 0)
			result = -1;
	globfree(&found);
	return result == -1 ? -1 : 0;
}

void
source_close(struct sources *s)
{
	for (struct source *p = s->first; p != NULL; p = p->next)
		config_destroy(&p->tree);
}
