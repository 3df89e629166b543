#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "cli/junit_case.h"

/* How much of an id tells where, and what. */
#define PLACE_MAX 32
#define TITLE_MAX 48
/* Of the hash: 40 bits. */
#define HASH_DIGITS 10
#define HASH_MASK   ((UINT64_C(1) << 40) - 1)

/* By which a path is told from other names. Not "go": a Go package may end in
 * it, and no writer tells a Go file. */
static const char *const extensions[] = { "bats", "c", "cc", "cjs", "cpp",
	"cts", "cxx", "dart", "exs", "java", "js", "jsx", "kt", "lua", "mjs",
	"mts", "php", "pl", "py", "rb", "rs", "scala", "sh", "swift", "t", "ts",
	"tsx", "vue" };

/* Whether text is a path to a source file: "src/a.test.ts", "a.bats". */
static bool
is_file(const char *text)
{
	const char *dot = strrchr(text, '.');

	if (dot == NULL || dot == text || strchr(text, ' ') != NULL)
		return false;
	for (size_t i = 0; i < sizeof(extensions) / sizeof(*extensions); i++)
		if (strcmp(dot + 1, extensions[i]) == 0)
			return true;
	return false;
}

/* Whether a part of n bytes of a dotted name is a module of tests. */
static bool
is_test_module(const char *part, size_t n)
{
	return n > 5 &&
	    (strncmp(part, "test_", 5) == 0 ||
		strncmp(part + n - 5, "_test", 5) == 0);
}

/* "tests.test_x.TestY" -> "tests/test_x.py". Returns false for what is no
 * such name; ret then holds rubbish. */
static bool
from_python(const char *dotted, char ret[static JUNIT_PATH_SIZE])
{
	static const char word[] = "abcdefghijklmnopqrstuvwxyz_"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	struct buf b;
	size_t n;

	buf_init(&b, ret, JUNIT_PATH_SIZE);
	for (;; dotted += n + 1) {
		n = strspn(dotted, word);
		if (n == 0 || (dotted[n] != '.' && dotted[n] != '\0'))
			return false;
		buf_add_bytes(&b, dotted, n);
		if (is_test_module(dotted, n))
			break;
		if (dotted[n] == '\0')
			return false;
		buf_add(&b, "/");
	}
	buf_add(&b, ".py");
	return true;
}

/* Only of ctest is the classname the name once more; pytest leaves it empty
 * where a module couldn't be read, whose name is then the case's. */
static const char *
derive(const struct junit_case *c, char ret[static JUNIT_PATH_SIZE])
{
	const char *dotted = c->class_name[0] != '\0' ? c->class_name : c->name;

	if (strcmp(c->class_name, c->name) == 0)
		return is_file(c->suite) ? c->suite : "";
	if (is_file(c->class_name))
		return c->class_name;
	if (is_file(c->suite))
		return c->suite;
	return from_python(dotted, ret) ? ret : "";
}

/* The rest of path below the directory root, or NULL. */
static const char *
below(const char *path, const char *root)
{
	size_t n = strlen(root);

	while (n > 0 && root[n - 1] == '/')
		n--;
	return n > 0 && strncmp(path, root, n) == 0 && path[n] == '/'
	    ? path + n + strspn(path + n, "/")
	    : NULL;
}

int
junit_case_locate(struct junit_case *c, const char *const *roots, size_t nroots)
{
	char derived[JUNIT_PATH_SIZE], *copy;
	const char *file = c->file[0] != '\0' ? c->file : derive(c, derived);

	while (strncmp(file, "./", 2) == 0)
		file += 2 + strspn(file + 2, "/");
	for (size_t i = 0; i < nroots && file[0] == '/'; i++) {
		const char *rest = below(file, roots[i]);

		if (rest != NULL)
			file = rest;
	}
	copy = strdup(file);
	if (copy == NULL)
		return -1;
	free(c->file);
	c->file = copy;
	return 0;
}

/* Where the case is, but for its file: "" when that is nowhere. */
static const char *
place(const struct junit_case *c)
{
	if (c->class_name[0] != '\0' && strcmp(c->class_name, c->name) != 0)
		return c->class_name;
	return c->whole_run || strcmp(c->suite, c->name) == 0 ? "" : c->suite;
}

void
junit_case_directory(
    const struct junit_case *c, char ret[static JUNIT_PATH_SIZE])
{
	char *slash;

	if (c->file[0] == '\0') {
		(void)strlcpy(ret, place(c), JUNIT_PATH_SIZE);
		return;
	}
	(void)strlcpy(ret, c->file, JUNIT_PATH_SIZE);
	slash = strrchr(ret, '/');
	if (slash == NULL)
		(void)strlcpy(ret, ".", JUNIT_PATH_SIZE);
	else
		slash[slash == ret] = '\0';
}

/* Writes n bytes of text so that they may be part of an id: what is no letter,
 * digit or '_' becomes one '-', none of it at either end. */
static void
add_slug(struct buf *b, const char *text, size_t n)
{
	size_t begun = b->len;
	bool gap = false;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		bool fit = c < 0x80 && isalnum(c);

		if (fit || (c == '_' && b->len > begun)) {
			if (gap && b->len > begun)
				buf_add(b, "-");
			buf_add_bytes(b, &text[i], 1);
		}
		gap = !fit && c != '_';
	}
}

/* The end of what tells where, which differs most; from the begin of a word
 * on. Without the extension of a file. */
static void
add_place(struct buf *b, const struct junit_case *c)
{
	const char *text = c->file[0] != '\0' ? c->file : place(c);
	const char *dot = strrchr(text, '.'), *slash = strrchr(text, '/');
	size_t n = c->file[0] != '\0' && dot != NULL && dot > text &&
		(slash == NULL || dot > slash + 1)
	    ? (size_t)(dot - text)
	    : strlen(text);

	if (n > PLACE_MAX) {
		text += n - PLACE_MAX;
		n = PLACE_MAX;
		for (size_t i = 0; i + 1 < n; i++)
			if (!isalnum((unsigned char)text[i])) {
				text += i;
				n -= i;
				break;
			}
	}
	add_slug(b, text, n);
}

void
junit_case_id(const struct junit_case *c, char ret[static ATTEMPT_TEST_SIZE])
{
	const char *where = c->file[0] != '\0' ? c->class_name : place(c);
	uint64_t hash = HASH_INIT;
	struct buf b;

	/* With their NULs, so that none runs into the next. */
	hash = hash_bytes(hash, c->file, strlen(c->file) + 1);
	hash = hash_bytes(hash, where, strlen(where) + 1);
	hash = hash_bytes(hash, c->name, strlen(c->name));
	buf_init(&b, ret, ATTEMPT_TEST_SIZE);
	add_place(&b, c);
	if (b.len > 0)
		buf_add(&b, "-");
	add_slug(&b, c->name, strnlen(c->name, TITLE_MAX));
	if (b.len > 0 && ret[b.len - 1] != '-')
		buf_add(&b, "-");
	buf_addf(
	    &b, "%0*" PRIx64, HASH_DIGITS, (hash ^ hash >> 40) & HASH_MASK);
}
