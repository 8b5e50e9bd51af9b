//go:build race

package credential

// raceDetector: tests that simulate long times simulate shorter ones.
const raceDetector = true
