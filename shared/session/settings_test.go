package session

import (
	"cmp"
	"strings"
	"testing"
	"time"
)

// What tests configure by default.
const (
	DefaultTTL        = 30 * 24 * time.Hour
	DefaultIdle       = 7 * 24 * time.Hour
	DefaultMaxDevices = 10
)

// configured adds the defaults to what a test sets.
func configured(c Config) Config {
	c.TTL, c.IdleTimeout = cmp.Or(c.TTL, DefaultTTL), cmp.Or(c.IdleTimeout, DefaultIdle)
	c.MaxDevices = cmp.Or(c.MaxDevices, DefaultMaxDevices)
	return c
}

func TestNewRefusesWhatIsMissingOrOutOfRange(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no store", func(c *Config) { c.Store = nil }, "Store"},
		{"no TTL", func(c *Config) { c.TTL = 0 }, "TTL"},
		{"a negative TTL", func(c *Config) { c.TTL = -time.Hour }, "TTL"},
		{"a TTL below a second", func(c *Config) { c.TTL = time.Second - 1 }, "TTL"},
		{"no idle timeout", func(c *Config) { c.IdleTimeout = 0 }, "IdleTimeout"},
		{"an idle timeout below a second", func(c *Config) { c.IdleTimeout = time.Millisecond }, "IdleTimeout"},
		{"no devices", func(c *Config) { c.MaxDevices = 0 }, "MaxDevices"},
		{"a negative number of devices", func(c *Config) { c.MaxDevices = -1 }, "MaxDevices"},
		{"too many devices", func(c *Config) { c.MaxDevices = MaxDevicesLimit + 1 }, "MaxDevices"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := configured(Config{Store: newFixture(t, Config{}).recorder})
			if _, err := New(cfg); err != nil {
				t.Fatal(err)
			}
			c.change(&cfg)
			if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error that names %s", err, c.want)
			}
		})
	}
}
