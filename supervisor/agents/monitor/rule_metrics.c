/* The runbook's "Key Metrics to Watch". */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "agents/monitor/monitor.h"
#include "base/duration.h"
#include "store/metrics.h"

enum level {
	LEVEL_FINE,
	LEVEL_UNSURE, /* what stands already goes on standing */
	LEVEL_WARNING,
	LEVEL_CRITICAL,
};

static void say(struct monitor *m, enum level level, const char *metric,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

static void
say(struct monitor *m, enum level level, const char *metric, const char *format,
    ...)
{
	struct finding *f;
	va_list ap;

	if (level == LEVEL_FINE || (f = findings_add(&m->findings)) == NULL)
		return;
	(void)snprintf(f->cause, sizeof(f->cause), "metric:%s", metric);
	if (level == LEVEL_UNSURE)
		return;
	f->type = metric;
	f->severity = level == LEVEL_CRITICAL ? "critical" : "warning";
	va_start(ap, format);
	(void)vsnprintf(f->message, sizeof(f->message), format, ap);
	va_end(ap);
}

/* Where is stored when events were, a clock that was set makes them older or
 * younger than they are. */
static bool
is_sure(const struct monitor *m, int64_t window_ms, int64_t now_ms)
{
	return m->jumped_ms == 0 || now_ms - m->jumped_ms >= window_ms;
}

/* Of a limit that is to be exceeded; 0: there is none. */
static enum level
judge(int64_t value, int64_t warn, int64_t critical)
{
	return critical > 0 && value > critical ? LEVEL_CRITICAL
	    : warn > 0 && value > warn		? LEVEL_WARNING
						: LEVEL_FINE;
}

/* Whether fewer than min tests passed in the window: only a window in which
 * there was work to do all the time tells. */
static enum level
judge_passed(struct monitor *m, int64_t window_ms, int min, enum level level,
    int64_t now_ms, int *ret_passed)
{
	int n = min > 0 && window_ms > 0 && m->has_work
	    ? metrics_events(&m->agent.store, "test_passed", window_ms, min)
	    : min;

	if (n < 0)
		m->findings.failed = true;
	*ret_passed = n;
	if (n < 0 || n >= min)
		return LEVEL_FINE;
	return now_ms - m->work_ms >= window_ms && is_sure(m, window_ms, now_ms)
	    ? level
	    : LEVEL_UNSURE;
}

static void
look_at_passed(struct monitor *m, int64_t now_ms)
{
	const struct monitor_config *c = &m->agent.conf->monitor;
	enum level warning, critical;
	char duration[DURATION_SIZE];
	int passed, none;

	warning = judge_passed(m, MONITOR_HOUR_MS, c->passed_warning,
	    LEVEL_WARNING, now_ms, &passed);
	critical = judge_passed(
	    m, c->passed_critical_ms, 1, LEVEL_CRITICAL, now_ms, &none);
	duration_format_exact(duration, c->passed_critical_ms);
	if (critical == LEVEL_CRITICAL)
		say(m, critical, "tests_passed",
		    "no test has passed for %s, with work to do: "
		    "loopkeeper status tells where it goes",
		    duration);
	else
		say(m, warning > critical ? warning : critical, "tests_passed",
		    "%d test%s passed in an hour, with work to do", passed,
		    passed == 1 ? "" : "s");
}

static void
look_at_conflicts(struct monitor *m, int64_t now_ms)
{
	const struct monitor_config *c = &m->agent.conf->monitor;
	int warn = c->conflicts_warning;
	int critical = c->conflicts_critical;
	int n;

	if (warn == 0 && critical == 0)
		return;
	n = metrics_events(
	    &m->agent.store, "file_conflict", MONITOR_HOUR_MS, INT64_MAX);
	if (n < 0)
		m->findings.failed = true;
	say(m,
	    is_sure(m, MONITOR_HOUR_MS, now_ms) ? judge(n, warn, critical)
						: LEVEL_UNSURE,
	    "conflicts", "%d conflicts in an hour: loopkeeper conflicts", n);
}

static void
look_at_decisions(struct monitor *m, int64_t now_ms)
{
	const struct monitor_config *c = &m->agent.conf->monitor;
	char age[DURATION_SIZE];
	int64_t n = 0, oldest_ms = 0;

	if (metrics_decisions(&m->agent.store, &n, &oldest_ms) < 0)
		m->findings.failed = true;
	say(m, judge(n, c->decisions_warning, c->decisions_critical),
	    "decisions",
	    "%" PRId64 " decisions are pending: loopkeeper decisions", n);
	duration_format(age, oldest_ms);
	say(m,
	    judge(oldest_ms, 0, c->decision_age_critical_ms) == LEVEL_FINE
		? LEVEL_FINE
		: is_sure(m, c->decision_age_critical_ms, now_ms)
		? LEVEL_CRITICAL
		: LEVEL_UNSURE,
	    "decision_age",
	    "a decision has been pending for %s: loopkeeper decisions", age);
}

static void
look_at_database(struct monitor *m)
{
	const struct monitor_config *c = &m->agent.conf->monitor;
	int64_t size = 0;

	if (metrics_database_size(&m->agent.store, &size) < 0)
		m->findings.failed = true;
	say(m, judge(size, c->database_warning, c->database_critical),
	    "database_size", "the coordination database has %" PRId64 " MB: %s",
	    size >> 20, m->agent.store.path);
}

void
rule_metrics(struct monitor *m, int64_t now_ms)
{
	if (!m->has_work)
		m->work_ms = 0;
	else if (m->work_ms == 0)
		m->work_ms = now_ms;
	look_at_passed(m, now_ms);
	look_at_conflicts(m, now_ms);
	look_at_decisions(m, now_ms);
	look_at_database(m);
}
