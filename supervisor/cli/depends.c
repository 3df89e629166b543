/* depends: for which test another one waits, or that it waits for none. */
#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "cli/commands.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/options.h"
#include "cli/queue_tests.h"
#include "store/dependencies.h"

static void
print_changed(const char *id, const char *other, bool was_so, bool dry_run)
{
	printf("%s: ", id);
	if (was_so)
		printf(other != NULL ? "waits for %s already\n"
				     : "waits for no other test already\n",
		    other);
	else if (dry_run)
		printf(other != NULL ? "would wait for %s\n"
				     : "would wait for no other test\n",
		    other);
	else
		printf(other != NULL ? "waits for %s now\n"
				     : "waits for no other test any more\n",
		    other);
}

static int
depends(struct cli *cli, struct store *s, char **words, bool dry_run)
{
	char id[IDS_SIZE], found[IDS_SIZE];
	const char *other = strcasecmp(words[1], "none") != 0 ? found : NULL;
	int changed, code = ids_find(cli, s, IDS_TEST, words[0], id);

	if (code == CLI_DONE && other != NULL)
		code = ids_find(cli, s, IDS_TEST, words[1], found);
	if (code == CLI_DONE)
		code = queue_tests_begin(s);
	if (code != CLI_DONE)
		return code;
	changed = dependencies_set(s, id, other, database_user());
	if (changed < 0 && errno == EINVAL)
		code = cli_error(CLI_FAILED, "%s", store_error(s));
	else if (changed < 0)
		code = database_error(s);
	code = queue_tests_end(s, code, dry_run);
	if (code == CLI_DONE)
		print_changed(id, other, changed == 0, dry_run);
	return code;
}

int
depends_run(struct cli *cli, int argc, char **argv)
{
	bool dry_run = false;
	const struct option_spec specs[] = {
		{ .name = "dry-run", .letter = 'n', .flag = &dry_run },
	};
	struct store s;
	int code;

	(void)options_parse(cli, argc, argv, specs, 1, 2, 2);
	database_open(cli, &s, STORE_WRITE);
	code = depends(cli, &s, &argv[1], dry_run);
	store_close(&s);
	return code;
}
