/* Random identifiers (RFC 9562, version 4) for events, attempts, epochs. */
#ifndef LOOPKEEPER_BASE_UUID_H
#define LOOPKEEPER_BASE_UUID_H

#define UUID_SIZE 37

/* Writes a fresh one: "f81d4fae-7dec-41d0-a765-00a0c91e6bf6". */
void uuid_new(char buf[static UUID_SIZE]);

#endif
