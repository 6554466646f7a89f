// Package compat checks that real definitions of Prismatic run here: every file of a folder, found by listing it, goes through the levels
// that docs/compatibility.md explains, from being imported to registering webhooks in another system. Everything here is tests. They know
// no file by name; what a flow needs of the world to go its way is data, in testdata.
// It must not know how anything is done: it sees the API, the hooks and what arrives at other systems, as everybody does.
package compat
