/*
 * What the tests of git/ stand on: a directory of its own for each test with a
 * real repository in it, as an operator leaves his: something staged, something
 * changed, something stashed. At the end all of that must be as it was, to the
 * byte. Whatever goes wrong in here fails the test.
 */
#ifndef LOOPKEEPER_TESTS_GIT_FIXTURE_H
#define LOOPKEEPER_TESTS_GIT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "git/repository.h"
#include "git/worktree.h"

extern struct git *git; /* open on the repository */

/* For cmocka. */
int git_setup(void **state);
int git_teardown(void **state);

/* What cmocka would hand to each test stands here. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, git_setup, git_teardown)

/* Writes "DIRECTORY/name"; good until the fourth call from then on. */
const char *at(const char *name);

/* A shell command in the directory, which must succeed; and what one writes,
 * without the last newline, good until the next call. $R is the repository. */
void sh(const char *command);
const char *git_said(const char *command);

/* Sees that a command writes this. */
void says(const char *expected, const char *command);

/* Sees that a call of git/ returned this, else shows its error. */
void gives(int expected, int result);

/* Sees that it failed with that errno, with part in its text. */
void fails(int expected, const char *part, int result);

/* The commit of a branch or of HEAD; good until the next call. */
const char *commit_of(const char *rev);

/* A worktree of ours at DIRECTORY/name, at HEAD. */
struct worktree made(const char *name);

/* A program "git" that comes before the real one on PATH, as a script: $GIT is
 * the real one. Until the end of the test. */
void fake_git(const char *script);

/* Sees that the trees of two revisions differ in this, as git shows it. */
void differ(const char *expected, const char *from, const char *to);

#endif
