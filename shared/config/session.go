package config

import (
	"strconv"
	"time"
)

const (
	defaultSessionTTL     = 30 * 24 * time.Hour
	defaultSessionIdle    = 7 * 24 * time.Hour
	defaultSessionDevices = 10

	defaultMiniSessionTTL = 72 * time.Hour

	minSession        = time.Minute
	maxSession        = 366 * 24 * time.Hour
	maxSessionDevices = 256
)

// duration reads the life of a session.
func (l *loader) duration(name string, usual time.Duration) time.Duration {
	value := l.get(name)
	if value == "" {
		return usual
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < minSession || d > maxSession {
		l.problem(name, "%q is not a duration from 1m to 8784h, such as 720h", value)
	}
	return d
}

func (l *loader) sessionDevices() int {
	value := l.get(envSessionDevices)
	if value == "" {
		return defaultSessionDevices
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > maxSessionDevices {
		l.problem(envSessionDevices, "%q is not a number from 1 to %d", value, maxSessionDevices)
	}
	return n
}

// publicURL reads our own address.
func (l *loader) publicURL() string {
	value := l.get(envPublicURL)
	if value == "" {
		return ""
	}
	origin, err := parseOrigin(value)
	if err != nil {
		l.problem(envPublicURL, "%v", err) // not quoted: it may hold a password
	}
	return origin
}
