#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "conf/program.h"
#include "conf/resolve.h"

/* What is looked for, and what was met on the way. */
struct search {
	const char *word;
	char *ret;
	char useless[PATH_SIZE]; /* the first of that name that can't run */
	const char *wrong;	 /* why it can't */
};

void
program_path_init(struct program_path *p)
{
	char self[PATH_SIZE];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	p->beside[0] = '\0';
	if (n > 0) {
		self[n] = '\0';
		(void)path_dirname(p->beside, self);
	}
	p->variable = getenv("PATH");
	if (p->variable == NULL)
		p->variable = "/usr/local/bin:/usr/bin:/bin";
}

/* NULL when path can be executed, else why it can't. */
static const char *
obstacle(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return strerror(errno);
	if (S_ISDIR(st.st_mode))
		return "it is a directory";
	if (access(path, X_OK) < 0)
		return errno == EACCES
		    ? "it isn't executable (chmod +x makes it so)"
		    : strerror(errno);
	return NULL;
}

static bool
try(struct search *s, const char *directory, size_t len)
{
	char path[PATH_SIZE];
	const char *wrong;

	/* An empty word of $PATH means "here", which is nowhere for sure. */
	if (len == 0 ||
	    path_format(path, "%.*s/%s", (int)len, directory, s->word) < 0 ||
	    access(path, F_OK) < 0)
		return false;
	wrong = obstacle(path);
	if (wrong == NULL) {
		(void)path_format(s->ret, "%s", path);
		return true;
	}
	if (s->wrong == NULL) {
		s->wrong = wrong;
		(void)path_format(s->useless, "%s", path);
	}
	return false;
}

/* Calls one for each directory until it says true. */
static bool
each_directory(const struct program_path *p,
    bool (*one)(void *data, const char *directory, size_t len), void *data)
{
	const char *next, *at = p->variable;

	if (one(data, p->beside, strlen(p->beside)) ||
	    one(data, LIBEXECDIR, strlen(LIBEXECDIR)))
		return true;
	for (;; at = next + 1) {
		next = strchrnul(at, ':');
		if (one(data, at, (size_t)(next - at)))
			return true;
		if (*next == '\0')
			return false;
	}
}

static bool
try_one(void *data, const char *directory, size_t len)
{
	return try(data, directory, len);
}

struct likeness {
	const char *word;
	char nearest[256];
};

/* Keeps the nearest name of the programs in a directory. */
static bool
liken(void *data, const char *directory, size_t len)
{
	struct likeness *l = data;
	char path[PATH_SIZE];
	const struct dirent *entry;
	DIR *dir;

	if (len == 0 || path_format(path, "%.*s", (int)len, directory) < 0)
		return false;
	dir = opendir(path);
	if (dir == NULL)
		return false;
	while ((entry = readdir(dir)) != NULL) {
		const char *names[] = { l->nearest, entry->d_name };
		size_t skip = l->nearest[0] == '\0';
		const char *best =
		    text_nearest(l->word, names + skip, 2 - skip);

		if (best == entry->d_name)
			(void)memcpy(l->nearest, best, strlen(best) + 1);
	}
	(void)closedir(dir);
	return false;
}

static bool
list_one(void *data, const char *directory, size_t len)
{
	struct buf *out = data;

	if (len > 0)
		buf_addf(out, "%s%.*s",
		    out->data[out->len - 1] == ' ' ? "" : ", ", (int)len,
		    directory);
	return false;
}

/* A command line in one text, as the list that it should be. */
static void
add_as_list(const char *word, struct buf *why)
{
	const char *before = "[ ";

	buf_add(why, ": a command is a list of words: ");
	while (*(word += strspn(word, " ")) != '\0') {
		size_t len = strcspn(word, " ");

		buf_addf(why, "%s\"%.*s\"", before, (int)len, word);
		before = ", ";
		word += len;
	}
	buf_add(why, " ]");
}

static void
explain(const struct program_path *p, const struct search *s, struct buf *why)
{
	struct likeness l = { .word = s->word };

	if (s->wrong != NULL) {
		buf_addf(why, "can't run %s: %s", s->useless, s->wrong);
		return;
	}
	buf_addf(why, "no program \"%s\"", s->word);
	if (strchr(s->word, ' ') != NULL) {
		add_as_list(s->word, why);
		return;
	}
	(void)each_directory(p, liken, &l);
	if (l.nearest[0] != '\0')
		buf_addf(why, ": did you mean \"%s\"?", l.nearest);
	buf_add(why, " (sought in ");
	(void)each_directory(p, list_one, why);
	buf_add(why, ")");
}

static int
find_by_path(const char *word, const char *directory,
    char ret[static PATH_SIZE], struct buf *why)
{
	const char *wrong;

	if (resolve_path(ret, directory, word) < 0) {
		buf_add(why, "the path is too long");
		return -1;
	}
	wrong = obstacle(ret);
	if (wrong == NULL)
		return 0;
	buf_addf(why, "can't run %s: %s", ret, wrong);
	return -1;
}

int
program_find(const struct program_path *p, const char *word,
    const char *directory, char ret[static PATH_SIZE], struct buf *why)
{
	struct search s = { .word = word, .ret = ret };

	if (word[0] == '\0') {
		buf_add(why, "the program's name is empty");
		return -1;
	}
	if (strchr(word, '/') != NULL)
		return find_by_path(word, directory, ret, why);
	if (each_directory(p, try_one, &s))
		return 0;
	explain(p, &s, why);
	return -1;
}
