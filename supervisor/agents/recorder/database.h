/*
 * The recorder's database: opened, lost, released by `pause all` and taken
 * back by `resume`.
 */
#ifndef LOOPKEEPER_AGENTS_RECORDER_DATABASE_H
#define LOOPKEEPER_AGENTS_RECORDER_DATABASE_H

#include "agents/recorder/recorder.h"

/* Does what the present state and the file `wanted` ask for; to be called
 * again at r->open_ms. */
void database_due(struct recorder *r);

/* A call of store/ failed while doing what: says it once, and has it tried
 * again, with the database opened anew where it was lost. */
void database_failed(struct recorder *r, const char *what);

/* It worked: says so if it had failed. */
void database_works(struct recorder *r);

/* Looks whether it can be written, where nothing else would tell: loops that
 * wait for it have nothing to say. Returns 0; -1 when it can't be. */
int database_probe(struct recorder *r);

/* Another database lies there: what it was told is to be told again. */
void database_changed(struct recorder *r);

#endif
