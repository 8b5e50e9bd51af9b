// Package credential renews WeChat's access tokens and tickets and hands them
// out, for any number of processes that share one table.
//
// Everything that is known of an account is in one item of the table, its
// [Record]. A [Renewer] works in four steps:
//
//  1. Read the record and decide. [Next] is a pure function: from the record and
//     the time it returns what to ask WeChat for. It asks well before a token or
//     ticket expires.
//  2. Take the account's lease. This is one conditional write of the record. It
//     fails if the record was written since it was read, so the decision is
//     still right when the write succeeds.
//  3. Ask WeChat, at most once for each token and ticket. A new ticket is
//     published in an item of its own.
//  4. Save the answers and release the lease, in one conditional write. It fails
//     if another Renewer has taken the lease over.
//
// So any number of refreshers can run at the same time, and any of them can crash
// at any point, without losing a token or asking WeChat twice in an epoch. A lease
// expires by itself, and the next tick takes over. An old value is replaced by a
// new one; it is never deleted first.
//
// A [Reader] hands out tickets and tokens from memory and reads the table again
// after a minute at most. It never asks WeChat. If a value has less than three
// minutes left, is missing, or is refused by WeChat, it writes a refresh request into
// the table, which invokes the refresher.
//
// Where to read: record.go is what is stored, next.go decides what to ask for and
// what an answer means, renewer.go has the four steps, lease.go the conditional
// writes, ask.go asks WeChat, publish.go stores a ticket for readers, failure.go
// says when to ask again after an error, force.go and request.go are the other two
// reasons to renew, and reader.go hands out.
package credential
