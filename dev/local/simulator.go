// Package local has what the commands on this machine share: the simulated WeChat with
// its accounts, the shutdown of an HTTP server, and text for the terminal.
package local

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

// Environment has the variables for the simulator: an official account, a website app
// for logins by QR code, and a mini-program.
func Environment() map[string]string {
	a := Account
	return map[string]string{
		"WECHAT_APPS":         `[{"name":"default","kind":"official_account","appId":"` + a["WECHAT_APP_ID"] + `"},{"name":"desktop","kind":"website","appId":"wx51a7ed0000000001"},{"name":"mini","kind":"mini_program","appId":"wx51a7ed0000000002"}]`,
		"WECHAT_APP_SECRETS":  `{"default":"simulated","desktop":"simulated","mini":"simulated"}`,
		"WECHAT_TICKETS":      a["WECHAT_TICKETS"],
		"WECHAT_PUSH_SECRETS": `{"default":{"token":"` + a["WECHAT_TOKEN"] + `","encodingAESKey":"` + a["WECHAT_ENCODING_AES_KEY"] + `"}}`,
	}
}

// Account has the variables of the official account that trigger needs.
var Account = map[string]string{
	"WECHAT_APP_ID":           "wx51a7ed0000000000",
	"WECHAT_TICKETS":          "jsapi,wx_card",
	"WECHAT_TOKEN":            "simulated",
	"WECHAT_ENCODING_AES_KEY": "S1mu1atedS1mu1atedS1mu1atedS1mu1atedS1mu1ad",
}

// Simulator is a simulated WeChat that stores its tokens and tickets in a file, so
// that they are still valid after a restart. It is safe for concurrent use.
type Simulator struct {
	*wechatsim.Sim
	file string
	mu   sync.Mutex // one writer of the file at a time
}

// NewSimulator makes a simulator with the accounts of c. With an empty file, nothing is
// stored. Errors: of a file that cannot be read.
func NewSimulator(c *config.Config, file string, now func() time.Time) (*Simulator, error) {
	s := &Simulator{file: file}
	var apps []wechatsim.App
	for _, app := range c.Accounts {
		apps = append(apps, wechatsim.App{ID: app.AppID, Secret: c.AppSecrets.For(app.Name, app.AppID).Reveal(), Kind: string(app.Kind)})
	}
	var err error
	s.Sim, err = wechatsim.New(wechatsim.Config{
		Apps: apps,
		Now:  now,
		Seed: "local",
		// How WeChat replaces a ticket is not known. The same as for tokens is more
		// likely than a change without an overlap.
		Switches: wechatsim.Switches{TicketLead: 300 * time.Second, TicketOverlap: 300 * time.Second},
		OnChange: func() { s.save() },
	})
	if err != nil {
		return nil, err
	}
	return s, s.restore()
}

// WeChat is a client of the simulator, without a network.
func (s *Simulator) WeChat() (*wechat.Client, error) {
	return wechat.New(wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: s.Client()})
}

func (s *Simulator) restore() error {
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
		return fmt.Errorf("the state of the simulator cannot be read (delete %s to start again): %w", s.file, err)
	}
	return nil
}

// save is called after each change. If one is lost, WeChat refuses a token or a ticket,
// and the refresher notices.
func (s *Simulator) save() {
	if s.file == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	snapshot, err := s.Snapshot()
	if err == nil {
		err = WriteFile(s.file, snapshot)
	}
	if err != nil {
		slog.Warn("the state of the simulator was not saved", "error", err)
	}
}

// WriteFile replaces a file in one step.
func WriteFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
