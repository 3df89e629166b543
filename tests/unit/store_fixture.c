#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "store/statement.h"
#include "store_fixture.h"

char directory[64];
char database[96];
char said[1024];

static char epoch[UUID_SIZE];
static struct store the_store;
struct store *store = &the_store;
const struct recovery repairs = { .by = "loop-1" };

int
fixture_empty(void **state)
{
	(void)snprintf(directory, sizeof(directory), "/tmp/lk-store.XXXXXX");
	assert_non_null(mkdtemp(directory));
	(void)snprintf(
	    database, sizeof(database), "%s/coordination.db", directory);
	said[0] = '\0';
	*store = (struct store){ .lock_fd = -1 };
	return 0;
}

int
fixture_open(void **state)
{
	(void)fixture_empty(state);
	open_again(STORE_CREATE);
	return 0;
}

int
fixture_remove(void **state)
{
	store_close(store);
	shell("rm -rf \"$PWD\"");
	return 0;
}

const char *
path_of(const char *name)
{
	static char path[160];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

int
files_with(const char *folder, const char *part)
{
	struct dirent *entry;
	DIR *dir = opendir(path_of(folder));
	int n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		n += strstr(entry->d_name, part) != NULL;
	(void)closedir(dir);
	return n;
}

void
open_again(enum store_mode mode)
{
	if (store_open(store, directory, mode) < 0)
		fail_msg("%s", store_error(store));
}

void
works(int result)
{
	if (result != 0)
		fail_msg(
		    "%d: %s (%s)", result, store_error(store), strerror(errno));
}

void
keep_epoch(void)
{
	(void)memcpy(epoch, store->epoch, sizeof(epoch));
}

void
epoch_is(bool kept)
{
	assert_int_equal(strcmp(store->epoch, epoch) == 0, kept);
}

void
sql(const char *statements)
{
	char *copy = strdup(statements), *rest = copy, *one;

	assert_non_null(copy);
	while ((one = strsep(&rest, ";")) != NULL)
		if (one[0] != '\0' && statement_run(store, one, "") < 0)
			fail_msg("%s: %s", one, store_error(store));
	free(copy);
}

int64_t
number(const char *query)
{
	int64_t result;

	if (statement_get(store, query, ">i", &result) != 1)
		fail_msg("%s: %s", query, store_error(store));
	return result;
}

const char *
text(const char *query)
{
	static char result[256];

	if (statement_get(store, query, ">s", result, sizeof(result)) != 1)
		fail_msg("%s: %s", query, store_error(store));
	return result;
}

void
has_rows(int64_t expected, const char *from)
{
	char query[512];
	int64_t found;

	(void)snprintf(query, sizeof(query), "SELECT count(*) FROM %s", from);
	found = number(query);
	if (found != expected)
		fail_msg(
		    "%d rows, not %d: %s", (int)found, (int)expected, from);
}

void
foreign(const char *statements)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, statements, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

void
shell(const char *command)
{
	char line[512];

	(void)snprintf(line, sizeof(line), "cd %s && %s", directory, command);
	assert_int_equal(system(line), 0);
}

void
note_said(const char *text)
{
	size_t len = strlen(said);

	(void)snprintf(said + len, sizeof(said) - len, "%s ", text);
}

void
was_said(const char *all)
{
	assert_string_equal(said, all);
	said[0] = '\0';
}
