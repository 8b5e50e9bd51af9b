//go:build race

package credential

// raceDetector makes tests that live through a month live through less.
const raceDetector = true
