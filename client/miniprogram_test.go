package client_test

import (
	"os"
	"os/exec"
	"testing"

	"wechatfn/dev/devserver/devservertest"
)

// TestMiniProgramModule is the module for mini-programs and the server together: log in,
// decrypt, a phone number, a dead session_key, logged out elsewhere.
func TestMiniProgramModule(t *testing.T) {
	const module, live = "miniprogram/wechatfn.js", "miniprogram/test/live.js"
	for _, file := range []string{module, live} { // so that go test knows what its result hangs on
		if _, err := os.Stat(file); err != nil {
			t.Fatal(err)
		}
	}
	page := devservertest.Start(t)
	if said, err := exec.CommandContext(t.Context(), "node", live, page).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}
