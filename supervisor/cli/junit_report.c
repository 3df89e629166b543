#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <expat.h>

#include "base/buf.h"
#include "cli/junit_detail.h"
#include "cli/junit_report.h"

/* A token that doesn't fit is read again with each chunk: few large ones keep
 * that cheap. */
#define CHUNK (1024 * 1024)

struct suite {
	char *name;
	char *file;
	int depth;
};

/* A report on its way. */
struct reader {
	XML_Parser parser;
	struct junit_report *report;
	int depth; /* of the element that is read; the root's is 1 */
	struct suite suites[JUNIT_DEPTH_MAX];
	size_t nsuites;
	struct junit_case c; /* the one that is read, while case_depth > 0 */
	int case_depth;
	int text_depth; /* of the element whose text is taken; 0: none */
	struct junit_detail detail;
};

/* Nothing more is read; the first refusal counts. */
static void __attribute__((format(printf, 2, 3)))
refuse(struct reader *r, const char *format, ...)
{
	struct junit_report *report = r->report;
	va_list ap;

	if (report->error[0] != '\0')
		return;
	va_start(ap, format);
	(void)vsnprintf(report->error, sizeof(report->error), format, ap);
	va_end(ap);
	report->error_line = XML_GetCurrentLineNumber(r->parser);
	(void)XML_StopParser(r->parser, XML_FALSE);
}

static const char *
attribute(const char **attributes, const char *name)
{
	for (; *attributes != NULL; attributes += 2)
		if (strcmp(attributes[0], name) == 0)
			return attributes[1];
	return "";
}

/* A copy to be freed; NULL after refusing. */
static char *
keep(struct reader *r, const char *what, const char *text)
{
	char *copy;

	if (strlen(text) > JUNIT_NAME_MAX) {
		refuse(r, "its %s is over %d kB", what, JUNIT_NAME_MAX / 1024);
		return NULL;
	}
	copy = strdup(text);
	if (copy == NULL)
		refuse(r, "out of memory");
	return copy;
}

static char *
keep_file(struct reader *r, const char **attributes)
{
	const char *file = attribute(attributes, "file");

	return keep(r, "file",
	    file[0] != '\0' ? file : attribute(attributes, "filepath"));
}

static void
begin_suite(struct reader *r, const char **attributes)
{
	/* There is one for each element on the way down, at most. */
	struct suite *suite = &r->suites[r->nsuites++];

	*suite = (struct suite){
		.name = keep(r, "name", attribute(attributes, "name")),
		.file = keep_file(r, attributes),
		.depth = r->depth,
	};
}

static void
end_suite(struct reader *r)
{
	struct suite *suite = &r->suites[--r->nsuites];

	free(suite->name);
	free(suite->file);
}

static void
free_case(struct junit_case *c)
{
	free(c->suite);
	free(c->class_name);
	free(c->name);
	free(c->file);
	free(c->detail);
}

static void
begin_case(struct reader *r, const char **attributes)
{
	const struct suite *suite =
	    r->nsuites > 0 ? &r->suites[r->nsuites - 1] : NULL;
	const char *name = attribute(attributes, "name");

	r->case_depth = r->depth;
	r->report->nseen++;
	junit_detail_begin(&r->detail);
	r->c = (struct junit_case){
		.suite = keep(r, "suite", suite != NULL ? suite->name : ""),
		.class_name =
		    keep(r, "classname", attribute(attributes, "classname")),
		.name = keep(r, "name", name),
		.file = keep_file(r, attributes),
		.line = XML_GetCurrentLineNumber(r->parser),
		.whole_run = suite != NULL && suite->depth == 1,
	};
	if (name[0] == '\0')
		refuse(r, "a <testcase> without a name");
	if (r->c.file != NULL && r->c.file[0] == '\0' && suite != NULL) {
		free(r->c.file);
		r->c.file = keep(r, "file", suite->file);
	}
}

/* Takes the failed case into the report; or else it is still the reader's. */
static bool
add_case(struct reader *r)
{
	struct junit_report *report = r->report;
	struct junit_case *cases;

	if (report->n == JUNIT_CASES_MAX) {
		refuse(r, "over %d cases fail", JUNIT_CASES_MAX);
		return false;
	}
	cases = reallocarray(report->cases, report->n + 1, sizeof(*cases));
	if (cases != NULL)
		report->cases = cases;
	r->c.detail = strdup(junit_detail_end(&r->detail));
	if (cases == NULL || r->c.detail == NULL) {
		refuse(r, "out of memory");
		return false;
	}
	cases[report->n++] = r->c;
	return true;
}

static void
end_case(struct reader *r)
{
	if (!r->detail.failed || !add_case(r))
		free_case(&r->c);
	r->case_depth = 0;
}

