package config_test

import (
	"fmt"
	"testing"

	"wechatfn/shared/config"
	"wechatfn/shared/session"
)

// Package session has the limit too; config cannot import it.
func TestAsManyDevicesAsASessionTakes(t *testing.T) {
	for _, c := range []struct {
		name    string
		devices int
		ok      bool
	}{
		{"the most", session.MaxDevicesLimit, true},
		{"one more", session.MaxDevicesLimit + 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			values := map[string]string{"WECHAT_APP_ID": "wx520c15f417810387", "SESSION_DEVICES": fmt.Sprint(c.devices)}
			if _, err := config.Load(func(name string) string { return values[name] }, 0); (err == nil) != c.ok {
				t.Error(err)
			}
		})
	}
}
