package devserver

import (
	"strings"
	"testing"

	"wechatfn/client"
)

// Any page may import the client, and load the script of the simulated WeChat.
func TestDevServesClientAndScript(t *testing.T) {
	base, _, _ := startDev(t, ":memory:", nil)
	status, header, body := fetch(t, base+"_dev/client.js")
	if status != 200 || body != string(client.Module) || !strings.HasPrefix(header.Get("Content-Type"), "text/javascript") || header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%d %v", status, header)
	}
	if !strings.Contains(body, "export {") || !strings.Contains(body, "connect") {
		t.Error("no module")
	}
	if status, _, body := fetch(t, base+"open/js/jweixin-1.6.0.js"); status != 200 || !strings.Contains(body, "/_jweixin/verify") {
		t.Errorf("%d", status)
	}
	if status, _, body := fetch(t, base+"_jweixin/verify?appid=wx51a7ed0000000000&timestamp=1"); status != 200 || !strings.Contains(body, "63002,invalid signature") {
		t.Errorf("%d %s", status, body)
	}
}

// With the real WeChat its script comes from WeChat.
func TestDevLeavesTheScriptToWeChat(t *testing.T) {
	base, _, _ := startDev(t, ":memory:", map[string]string{"WECHAT_APP_ID": "wx1234567890abcdef", "WECHAT_APP_SECRET": "canary", "WECHAT_API_BASE": "http://127.0.0.1:1"})
	for _, path := range []string{"open/js/jweixin-1.6.0.js", "_jweixin/verify"} {
		if status, _, body := fetch(t, base+path); status != 404 || !strings.Contains(body, "not_found") {
			t.Errorf("/%s: %d %s", path, status, body)
		}
	}
}
