#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "base/buf.h"
#include "base/text.h"
#include "cli/ids.h"
#include "cli/names.h"
#include "cli/new_test.h"
#include "store/queries_add.h"

#define DEFAULT_PRIORITY 5 /* of a loop that isn't in the configuration */

const char *
new_test_id_error(const char *id)
{
	static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz0123456789._-";

	if (id[0] == '\0')
		return "it is empty";
	if (strlen(id) >= ATTEMPT_TEST_SIZE)
		return "it is longer than 127 characters";
	if (strchr("._-", id[0]) != NULL)
		return "it must begin with a letter or digit";
	if (strspn(id, good) != strlen(id))
		return "only letters, digits, '.', '_' and '-' may be in it";
	return NULL;
}

/* The only loop of the configuration. */
static int
find_only_loop(const struct conf *conf, char *ret_name)
{
	char list[512];
	struct buf b;

	if (conf != NULL && conf->nloops == 1) {
		(void)strlcpy(ret_name, conf->loops[0].name, TEXT_NAME_MAX + 1);
		return CLI_DONE;
	}
	buf_init(&b, list, sizeof(list));
	for (size_t i = 0; conf != NULL && i < conf->nloops; i++)
		buf_addf(&b, "%s%s", i > 0 ? ", " : "", conf->loops[i].name);
	return cli_error(CLI_USAGE,
	    "--loop LOOP says whose queue it is for%s%s",
	    list[0] != '\0' ? "; there are " : "", list);
}

int
new_test_loop(
    struct cli *cli, struct store *s, const char *word, char *ret_name)
{
	struct conf *conf = names_load_conf(cli);
	bool is_loop;
	int code;

	if (word == NULL) {
		code = find_only_loop(conf, ret_name);
		conf_free(conf);
		return code;
	}
	code = ids_loop(cli, s, word, ret_name);
	is_loop = code == CLI_DONE &&
	    (conf == NULL || conf_loop(conf, ret_name) != NULL);
	conf_free(conf);
	if (code == CLI_DONE && !is_loop)
		return cli_error(CLI_FAILED,
		    "%s is a component without a `loop` group: it takes no "
		    "tests",
		    ret_name);
	return code;
}

int
new_test_add_loop(struct cli *cli, struct store *s, const char *loop_id)
{
	struct conf *conf = names_load_conf(cli);
	const struct loop_config *loop =
	    conf != NULL ? conf_loop(conf, loop_id) : NULL;
	int result = queries_add_loop(s, loop_id,
	    loop != NULL && loop->title[0] != '\0' ? loop->title : loop_id,
	    loop != NULL ? loop->priority : DEFAULT_PRIORITY);

	conf_free(conf);
	return result < 0 ? -1 : 0;
}
