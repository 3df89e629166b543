#include <string.h>

#include <bsd/string.h>

#include "cli/database.h"
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
	if (strlen(id) >= IDS_SIZE)
		return "it is longer than 127 characters";
	if (strchr("._-", id[0]) != NULL)
		return "it must begin with a letter or digit";
	if (strspn(id, good) != strlen(id))
		return "only letters, digits, '.', '_' and '-' may be in it";
	return NULL;
}

int
new_test_loop(const struct cli *cli, struct store *s, const char *word,
    char ret[static IDS_SIZE])
{
	char list[1024];
	struct names loops;
	int code = CLI_DONE;

	if (word != NULL)
		return ids_find(cli, s, IDS_LOOP, word, ret);
	if (ids_list(cli, s, IDS_LOOP, &loops) < 0)
		code = database_error(s);
	names_list(&loops, "", list, sizeof(list));
	if (code == CLI_DONE && loops.n == 1)
		(void)strlcpy(ret, loops.items[0], IDS_SIZE);
	else if (code == CLI_DONE)
		code = cli_error(CLI_USAGE,
		    "--loop LOOP says whose queue it is for%s%s",
		    loops.n > 0 ? "; there are " : "", list);
	names_free(&loops);
	return code;
}

int
new_test_add_loop(const struct cli *cli, struct store *s, const char *loop_id)
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
