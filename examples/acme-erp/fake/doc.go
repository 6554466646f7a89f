// Package fake holds the two systems between which the tutorial's integration stands: Acme ERP, which calls webhooks when
// its data changes, and Progix, which is told. Both are HTTP handlers for tests and for the demonstration. They keep all in
// memory and account for whatever was asked of them, and they fail on demand, so that a test can count what really happened
// on the far side of the wire.
//
// The package must not know Headrace: to it, Headrace is some caller. It imports nothing else of this module.
package fake
