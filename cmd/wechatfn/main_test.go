package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"wechatfn/shared/web/logtest"
)

// Ctrl-C ends the program at once, with status 0.
func TestInterruptIsClean(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "wechatfn")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out := new(logtest.Buffer)
	cmd := exec.Command(binary, "dev", "--addr", "127.0.0.1:0", "--store", filepath.Join(t.TempDir(), "dev.db"))
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(out.String(), "curl -G http://"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not start:\n%s", out)
		}
	}
	_ = cmd.Process.Signal(syscall.SIGINT)
	if err := cmd.Wait(); err != nil || !strings.HasSuffix(out.String(), "stopped\n") {
		t.Errorf("%v:\n%s", err, out)
	}
}

func TestCommandLine(t *testing.T) {
	yes, no := true, false
	plain := triggerCommand{Type: "text", URL: "http://127.0.0.1:8080/verify", Repeat: 1}
	with := func(change func(*triggerCommand)) triggerCommand {
		c := plain
		change(&c)
		return c
	}
	for _, c := range []struct {
		name string
		args []string
		got  func(*commands) any
		want any
	}{
		{"dev", []string{"dev"}, func(c *commands) any { return c.Dev }, devCommand{Addr: "127.0.0.1:8080", Store: ".wechatfn/dev.db"}},
		{"dev with flags", []string{"dev", "--addr", "a", "--store", "s", "--sim", "--forward", "f"}, func(c *commands) any { return c.Dev }, devCommand{"a", "s", true, "f"}},
		{"simulate", []string{"simulate"}, func(c *commands) any { return c.Simulate }, simulateCommand{"127.0.0.1:9911", "env.json", ""}},
		{"generate", []string{"generate", "--check"}, func(c *commands) any { return c.Generate }, generateCommand{true}},
		{"trigger", []string{"trigger", "text"}, func(c *commands) any { return c.Trigger }, plain},
		{"trigger --encrypt", []string{"trigger", "text", "--encrypt"}, func(c *commands) any { return c.Trigger }, with(func(c *triggerCommand) { c.Encrypt = &yes })},
		{"trigger --no-encrypt", []string{"trigger", "text", "--no-encrypt"}, func(c *commands) any { return c.Trigger }, with(func(c *triggerCommand) { c.Encrypt = &no })},
		{"trigger modes", []string{"trigger", "text", "--compatible", "--json", "--tamper", "--repeat", "3", "--ahead", "2h"}, func(c *commands) any { return c.Trigger }, with(func(c *triggerCommand) {
			c.Compatible, c.JSON, c.Tamper, c.Repeat, c.Ahead = true, true, true, 3, 2*time.Hour
		})},
		{"trigger account", []string{"trigger", "text", "--token", "t", "--aes-key", "k", "--app-id", "a", "--url", "u"}, func(c *commands) any { return c.Trigger }, with(func(c *triggerCommand) {
			c.Token, c.AESKey, c.AppID, c.URL = "t", "k", "a", "u"
		})},
		{"trigger fields with commas", []string{"trigger", "text", "--from", "f", "--to", "g", "--event", "--content", "a,b", "--event-key", "k,1", "--field", "A=b,c", "--field", "D=e"}, func(c *commands) any { return c.Trigger }, with(func(c *triggerCommand) {
			c.From, c.To, c.Event, c.Content, c.EventKey, c.Field = "f", "g", true, "a,b", "k,1", []string{"A=b,c", "D=e"}
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parse(t, c.args)
			if err != nil || !reflect.DeepEqual(c.got(got), c.want) {
				t.Errorf("%v\n got %+v\nwant %+v", err, c.got(got), c.want)
			}
		})
	}
}

func TestTriggerNeedsAType(t *testing.T) {
	if _, err := parse(t, []string{"trigger"}); err == nil || !strings.Contains(err.Error(), `expected "<type>"`) {
		t.Error(err)
	}
}

func parse(t *testing.T, args []string) (*commands, error) {
	t.Helper()
	c := new(commands)
	parser, err := kong.New(c, kong.Name("wechatfn"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(args)
	return c, err
}
