#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/path.h"
#include "base/text.h"
#include "cli/caller.h"
#include "system/marked.h"

/* NULL also for an empty one. */
static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* A loop's worker may be run without a fleet. */
static const char *
known_name(void)
{
	return variable(MARKED_ATTEMPT) != NULL &&
		variable("LOOPKEEPER_LOOP") != NULL
	    ? variable("LOOPKEEPER_LOOP")
	    : variable("LOOPKEEPER_COMPONENT");
}

void
caller_find(const char *as, struct caller *ret)
{
	const char *name = known_name();

	if (name != NULL && as != NULL && strcmp(name, as) != 0)
		cli_fail(CLI_USAGE, "--as %s: you are %s", as, name);
	if (name == NULL)
		name = as;
	if (name == NULL)
		cli_fail(CLI_USAGE,
		    "who are you? A component of the fleet is known; anybody "
		    "else says it: --as NAME");
	if (!text_is_name(name))
		cli_fail(CLI_USAGE, "'%s' can't be anybody's name", name);
	*ret = (struct caller){ .attempt_id = variable(MARKED_ATTEMPT) };
	if (ret->attempt_id != NULL)
		ret->test_id = variable("LOOPKEEPER_TEST_ID");
	(void)strlcpy(ret->name, name, sizeof(ret->name));
}

/* Leaves the present directory in here, and in root the checkout that it is in,
 * or the same where it is in none. */
static void
find_root(char root[static PATH_SIZE], char here[static PATH_SIZE])
{
	char git[PATH_SIZE], *slash;

	if (getcwd(here, PATH_SIZE) == NULL)
		cli_fail(CLI_FAILED, "%s", strerror(errno));
	(void)memcpy(root, here, PATH_SIZE);
	while ((slash = strrchr(root, '/')) != NULL) {
		if (path_format(git, "%s/.git", root) == 0 &&
		    access(git, F_OK) == 0)
			return;
		*slash = '\0';
	}
	(void)memcpy(root, here, PATH_SIZE);
}

/* Adds a component to a path, or takes one away for "..". Returns false where
 * there is none. */
static bool
add_component(char path[static PATH_SIZE], const char *name, size_t len)
{
	char *slash = strrchr(path, '/');
	size_t old = strlen(path);

	if (len == 0 || (len == 1 && name[0] == '.'))
		return true;
	if (len == 2 && name[0] == '.' && name[1] == '.') {
		if (old == 0)
			return false;
		*(slash != NULL ? slash : path) = '\0';
		return true;
	}
	return old + len + 2 < PATH_SIZE &&
	    snprintf(path + old, PATH_SIZE - old, "/%.*s", (int)len, name) > 0;
}

/* The absolute path that word means, without "." and "..". */
static bool
resolve(char ret[static PATH_SIZE], const char *here, const char *word)
{
	const char *parts[] = { word[0] == '/' ? "" : here, word };

	ret[0] = '\0';
	for (size_t i = 0; i < 2; i++)
		for (const char *p = parts[i]; *p != '\0';) {
			size_t len = strcspn(p, "/");

			if (!add_component(ret, p, len))
				return false;
			p += len + (p[len] == '/');
		}
	return true;
}

static void
add_path(struct texts *t, const char *root, const char *here, const char *word)
{
	size_t len = strlen(root), end = strlen(word);
	char path[PATH_SIZE];

	if (end == 0 || !resolve(path, here, word) ||
	    strncmp(path, root, len) != 0 ||
	    (path[len] != '\0' && path[len] != '/'))
		cli_fail(CLI_USAGE, "'%s' is no path in %s", word, root);
	if (path[len] == '\0')
		cli_fail(CLI_USAGE,
		    "'%s' is the whole of %s: if that is meant, name it '*' "
		    "there",
		    word, root);
	/* What ends with a slash means all that is below. */
	texts_addf(t, "%s%s", path + len + 1, word[end - 1] == '/' ? "/" : "");
}

char **
caller_paths(char *const *words, size_t n)
{
	char root[PATH_SIZE], here[PATH_SIZE], **paths;
	struct texts t = { 0 };

	find_root(root, here);
	for (size_t i = 0; i < n; i++)
		add_path(&t, root, here, words[i]);
	paths = texts_take(&t);
	if (paths == NULL)
		cli_fail(CLI_FAILED, "%s", strerror(errno));
	return paths;
}
