package config

import (
	"strconv"
	"strings"
	"time"
)

// Limits of what can be configured.
const (
	minSession        = time.Minute
	maxSession        = 366 * 24 * time.Hour
	maxSessionDevices = 256 // that of session.MaxDevicesLimit; a test compares them

	minWindow = time.Minute
	maxWindow = 24 * time.Hour
)

// duration reads a duration between two limits.
func (l *loader) duration(name string, least, most time.Duration) time.Duration {
	value := l.get(name)
	d, err := time.ParseDuration(value)
	if err != nil || d < least || d > most {
		l.problem(name, "%q is not a duration from %s to %s, such as %s", value, short(least), short(most), l.defaultOf(name))
	}
	return d
}

// short writes a duration of whole minutes as in a variable: 24h, not 24h0m0s.
func short(d time.Duration) string {
	return strings.Replace(strings.Replace(d.String(), "m0s", "m", 1), "h0m", "h", 1)
}

func (l *loader) sessionDevices() int {
	value := l.get(EnvSessionDevices)
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > maxSessionDevices {
		l.problem(EnvSessionDevices, "%q is not a number from 1 to %d", value, maxSessionDevices)
	}
	return n
}

// publicURL reads our own address.
func (l *loader) publicURL() string {
	value := l.get(EnvPublicURL)
	if value == "" {
		return ""
	}
	origin, err := parseOrigin(value)
	if err != nil {
		l.problem(EnvPublicURL, "%v", err) // not quoted: it may hold a password
	}
	return origin
}