/* What a case is made of. */
static void
begin_part(struct reader *r, const char *element, const char **attributes)
{
	bool failure =
	    strcmp(element, "failure") == 0 || strcmp(element, "error") == 0;

	if (!failure && strcmp(element, "system-out") != 0)
		return;
	r->text_depth = r->depth;
	if (failure)
		junit_detail_begin_failure(
		    &r->detail, attribute(attributes, "message"));
}

static void XMLCALL
begin_element(void *argument, const XML_Char *element, const XML_Char **list)
{
	struct reader *r = argument;

	if (r->report->error[0] != '\0')
		return;
	if (++r->depth > JUNIT_DEPTH_MAX)
		refuse(r, "over %d elements in each other", JUNIT_DEPTH_MAX);
	else if (r->depth == 1 && strcmp(element, "testsuites") != 0 &&
	    strcmp(element, "testsuite") != 0)
		refuse(r,
		    "it begins with <%.40s>: a JUnit report begins with "
		    "<testsuites> or <testsuite>",
		    element);
	else if (r->case_depth > 0 && r->depth == r->case_depth + 1)
		begin_part(r, element, list);
	else if (r->case_depth == 0 && strcmp(element, "testsuite") == 0)
		begin_suite(r, list);
	else if (r->case_depth == 0 && strcmp(element, "testcase") == 0)
		begin_case(r, list);
}

static void XMLCALL
end_element(void *argument, const XML_Char *element)
{
	struct reader *r = argument;

	(void)element;
	if (r->report->error[0] != '\0')
		return;
	if (r->depth == r->text_depth) {
		r->text_depth = 0;
		junit_detail_end_failure(&r->detail);
	} else if (r->depth == r->case_depth) {
		end_case(r);
	} else if (r->nsuites > 0 &&
	    r->depth == r->suites[r->nsuites - 1].depth) {
		end_suite(r);
	}
	r->depth--;
}

static void XMLCALL
take_text(void *argument, const XML_Char *text, int n)
{
	struct reader *r = argument;

	if (r->text_depth > 0)
		junit_detail_add(&r->detail, text, (size_t)n);
}

static void XMLCALL
refuse_doctype(void *argument, const XML_Char *name, const XML_Char *system_id,
    const XML_Char *public_id, int has_internal_subset)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal_subset;
	refuse(argument, "it has a DOCTYPE, which no JUnit report needs");
}

/* Reads until the chunk is full, or to the end. Returns how much, or -1. */
static ssize_t
read_chunk(int fd, char *chunk)
{
	size_t len = 0;
	ssize_t n;

	while (len < CHUNK &&
	    ((n = read(fd, chunk + len, CHUNK - len)) > 0 ||
		(n < 0 && errno == EINTR)))
		len += n > 0 ? (size_t)n : 0;
	return len < CHUNK && n < 0 ? -1 : (ssize_t)len;
}

static void
parse(struct reader *r, int fd)
{
	size_t total = 0;
	ssize_t n = CHUNK;

	while (n == CHUNK && r->report->error[0] == '\0') {
		char *chunk = XML_GetBuffer(r->parser, CHUNK);

		n = chunk != NULL ? read_chunk(fd, chunk) : -1;
		if (n < 0) {
			refuse(r, "%s",
			    chunk != NULL ? strerror(errno) : "out of memory");
			r->report->error_line = 0;
			return;
		}
		total += (size_t)n;
		if (total > JUNIT_BYTES_MAX)
			refuse(r, "it is over %d MB",
			    JUNIT_BYTES_MAX / (1024 * 1024));
		else if (XML_ParseBuffer(r->parser, (int)n, n < CHUNK) ==
		    XML_STATUS_ERROR)
			refuse(r, "can't be read as XML: %s",
			    XML_ErrorString(XML_GetErrorCode(r->parser)));
	}
}

int
junit_report_read(struct junit_report *ret, int fd)
{
	struct reader r = { .report = ret };

	*ret = (struct junit_report){ .n = 0 };
	r.parser = XML_ParserCreate(NULL);
	if (r.parser == NULL) {
		(void)snprintf(ret->error, sizeof(ret->error), "out of memory");
		return -1;
	}
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, begin_element, end_element);
	XML_SetCharacterDataHandler(r.parser, take_text);
	XML_SetStartDoctypeDeclHandler(r.parser, refuse_doctype);
	parse(&r, fd);
	XML_ParserFree(r.parser);
	if (r.case_depth > 0)
		free_case(&r.c);
	while (r.nsuites > 0)
		end_suite(&r);
	return ret->error[0] == '\0' ? 0 : -1;
}

void
junit_report_free(struct junit_report *report)
{
	for (size_t i = 0; i < report->n; i++)
		free_case(&report->cases[i]);
	free(report->cases);
	*report = (struct junit_report){ .n = 0 };
}
