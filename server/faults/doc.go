// Package faults breaks the server from outside and counts what is left: it kills the program at any moment and at chosen points,
// cuts its power, fills its disk, stops its clock hands, and compares what was promised with what came of it. Everything here is
// tests, built with the tag faults (make faults); docs/reliability.md tells which promise each of them proves.
// It must not know how the server keeps its promises: it sees the ports, the exit code and the files, as everybody does.
package faults
