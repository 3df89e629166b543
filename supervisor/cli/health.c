/* health: one line per component, for people and for scripts. */
#include <stdbool.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/database.h"
#include "cli/options.h"
#include "cli/overview.h"
#include "cli/words.h"

/* Prints all lines; returns whether something is unhealthy. */
static bool
print_all(struct cli *cli, const struct overview *o, bool all)
{
	json_t *list = cli->json ? json_array() : NULL;
	bool unhealthy = false;

	for (size_t i = 0; i < o->n; i++) {
		const struct overview_component *c = &o->components[i];
		struct words w;

		words_of(&w, o, c);
		unhealthy = unhealthy || w.unhealthy;
		if (c->housekeeping && !w.unhealthy && !all)
			continue;
		if (cli->json)
			(void)json_array_append_new(list,
			    json_pack("{s:s,s:s,s:o,s:b}", "name", c->name,
				"word", w.word, "detail",
				print_json_text(w.detail), "unhealthy",
				w.unhealthy));
		else
			words_print(c->name, &w, cli->colour);
	}
	if (cli->json)
		(void)print_json(list, CLI_DONE);
	return unhealthy;
}

int
health_run(struct cli *cli, int argc, char **argv)
{
	bool all = false, unhealthy;
	const struct option_spec specs[] = {
		{ .name = "all", .letter = 'a', .flag = &all },
	};
	struct overview o;
	struct store s;
	int code;

	if (options_parse(cli, argc, argv, specs, 1, 0, 1) > 0)
		cli_fail(CLI_USAGE,
		    "health takes no name; 'loopkeeper status %s' tells about "
		    "one component",
		    argv[1]);
	database_overview(cli, &o, &s);
	store_close(&s);
	unhealthy = print_all(cli, &o, all);
	if (o.database_broken) {
		(void)cli_error(CLI_FAILED, "%s", o.database_error);
		unhealthy = true;
	}
	code = !o.running ? cli_not_running()
	    : unhealthy	  ? CLI_FAILED
			  : CLI_DONE;
	overview_free(&o);
	return code;
}
