#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/options.h"

#define SPECS_MAX 16

enum { LETTERLESS = 256, WANT_JSON = 512, WANT_HELP };

static void
fill_tables(struct option *longs, char *shorts, const struct option_spec *specs,
    size_t nspecs)
{
	/* The colon keeps getopt silent and tells a missing value apart. */
	*shorts++ = ':';
	for (size_t i = 0; i < nspecs; i++) {
		bool takes = specs[i].flag == NULL;

		longs[i] = (struct option){ .name = specs[i].name,
			.has_arg = takes ? required_argument : no_argument,
			.val = LETTERLESS + (int)i };
		if (specs[i].letter == 0)
			continue;
		*shorts++ = specs[i].letter;
		if (takes)
			*shorts++ = ':';
	}
	*shorts++ = 'h';
	*shorts = '\0';
	longs[nspecs] = (struct option){ .name = "json", .val = WANT_JSON };
	longs[nspecs + 1] = (struct option){ .name = "help", .val = WANT_HELP };
	longs[nspecs + 2] = (struct option){ 0 };
}

_Noreturn static void
complain(const char *command, const char *word, const struct option_spec *specs,
    size_t nspecs)
{
	const char *names[SPECS_MAX + 2] = { "json", "help" }, *nearest;

	for (size_t i = 0; i < nspecs; i++)
		names[i + 2] = specs[i].name;
	nearest = strncmp(word, "--", 2) == 0
	    ? text_nearest(word + 2, names, nspecs + 2)
	    : NULL;
	if (nearest != NULL)
		cli_fail(CLI_USAGE,
		    "%s: there is no option %s; did you mean --%s?", command,
		    word, nearest);
	cli_fail(CLI_USAGE,
	    "%s: there is no option %s; see 'loopkeeper help %s'", command,
	    word, command);
}

static void
take(const char *command, const struct option_spec *spec)
{
	if (spec->flag != NULL)
		*spec->flag = true;
	else if (spec->value != NULL)
		*spec->value = optarg;
	else if (spec->list->n < OPTION_VALUES_MAX)
		spec->list->values[spec->list->n++] = optarg;
	else
		cli_fail(CLI_USAGE, "%s: too many --%s", command, spec->name);
}

/* Index of what getopt_long() calls c; nspecs for none of them. */
static size_t
find(int c, const struct option_spec *specs, size_t nspecs)
{
	size_t i = 0;

	while (i < nspecs && c != LETTERLESS + (int)i &&
	    (c >= LETTERLESS || c != specs[i].letter))
		i++;
	return i;
}

int
options_parse(struct cli *cli, int argc, char **argv,
    const struct option_spec *specs, size_t nspecs, int min, int max)
{
	char shorts[2 * SPECS_MAX + 3], *words[] = { argv[0], argv[0], NULL };
	struct option longs[SPECS_MAX + 3];
	size_t i;
	int c, left;

	fill_tables(longs, shorts, specs, nspecs);
	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (c == WANT_JSON)
			cli->json = true;
		else if (c == WANT_HELP || c == 'h')
			exit(help_run(cli, 2, words));
		else if (c == ':')
			cli_fail(CLI_USAGE, "%s: %s needs a value", argv[0],
			    argv[optind - 1]);
		else if ((i = find(c, specs, nspecs)) == nspecs)
			complain(argv[0], argv[optind > 1 ? optind - 1 : 1],
			    specs, nspecs);
		else
			take(argv[0], &specs[i]);
	}
	left = argc - optind;
	if (left < min || left > max)
		cli_usage(argv[0]);
	(void)memmove(&argv[1], &argv[optind], (size_t)left * sizeof(argv[0]));
	argv[1 + left] = NULL;
	return left;
}
