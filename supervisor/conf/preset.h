/*
 * What `worker = "claude"` stands for: how that program is run without a
 * person, and what its output says. A preset is a readable file of its own
 * (config/workers/NAME.conf); here it is plain memory of the configuration.
 *
 * Its rules are tried, in their order, on each line of the output. One with
 * `when` is for lines that are JSON objects, one without for all others. A
 * place says where in the line a value stands: a path of keys ("usage.0.x"),
 * or "$1", a group of the rule's pattern; "$0" is the whole text that it was
 * for.
 */
#ifndef LOOPKEEPER_CONF_PRESET_H
#define LOOPKEEPER_CONF_PRESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum preset_prompt {
	PRESET_STDIN,	 /* the prompt is standard input */
	PRESET_ARGUMENT, /* it is {prompt} or {prompt_file}; no input */
};

enum preset_format {
	PRESET_JSON_LINES,
	PRESET_TEXT, /* no line is taken for JSON */
};

/* What a line, or an exit code, says of the whole run. */
enum preset_verdict {
	PRESET_NOTHING,
	PRESET_GOOD, /* whatever was said before, all is well */
	PRESET_FAILED,
	PRESET_BUDGET,	    /* it has spent what it was given */
	PRESET_WAITING,	    /* for somebody's answer */
	PRESET_UNAVAILABLE, /* its provider is down, or out of reach */
	PRESET_AUTH,	    /* its provider wants a login */
	PRESET_RATE_LIMITED,
};

/* The text, number or truth at path is value. */
struct preset_condition {
	const char *path;
	const char *value; /* NULL: whatever it is, it is there */
};

/* Texts are never NULL, "" for none. */
struct preset_rule {
	struct preset_condition *when; /* all of them hold */
	size_t nwhen;		       /* 0: for lines that are no JSON */
	const char *field;   /* the path of what the pattern is for; "": the
				line itself */
	const char *pattern; /* a POSIX extended regular expression */

	/* What the line tells then. */
	char **tokens; /* places, NULL-ended; their numbers are added up */
	const char *cost_usd;
	bool total; /* both are of the whole run so far, not of this line */
	const char *once_per; /* the place of an id: lines with the same one
				 tell the same tokens and cost again */
	const char *session_id;
	const char *reset_at;	 /* the limit's end: epoch, ISO 8601, "5pm" */
	const char *retry_after; /* seconds until then, "20s", "2 hours" */
	const char *error;	 /* for people */
	enum preset_verdict verdict;
	bool ended;   /* the run is over: the program should end, too */
	bool goes_on; /* it isn't, although that was said */
};

struct preset_exit {
	int code;
	enum preset_verdict verdict;
};

struct worker_preset {
	const char *name;     /* "claude" */
	const char *path;     /* of its file, absolute */
	uint64_t hash;	      /* over the file */
	const char *provider; /* whose limits and logins hold for it */
	const char *login;    /* what the operator runs, "" unknown */
	/* Arguments, NULL-ended; [0] is the program's absolute path. A word
	 * "{options}" is any number of words; one with "{budget_usd}" in it is
	 * there only when an attempt has a budget. */
	char **argv;
	char **resume; /* with {session}; empty: it can't go on */
	enum preset_prompt prompt;
	enum preset_format format;
	int64_t startup_limit_ms; /* 0: none */
	int64_t grace_ms;	  /* between the end of the run and its own */
	struct preset_rule *rules;
	size_t nrules;
	struct preset_exit *exits;
	size_t nexits;
};

#endif
