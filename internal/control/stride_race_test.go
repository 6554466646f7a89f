//go:build race

package control_test

// strideOfMoments leaves most moments out: under the race detector the store is many times slower, and the plain run tries them all.
const strideOfMoments = 9
