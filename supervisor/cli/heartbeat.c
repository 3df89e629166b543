/* heartbeat: a sign of life from a script that has no better way. */
#include <stdlib.h>

#include <bsd/string.h>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/ids.h"
#include "cli/options.h"

int
heartbeat_run(struct cli *cli, int argc, char **argv)
{
	const char *own = getenv("LOOPKEEPER_COMPONENT");
	char name[TEXT_NAME_MAX + 1], reply[CONTROL_REPLY_MAX];
	const char *words[] = { "heartbeat", name };
	int nwords = options_parse(cli, argc, argv, NULL, 0, own == NULL, 1);

	cli_locate(cli);
	if (nwords == 1)
		ids_component(cli, argv[1], name);
	else if (own != NULL) /* inside the fleet it needs no looking up */
		(void)strlcpy(name, own, sizeof(name));
	return ask_daemon(cli, words, 2, reply);
}
