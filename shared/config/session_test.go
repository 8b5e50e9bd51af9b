package config

import (
	"strings"
	"testing"
	"time"
)

func TestSessionSettingsAreRead(t *testing.T) {
	c := loadWith(t, "SESSION_TTL", "1h", "SESSION_IDLE_TIMEOUT", " 1m ", "SESSION_DEVICES", "256", "MINIPROGRAM_SESSION_TTL", "8h", "MINIPROGRAM_DATA_AGE", "24h",
		"PUBLIC_URL", "HTTPS://API.example.com:443/", "WECHAT_OPEN_BASE", "http://127.0.0.1:1/")
	for _, field := range []struct {
		name      string
		got, want any
	}{
		{"SESSION_TTL", c.SessionTTL, time.Hour},
		{"SESSION_IDLE_TIMEOUT", c.SessionIdleTimeout, time.Minute},
		{"SESSION_DEVICES", c.SessionDevices, 256},
		{"MINIPROGRAM_SESSION_TTL", c.MiniSessionTTL, 8 * time.Hour},
		{"MINIPROGRAM_DATA_AGE", c.MiniDataAge, 24 * time.Hour},
		{"PUBLIC_URL", c.PublicURL, "https://api.example.com"},
		{"WECHAT_OPEN_BASE", c.OpenBase, "http://127.0.0.1:1"},
	} {
		t.Run(field.name, func(t *testing.T) {
			if field.got != field.want {
				t.Errorf("got %v, want %v", field.got, field.want)
			}
		})
	}
}

func TestSessionSettingsAreRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []string
		want   string
	}{
		{"SESSION_TTL", []string{"59s", "8784h1s", "-1h", "1", "soon"}, "is not a duration from 1m to 8784h, such as " + defaultOf("SESSION_TTL")},
		{"SESSION_IDLE_TIMEOUT", []string{"0", "1d"}, "is not a duration from 1m to 8784h"},
		{"SESSION_DEVICES", []string{"0", "257", "-1", "many", "1.5"}, "is not a number from 1 to 256"},
		{"MINIPROGRAM_SESSION_TTL", []string{"0", "8785h"}, "is not a duration from 1m to 8784h"},
		{"MINIPROGRAM_DATA_AGE", []string{"59s", "24h1s", "-10m", "always"}, "is not a duration from 1m to 24h"},
		{"PUBLIC_URL", []string{"api.example.com", "https://api.example.com/x", "*", "https://u:p@a.example", "ftp://a.example"}, ""},
		{"WECHAT_OPEN_BASE", []string{"open.weixin.qq.com", "https://a.example/?x", "https://u@a.example"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, value := range c.values {
				_, err := Load(env("WECHAT_APP_ID", pushID, c.name, value), 0)
				if err == nil || !strings.HasPrefix(err.Error(), c.name+": ") || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%q: %v", value, err)
				}
			}
		})
	}
}
