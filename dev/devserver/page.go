package devserver

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

	"wechatfn/dev/devserver/page"
	"wechatfn/dev/local"
	"wechatfn/dev/trigger"
	"wechatfn/shared/app"
	"wechatfn/shared/store"
	"wechatfn/shared/web"
	"wechatfn/shared/wechat"
)

// newPage builds the page, with the refresher that stands behind it.
func (s *Server) newPage(opened store.Store, client *wechat.Client, logger *slog.Logger) error {
	// The life lines tell what went well.
	refresher, err := app.Refresher(s.config, app.Deps{
		Store: opened, WeChat: client, Secrets: s.config.Secret, Now: s.clock.Now, Logger: local.Logger(s.config.LogLevel + slog.LevelWarn),
	})
	if err != nil {
		return err
	}
	printer := &statusPrinter{out: s.options.Out, now: s.clock.Now}
	c := page.Config{
		Settings: s.config, Clock: s.clock, Refresher: refresher,
		PageURL: s.url, Phone: s.phone,
		Messages: web.Handle(s.inbox.stream(s.ended), logger),
		Show:     printer.show, Logger: logger,
	}
	if s.Simulator != nil {
		c.Simulator, c.Push = s.Simulator.Sim, s.sample
	}
	if file := besideStore(s.options.Store, ".demo.json"); file != "" {
		if c.Memory, err = os.ReadFile(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		c.Save = func(memory []byte) error { return local.WriteFile(file, memory) }
	}
	if s.page, err = page.New(c); err != nil {
		return fmt.Errorf("%w (delete %s to start anew)", err, besideStore(s.options.Store, ".demo.json"))
	}
	return nil
}

// sample is `wechatfn trigger` by a button.
func (s *Server) sample(ctx context.Context, sample page.Sample) (string, error) {
	var out bytes.Buffer
	o := trigger.Options{Type: "text", URL: s.url + "verify", Repeat: 1, Ahead: s.clock.Ahead()}
	switch sample {
	case page.SampleEvent:
		o.Type = "subscribe"
	case page.SampleDuplicate:
		o.Repeat = 3
	case page.SampleTampered:
		o.Tamper = true
	}
	err := trigger.Run(ctx, o, &out, func(string) string { return "" })
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
