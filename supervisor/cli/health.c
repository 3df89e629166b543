/* health: one line per component, for people and for scripts. */
#include <stdbool.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/database.h"
#include "cli/options.h"
#include "cli/overview.h"
#include "cli/words.h"

static bool
is_shown(const struct overview_component *c, const struct words *w, bool all)
{
	return all || w->unhealthy || !c->housekeeping;
}

static void
print_line(const struct cli *cli, const struct overview_component *c,
    const struct words *w)
{
	printf("%s: %s%s%s", c->name, print_begin(cli->colour, w->colour),
	    w->word, print_end(cli->colour, w->colour));
	if (w->detail[0] != '\0')
		printf(" (%s)", w->detail);
	(void)putchar('\n');
}

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
		if (!is_shown(c, &w, all))
			continue;
		if (cli->json)
			(void)json_array_append_new(list,
			    json_pack("{s:s,s:s,s:o,s:b}", "name", c->name,
				"word", w.word, "detail",
				print_json_text(w.detail), "unhealthy",
				w.unhealthy));
		else
			print_line(cli, c, &w);
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
	int code, left;

	left = options_parse(cli, argc, argv, specs, 1, &code);
	if (left < 0)
		return code;
	if (left > 0)
		return cli_error(CLI_USAGE,
		    "health takes no name; 'loopkeeper status %s' tells about "
		    "one component",
		    argv[1]);
	if ((code = cli_locate(cli)) != CLI_DONE)
		return code;
	code = database_overview(cli, &o, &s);
	if (code != CLI_DONE)
		return code;
	store_close(&s);
	unhealthy = print_all(cli, &o, all);
	if (!o.running)
		(void)cli_error(0,
		    "the supervisor isn't running; "
		    "'loopkeeper up -d' starts it");
	code = overview_code(&o);
	overview_free(&o);
	return code != CLI_DONE ? code : unhealthy ? CLI_FAILED : CLI_DONE;
}
