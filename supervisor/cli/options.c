#include <getopt.h>
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

static int
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
		return cli_error(CLI_USAGE,
		    "%s: there is no option %s; did you mean --%s?", command,
		    word, nearest);
	return cli_error(CLI_USAGE,
	    "%s: there is no option %s; see 'loopkeeper help %s'", command,
	    word, command);
}

static int
take(const struct option_spec *spec)
{
	if (spec->flag != NULL) {
		*spec->flag = true;
		return 0;
	}
	if (spec->value != NULL) {
		*spec->value = optarg;
		return 0;
	}
	if (spec->list->n ==
	    sizeof(spec->list->values) / sizeof(spec->list->values[0]))
		return -1;
	spec->list->values[spec->list->n++] = optarg;
	return 0;
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
    const struct option_spec *specs, size_t nspecs, int *ret_code)
{
	struct option longs[SPECS_MAX + 3];
	char shorts[2 * SPECS_MAX + 3];
	size_t i;
	int c, left;

	fill_tables(longs, shorts, specs, nspecs);
	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (c == WANT_JSON) {
			cli->json = true;
		} else if (c == WANT_HELP || c == 'h') {
			char *words[] = { argv[0], argv[0], NULL };

			*ret_code = help_run(cli, 2, words);
			return -1;
		} else if (c == ':') {
			*ret_code = cli_error(CLI_USAGE, "%s: %s needs a value",
			    argv[0], argv[optind - 1]);
			return -1;
		} else if ((i = find(c, specs, nspecs)) == nspecs) {
			*ret_code = complain(argv[0],
			    argv[optind > 1 ? optind - 1 : 1], specs, nspecs);
			return -1;
		} else if (take(&specs[i]) < 0) {
			*ret_code = cli_error(CLI_USAGE, "%s: too many --%s",
			    argv[0], specs[i].name);
			return -1;
		}
	}
	left = argc - optind;
	(void)memmove(&argv[1], &argv[optind], (size_t)left * sizeof(argv[0]));
	argv[1 + left] = NULL;
	return left;
}
