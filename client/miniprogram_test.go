package client_test

import (
	"os"
	"os/exec"
	"testing"

	"wechatfn/dev/devserver/devservertest"
)

// TestMiniProgramModule runs the module for mini-programs against the dev server: login, decryption, a phone
// number, an invalid session_key, and a logout on another device.
func TestMiniProgramModule(t *testing.T) {
	const module, live = "miniprogram/wechatfn.js", "miniprogram/test/live.js"
	for _, file := range []string{module, live} { // go test caches by the files that a test opens
		if _, err := os.Stat(file); err != nil {
			t.Fatal(err)
		}
	}
	page := devservertest.Start(t)
	if output, err := exec.CommandContext(t.Context(), "node", live, page).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}
