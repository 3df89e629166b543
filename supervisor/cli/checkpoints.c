/* checkpoints and checkpoint: what a rollback can go back to. */
#include <errno.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/names.h"
#include "cli/options.h"
#include "cli/table.h"
#include "conf/conf.h"
#include "git/repository.h"
#include "store/checkpoints.h"

#define SHORT_HASH 12
#define SHOWN	   20 /* the newest; --all shows the others */

enum { COLUMN_ID, COLUMN_WHEN, COLUMN_TEST, COLUMN_COMMIT, COLUMN_TYPE };
static const char *const titles[] = { "ID", "WHEN", "TEST", "COMMIT", "TYPE" };

/* Other programs may note a name. */
static bool
is_hash(const char *git_ref)
{
	return git_ref[strspn(git_ref, "0123456789abcdef")] == '\0';
}

static int
add_row(const struct checkpoint_row *row, void *argument)
{
	char when[PRINT_TIME_SIZE];
	struct table *t = argument;

	print_time(when, row->created_at);
	table_begin_row(t);
	table_set(t, COLUMN_ID, "%s", row->id);
	table_set(t, COLUMN_WHEN, "%s", when);
	table_set(t, COLUMN_TEST, "%s", row->test_id);
	table_set(t, COLUMN_COMMIT, "%.*s",
	    is_hash(row->git_ref) ? SHORT_HASH : (int)strlen(row->git_ref),
	    row->git_ref);
	table_set(t, COLUMN_TYPE, "%s", row->checkpoint_type);
	return 0;
}

#define FIELD(kind, member) PRINT_FIELD(struct checkpoint_row, kind, member)

static int
add_json(const struct checkpoint_row *row, void *argument)
{
	static const struct print_field fields[] = { FIELD(PRINT_TEXT, id),
		FIELD(PRINT_TEXT, loop_id), FIELD(PRINT_TEXT, test_id),
		FIELD(PRINT_TEXT, git_ref), FIELD(PRINT_TEXT, checkpoint_type),
		FIELD(PRINT_TEXT, created_at) };

	return json_array_append_new(argument,
	    print_json_row(fields, sizeof(fields) / sizeof(fields[0]), row));
}

static int
print_as_json(struct store *s, const char *loop, int64_t limit)
{
	json_t *list = json_array();

	if (checkpoints_each(s, loop, limit, add_json, list) == 0)
		return print_json(list, CLI_DONE);
	json_decref(list);
	return database_error(s);
}

static int
print_as_table(
    const struct cli *cli, struct store *s, const char *loop, int64_t limit)
{
	struct table t;
	int code = CLI_DONE;

	table_init(&t, titles, sizeof(titles) / sizeof(titles[0]), cli->colour);
	if (checkpoints_each(s, loop, limit, add_row, &t) < 0)
		code = database_error(s);
	else if (t.nrows == 0)
		printf("%s has no checkpoint yet\n", loop);
	else if (table_print(&t) < 0)
		code = cli_error(CLI_FAILED, "%s", strerror(errno));
	table_free(&t);
	return code;
}

int
checkpoints_run(struct cli *cli, int argc, char **argv)
{
	bool all = false;
	const struct option_spec specs[] = {
		{ .name = "all", .letter = 'a', .flag = &all },
	};
	char loop[IDS_SIZE];
	struct store s;
	int code;

	(void)options_parse(cli, argc, argv, specs, 1, 1, 1);
	database_open(cli, &s, STORE_READ);
	code = ids_find(cli, &s, IDS_LOOP, argv[1], loop);
	if (code == CLI_DONE)
		code = cli->json
		    ? print_as_json(&s, loop, all ? -1 : SHOWN)
		    : print_as_table(cli, &s, loop, all ? -1 : SHOWN);
	store_close(&s);
	return code;
}

static int
note(struct store *s, const struct loop_config *config)
{
	char commit[GIT_HASH_SIZE], id[CHECKPOINT_ID_SIZE];
	struct git g = { 0 };

	if (git_open(&g, config->repository) < 0 ||
	    repository_branch(&g, config->integration_branch, commit) < 0)
		return cli_error(CLI_FAILED, "%s", g.error);
	if (checkpoints_add(s, config->name, commit, id) < 0)
		return database_error(s);
	printf("%s: checkpoint %s, %s at %.*s\n", config->name, id,
	    config->integration_branch, SHORT_HASH, commit);
	return CLI_DONE;
}

int
checkpoint_run(struct cli *cli, int argc, char **argv)
{
	const struct loop_config *config;
	char loop[IDS_SIZE];
	struct conf *conf;
	struct store s;
	int code;

	(void)options_parse(cli, argc, argv, NULL, 0, 1, 1);
	database_open(cli, &s, STORE_WRITE);
	conf = names_load_conf(cli);
	code = ids_find(cli, &s, IDS_LOOP, argv[1], loop);
	config = conf != NULL ? conf_loop(conf, loop) : NULL;
	if (code == CLI_DONE && config == NULL)
		code = cli_error(CLI_FAILED,
		    conf == NULL ? "the configuration is faulty; 'loopkeeper "
				   "check-config' says where"
				 : "%s isn't in the configuration: where its "
				   "repository is isn't known",
		    loop);
	if (code == CLI_DONE && config != NULL)
		code = note(&s, config);
	store_close(&s);
	conf_free(conf);
	return code;
}
