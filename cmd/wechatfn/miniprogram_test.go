package main

import (
	"os"
	"os/exec"
	"testing"
)

// TestMiniProgramModule is the module for mini-programs and the server together: log in,
// decrypt, a phone number, a dead session_key, logged out elsewhere.
func TestMiniProgramModule(t *testing.T) {
	const module, live = "../../client/miniprogram/wechatfn.js", "../../client/miniprogram/test/live.js"
	for _, file := range []string{module, live} { // so that go test knows what its result hangs on
		if _, err := os.Stat(file); err != nil {
			t.Fatal(err)
		}
	}
	page, _, _ := startDev(t, ":memory:", nil)
	if said, err := exec.CommandContext(t.Context(), "node", live, page).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}
