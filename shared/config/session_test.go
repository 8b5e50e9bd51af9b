package config

import (
	"strings"
	"testing"
	"time"
)

func TestSessionSettings(t *testing.T) {
	c, err := Load(env("WECHAT_APP_ID", pushID), 0)
	if err != nil || c.SessionTTL != 720*time.Hour || c.SessionIdleTimeout != 168*time.Hour || c.SessionDevices != 10 || c.MiniSessionTTL != 259200*time.Second || c.MiniDataAge != 10*time.Minute || c.PublicURL != "" || c.OpenBase != "https://open.weixin.qq.com" {
		t.Errorf("defaults: %+v, %v", c, err)
	}
	c, err = Load(env("WECHAT_APP_ID", pushID, "SESSION_TTL", "1h", "SESSION_IDLE_TIMEOUT", " 1m ", "SESSION_DEVICES", "256", "MINIPROGRAM_SESSION_TTL", "8h", "MINIPROGRAM_DATA_AGE", "24h", "PUBLIC_URL", "HTTPS://API.example.com:443/", "WECHAT_OPEN_BASE", "http://127.0.0.1:1/"), 0)
	if err != nil || c.SessionTTL != time.Hour || c.SessionIdleTimeout != time.Minute || c.SessionDevices != 256 || c.MiniSessionTTL != 8*time.Hour || c.MiniDataAge != 24*time.Hour || c.PublicURL != "https://api.example.com" || c.OpenBase != "http://127.0.0.1:1" {
		t.Errorf("set: %+v, %v", c, err)
	}
	for name, values := range map[string][]string{
		"SESSION_TTL":             {"59s", "8784h1s", "-1h", "1", "soon"},
		"SESSION_IDLE_TIMEOUT":    {"0", "1d"},
		"SESSION_DEVICES":         {"0", "257", "-1", "many", "1.5"},
		"MINIPROGRAM_SESSION_TTL": {"0", "8785h"},
		"MINIPROGRAM_DATA_AGE":    {"59s", "24h1s", "-10m", "always"},
		"PUBLIC_URL":              {"api.example.com", "https://api.example.com/x", "*", "https://u:p@a.example", "ftp://a.example"},
		"WECHAT_OPEN_BASE":        {"open.weixin.qq.com", "https://a.example/?x", "https://u@a.example"},
	} {
		for _, value := range values {
			if _, err := Load(env("WECHAT_APP_ID", pushID, name, value), 0); err == nil || !strings.Contains(err.Error(), name+": ") {
				t.Errorf("%s=%s: %v", name, value, err)
			}
		}
	}
}
