// Package trail keeps the audit trail in SQL: records events, lists, counts and exports them, and deletes them when
// their time is over.
//
// Changes elsewhere store their events here in their own transaction (RecordAll, Transact, Must), so that there is an
// event if and only if there was a change. The answers to requests that must not be carried out twice are here for the
// same reason: a change marks the answer that is reserved for its request.
package trail
