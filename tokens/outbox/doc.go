// Package outbox makes the cloud match what the database says.
//
// Whoever changes something that the cloud must hear of writes a row in the
// same transaction (models/outbox.go). A Runner in each process takes leases on
// rows that are due, delivers them one by one, and takes them away, puts them
// off, or buries them for an admin. kinds.go has one deliverer for each kind; it
// reads today's truth, so that a row which comes late, twice or out of order
// does no harm. lanes.go says which kinds share workers.
//
// It never holds a transaction open while it calls a cloud, and never trusts
// that it still has its lease: each result is written under it or not at all. One
// that comes too late has its row delivered anew, because its call may have
// reached the cloud last.
// cmd/imbridge runs it; it calls models, tokens/im and, for a person's first
// token, whoever mints.
package outbox
