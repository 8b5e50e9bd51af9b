// Package browsertest drives a real browser for tests (build tag browser).
package browsertest
