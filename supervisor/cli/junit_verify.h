/*
 * The command that verifies one case, made from what import's --verify says:
 * {file}, {name}, {class} and {suite} stand for what the report tells, and
 * {pattern} for the name as a regular expression that means only itself, for
 * runners that take one. Behind the options of vitest, jest, go and ctest that
 * do (-t, --testNamePattern, -run, -R, --tests-regex) {name} is that, too, so
 * that what one would write is right. What is put in is quoted for sh, so that
 * no name can be more than a word; a {word} is refused where that wouldn't
 * hold: in quotes, after a backslash or '$', behind backquotes, arithmetic,
 * comments and here-documents.
 */
#ifndef LOOPKEEPER_CLI_JUNIT_VERIFY_H
#define LOOPKEEPER_CLI_JUNIT_VERIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "cli/junit_report.h"

#define JUNIT_VERIFY_SIZE (64 * 1024) /* of the whole command */

/* Whether text can be filled in. What is wrong goes to error. */
bool junit_verify_check(const char *text, char *error, size_t size);

/* What the text needs and the case lacks, "{file}"; NULL when it lacks
 * nothing. An absolute {file} counts as lacking: it would be verified in a
 * tree that isn't the loop's. */
const char *junit_verify_lacks(const char *text, const struct junit_case *c);

/* Adds the command for a located case; text has been checked. */
void
junit_verify_fill(struct buf *b, const char *text, const struct junit_case *c);

#endif
