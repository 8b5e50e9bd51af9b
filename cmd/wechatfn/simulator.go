package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/config"
	"wechatfn/shared/wechat"
)

// simulatedEnv is the environment that goes with the simulator: an official
// account, a website app for logins by QR code, and a mini-program.
func simulatedEnv() map[string]string {
	a := simulatedAccount
	return map[string]string{
		"WECHAT_APPS":         `[{"name":"default","kind":"official_account","appId":"` + a["WECHAT_APP_ID"] + `"},{"name":"desktop","kind":"website","appId":"wx51a7ed0000000001"},{"name":"mini","kind":"mini_program","appId":"wx51a7ed0000000002"}]`,
		"WECHAT_APP_SECRETS":  `{"default":"simulated","desktop":"simulated","mini":"simulated"}`,
		"WECHAT_TICKETS":      a["WECHAT_TICKETS"],
		"WECHAT_PUSH_SECRETS": `{"default":{"token":"` + a["WECHAT_TOKEN"] + `","encodingAESKey":"` + a["WECHAT_ENCODING_AES_KEY"] + `"}}`,
	}
}

// simulatedAccount is what trigger has to know of the official account.
var simulatedAccount = map[string]string{
	"WECHAT_APP_ID":           "wx51a7ed0000000000",
	"WECHAT_TICKETS":          "jsapi,wx_card",
	"WECHAT_TOKEN":            "simulated",
	"WECHAT_ENCODING_AES_KEY": "S1mu1atedS1mu1atedS1mu1atedS1mu1atedS1mu1ad",
}

// simulator is a simulated WeChat that remembers its tokens and tickets in a
// file, as the real one would over a restart of ours.
type simulator struct {
	*wechatsim.Sim
	file string
	mu   sync.Mutex // one writer of the file at a time
}

func newSimulator(c *config.Config, file string, now func() time.Time) (*simulator, error) {
	s := &simulator{file: file}
	var apps []wechatsim.App
	for _, app := range c.Apps {
		apps = append(apps, wechatsim.App{ID: app.AppID, Secret: app.Secret.Reveal(), Kind: app.Kind})
	}
	var err error
	s.Sim, err = wechatsim.New(wechatsim.Config{
		Apps: apps,
		Now:  now,
		Seed: "desk",
		// How WeChat passes from one ticket to the next is not known; as with its
		// tokens is the likelier of the guesses.
		Switches: wechatsim.Switches{TicketLead: 300 * time.Second, TicketOverlap: 300 * time.Second},
		OnChange: func() { s.save() },
	})
	if err != nil {
		return nil, err
	}
	return s, s.restore()
}

func (s *simulator) client() (*wechat.Client, error) {
	return wechat.New(wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: s.Client()})
}

func (s *simulator) restore() error {
	if s.file == "" {
		return nil
	}
	snapshot, err := os.ReadFile(s.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = s.Restore(snapshot)
	}
	if err != nil {
		return fmt.Errorf("the simulator's memory cannot be read (delete %s to start anew): %w", s.file, err)
	}
	return nil
}

// save is called after each change. Losing one costs no more than WeChat
// changing its mind: the refresher finds out.
func (s *simulator) save() {
	if s.file == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	snapshot, err := s.Snapshot()
	if err == nil {
		err = writeFile(s.file, snapshot)
	}
	if err != nil {
		slog.Warn("the simulator's memory was not saved", "error", err)
	}
}

// writeFile replaces a file in one step.
func writeFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
