package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"

	"wechatfn/cmd/wechatfn/demo"
	"wechatfn/shared/app"
	"wechatfn/shared/store"
	"wechatfn/shared/web"
	"wechatfn/shared/wechat"
)

// newDesk builds the page, with the refresher that stands behind it.
func (s *stack) newDesk(d *dev, opened store.Store, client *wechat.Client, logger *slog.Logger) error {
	// The life lines tell what went well.
	refresher, err := app.NewRefresher(s.config, opened, client, s.config.Secret, textLogger(s.config.LogLevel+slog.LevelWarn))
	if err != nil {
		return err
	}
	life := &lifeline{out: d.out, now: s.clock.Now}
	c := demo.Config{
		Settings: s.config, Clock: s.clock, Refresher: refresher,
		PageURL: s.url, Phone: s.phone,
		Messages: web.Handle(s.inbox.stream(s.ended), logger),
		Show:     life.show, Logger: logger,
	}
	if s.simulator != nil {
		c.Simulator, c.Push = s.simulator.Sim, s.sample
	}
	if file := besideStore(d.Store, ".demo.json"); file != "" {
		if c.Memory, err = os.ReadFile(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		c.Save = func(memory []byte) error { return writeFile(file, memory) }
	}
	if s.desk, err = demo.New(c); err != nil {
		return fmt.Errorf("%w (delete %s to start anew)", err, besideStore(d.Store, ".demo.json"))
	}
	return nil
}

// sample is `wechatfn trigger` by a button.
func (s *stack) sample(ctx context.Context, sample demo.Sample) (string, error) {
	var out bytes.Buffer
	t := &trigger{
		Type: "text", URL: s.url + "verify", Repeat: 1, From: "oSim0penid00000000000000wxfn", To: "gh_51a7ed000000",
		Ahead: s.clock.Ahead(), out: &out, getenv: func(string) string { return "" },
	}
	switch sample {
	case demo.SampleEvent:
		t.Type = "subscribe"
	case demo.SampleDuplicate:
		t.Repeat = 3
	case demo.SampleTampered:
		t.Tamper = true
	}
	err := t.Run(ctx)
	return out.String(), err
}

// besideStore is the file of that ending beside the store's, "" where the store is
// in memory.
func besideStore(storePath, ending string) string {
	if isEndpoint(storePath) {
		return ".wechatfn/dev" + ending
	}
	if storePath == ":memory:" {
		return ""
	}
	return storePath + ending
}

// phoneURL is the address under which another machine reaches this server, "" where
// none does. Of several it is the one from which this machine reaches others, which
// leaves out bridges of containers.
func phoneURL(addr *net.TCPAddr) string {
	var found []string
	for _, origin := range ownOrigins(addr) {
		name, _, err := net.SplitHostPort(strings.TrimPrefix(origin, "http://"))
		ip := net.ParseIP(name)
		switch {
		case err != nil || ip == nil || ip.IsLoopback():
		case ip.Equal(outbound()):
			return origin + "/"
		default:
			found = append(found, origin+"/")
		}
	}
	return slices.Concat(found, []string{""})[0]
}

// outbound is this machine's address towards others; nil when it has none. Nothing
// is sent.
func outbound() net.IP {
	conn, err := net.Dial("udp4", "192.0.2.1:9")
	if err != nil {
		return nil
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).IP
}
