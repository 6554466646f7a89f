//go:build !race

package control_test

// strideOfMoments is how far it is from one moment of death that is tried to the next: all are.
const strideOfMoments = 1
