/* Where the configuration lies, and what it says even when it is broken. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "conf/load.h"
#include "conf/resolve.h"
#include "conf/scan.h"

/* The directory without links, the name as it is: what is relative to a file
 * is relative to where its name stands. */
static int
make_absolute(const char *path, char ret[static PATH_SIZE])
{
	char named[PATH_SIZE], directory[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (path_dirname(named, path) < 0 || realpath(named, directory) == NULL)
		return -1;
	return path_format(ret, "%s/%s",
	    strcmp(directory, "/") == 0 ? "" : directory,
	    slash != NULL ? slash + 1 : path);
}

static int
find_named(
    const char *path, const char *by, char ret[static PATH_SIZE], FILE *errors)
{
	if (access(path, F_OK) == 0 && make_absolute(path, ret) == 0)
		return 0;
	if (errors != NULL)
		(void)fprintf(errors, "no configuration at %s%s: %s\n", path,
		    by, strerror(errno));
	errno = ENOENT;
	return -1;
}

/* The places of the design, one a line; one that can't be told is "". */
static int
list_places(char places[3][PATH_SIZE])
{
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	places[1][0] = '\0';
	if (config != NULL && config[0] == '/') {
		if (path_format(
			places[1], "%s/loopkeeper/loopkeeper.conf", config) < 0)
			return -1;
	} else if (home != NULL && home[0] == '/') {
		if (path_format(places[1],
			"%s/.config/loopkeeper/loopkeeper.conf", home) < 0)
			return -1;
	}
	(void)path_format(places[0], "./loopkeeper.conf");
	(void)path_format(places[2], "/etc/loopkeeper/loopkeeper.conf");
	return 0;
}

int
conf_find(const char *path, char *ret, FILE *errors)
{
	const char *variable = getenv("LOOPKEEPER_CONFIG");
	char places[3][PATH_SIZE];

	if (path != NULL)
		return find_named(path, "", ret, errors);
	if (variable != NULL && variable[0] != '\0')
		return find_named(
		    variable, " ($LOOPKEEPER_CONFIG)", ret, errors);
	if (list_places(places) < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (places[i][0] != '\0' && access(places[i], F_OK) == 0 &&
		    make_absolute(places[i], ret) == 0)
			return 0;
	if (errors != NULL)
		(void)fprintf(errors,
		    "no configuration: neither %s%s%s nor %s exists; name one "
		    "with -c FILE or $LOOPKEEPER_CONFIG\n",
		    places[0], places[1][0] != '\0' ? ", " : "", places[1],
		    places[2]);
	errno = ENOENT;
	return -1;
}

/* The text of a string token without its quotes. */
static void
unquote(const struct token *t, struct buf *out)
{
	for (size_t i = 1; i + 1 < t->len; i++) {
		if (t->start[i] == '\\' &&
		    (t->start[i + 1] == '"' || t->start[i + 1] == '\\'))
			i++;
		buf_add_bytes(out, t->start + i, 1);
	}
}

/* The top-level state_directory of a text that may be broken elsewhere. */
static void
scan_state_directory(const char *text, struct buf *out)
{
	struct scan scan;
	struct token t, name = { 0 }, equals = { 0 };
	int depth = 0;

	scan_init(&scan, text);
	while ((t = scan_next(&scan)).kind != TOKEN_END) {
		static const char key[] = "state_directory";

		if (token_is(&t, '{') || token_is(&t, '(') || token_is(&t, '['))
			depth++;
		if (token_is(&t, '}') || token_is(&t, ')') || token_is(&t, ']'))
			depth--;
		if (depth == 0 && t.kind == TOKEN_STRING &&
		    (token_is(&equals, '=') || token_is(&equals, ':')) &&
		    name.kind == TOKEN_NAME && name.len == strlen(key) &&
		    memcmp(name.start, key, name.len) == 0) {
			unquote(&t, out);
			return;
		}
		name = equals;
		equals = t;
	}
	buf_add(out, keys[KEY_STATE_DIRECTORY].standard);
}

int
conf_state_directory(const char *path, char *ret, FILE *errors)
{
	enum { TEXT_SIZE = 16 * 1024 * 1024 };
	char absolute[PATH_SIZE], directory[PATH_SIZE], data[PATH_SIZE];
	char *text = malloc(TEXT_SIZE);
	struct buf state;
	int result = -1;

	if (text == NULL)
		return -1;
	buf_init(&state, data, sizeof(data));
	if (make_absolute(path, absolute) == 0 &&
	    path_dirname(directory, absolute) == 0 &&
	    io_read_file(AT_FDCWD, absolute, text, TEXT_SIZE) >= 0) {
		scan_state_directory(text, &state);
		result = resolve_path(ret, directory, data);
	}
	if (result < 0) {
		if (errors != NULL)
			(void)fprintf(errors, "%s: can't be read: %s\n", path,
			    strerror(errno));
		errno = EINVAL;
	}
	free(text);
	return result;
}
