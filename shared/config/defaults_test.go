package config

import (
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
)

// loadWith loads one account and these variables.
func loadWith(t *testing.T, pairs ...string) *Config {
	t.Helper()
	c, err := Load(env(append([]string{"WECHAT_APP_ID", pushID}, pairs...)...), 0)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// loadedDefaults reads each field that has a default where nothing is set, as the
// variable would be written.
func loadedDefaults(t *testing.T) map[string]string {
	t.Helper()
	c := loadWith(t)
	return map[string]string{
		"WECHAT_TOKEN_MODE":       c.TokenMode,
		"WECHAT_TICKETS":          strings.ReplaceAll(strings.Trim(fmt.Sprint(c.Accounts[0].Tickets), "[]"), " ", ","),
		"WECHAT_API_BASE":         c.APIBase,
		"WECHAT_OPEN_BASE":        c.OpenBase,
		"SIGNATURE_CACHE":         c.SignatureCache,
		"WECHAT_PUSH_WINDOW":      short(c.PushWindow),
		"SESSION_TTL":             short(c.SessionTTL),
		"SESSION_IDLE_TIMEOUT":    short(c.SessionIdleTimeout),
		"SESSION_DEVICES":         fmt.Sprint(c.SessionDevices),
		"MINIPROGRAM_SESSION_TTL": short(c.MiniSessionTTL),
		"MINIPROGRAM_DATA_AGE":    short(c.MiniDataAge),
		"LOG_LEVEL":               strings.ToLower(c.LogLevel.String()),
	}
}

// TestLoadedDefaultIsTheDocumentedOne compares each variable of the table with what
// Load returns where it is not set.
func TestLoadedDefaultIsTheDocumentedOne(t *testing.T) {
	loaded := loadedDefaults(t)
	for _, v := range Variables() {
		t.Run(v.Name, func(t *testing.T) {
			got, known := loaded[v.Name]
			if known != (v.Default != "") {
				t.Fatalf("the documented default is %q; this test reads a default of it: %v", v.Default, known)
			}
			if got != v.Default {
				t.Errorf("Load returns %q, documented is %q", got, v.Default)
			}
			if !known {
				return
			}
			if set := loadWith(t, v.Name, v.Default); !reflect.DeepEqual(set, loadWith(t)) {
				t.Errorf("the documented default, when set, gives another configuration: %+v", set)
			}
		})
	}
}

// TestEveryDefaultIsDocumented finds fields that Load fills though no variable has
// a default for them.
func TestEveryDefaultIsDocumented(t *testing.T) {
	filled := map[string]bool{"Accounts": true, "AppSecrets": true, "DomainProofs": true} // the account that is set, and maps without values
	for _, name := range []string{"TokenMode", "APIBase", "OpenBase", "SignatureCache", "PushWindow", "SessionTTL", "SessionIdleTimeout", "SessionDevices", "MiniSessionTTL", "MiniDataAge"} {
		filled[name] = true
	}
	c := reflect.ValueOf(loadWith(t)).Elem()
	for i := range c.NumField() {
		name := c.Type().Field(i).Name
		if c.Field(i).IsZero() == filled[name] {
			t.Errorf("%s is %v", name, c.Field(i))
		}
	}
}

// TestLoadFollowsTheTable changes each default and expects Load to follow, so that
// no default is stated a second time.
func TestLoadFollowsTheTable(t *testing.T) {
	for _, c := range []struct {
		variable, other string
		read            func(*Config) any
		want            any
	}{
		{"WECHAT_TOKEN_MODE", "classic", func(c *Config) any { return c.TokenMode }, ModeClassic},
		{"WECHAT_TICKETS", "wx_card", func(c *Config) any { return fmt.Sprint(c.Accounts[0].Tickets) }, "[wx_card]"},
		{"WECHAT_API_BASE", "https://a.example", func(c *Config) any { return c.APIBase }, "https://a.example"},
		{"WECHAT_OPEN_BASE", "https://b.example", func(c *Config) any { return c.OpenBase }, "https://b.example"},
		{"SIGNATURE_CACHE", "table", func(c *Config) any { return c.SignatureCache }, CacheTable},
		{"WECHAT_PUSH_WINDOW", "11m", func(c *Config) any { return c.PushWindow }, 11 * time.Minute},
		{"SESSION_TTL", "699h", func(c *Config) any { return c.SessionTTL }, 699 * time.Hour},
		{"SESSION_IDLE_TIMEOUT", "100h", func(c *Config) any { return c.SessionIdleTimeout }, 100 * time.Hour},
		{"SESSION_DEVICES", "7", func(c *Config) any { return c.SessionDevices }, 7},
		{"MINIPROGRAM_SESSION_TTL", "71h", func(c *Config) any { return c.MiniSessionTTL }, 71 * time.Hour},
		{"MINIPROGRAM_DATA_AGE", "9m", func(c *Config) any { return c.MiniDataAge }, 9 * time.Minute},
		{"LOG_LEVEL", "error", func(c *Config) any { return c.LogLevel }, slog.LevelError},
	} {
		t.Run(c.variable, func(t *testing.T) {
			if now := defaultOf(c.variable); now == "" || now == c.other {
				t.Fatalf("the default %q is to be changed to %q", now, c.other)
			}
			changed := func(name string) string {
				if name == c.variable {
					return c.other
				}
				return defaultOf(name)
			}
			got, err := load(env("WECHAT_APP_ID", pushID), 0, changed)
			if err != nil || c.read(got) != c.want {
				t.Errorf("got %v, %v, want %v", c.read(got), err, c.want)
			}
		})
	}
}
