/* heartbeat: a sign of life from a script that has no better way. */
#include <stdlib.h>

#include <bsd/string.h>

#include "base/text.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/options.h"

int
heartbeat_run(struct cli *cli, int argc, char **argv)
{
	const char *own = getenv("LOOPKEEPER_COMPONENT");
	char name[TEXT_NAME_MAX + 1], reply[CONTROL_REPLY_MAX];
	const char *words[] = { "heartbeat", name };
	int code, left;

	left = options_parse(cli, argc, argv, NULL, 0, &code);
	if (left < 0)
		return code;
	if (left > 1 || (left == 0 && own == NULL))
		return cli_usage("heartbeat");
	if ((code = cli_locate(cli)) != CLI_DONE)
		return code;
	if (left == 0) /* inside the fleet it needs no looking up */
		(void)strlcpy(name, own, sizeof(name));
	else if ((code = cli_component(cli, argv[1], name)) != CLI_DONE)
		return code;
	return ask_daemon(cli, words, 2, reply);
}
