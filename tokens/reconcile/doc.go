// Package reconcile compares our people with those of the cloud.
//
// It pages through the cloud's list, where there is one, and then through our
// people; whoever was not listed is looked up. What differs is confirmed by a
// look-up between two reads of our side, so that neither a change in between nor
// one that the outbox is seeing to counts as drift, and no failed call ever reads
// as "missing there". Repairs go through the outbox, in the transaction that
// notes the page. Somebody whom we never had is reported and otherwise left alone.
//
// A run survives its process: cursor, counts and a lease are in the database, and
// one run is under way at a time. cmd/imbridge calls this package, from a command
// and every night; it calls models and the cloud's roles, and starts nothing that
// outlives Run.
package reconcile
