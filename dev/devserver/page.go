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

// newPage builds the page and its refresher.
func (s *Server) newPage(opened store.Store, client *wechat.Client, logger *slog.Logger) error {
	// Success is printed by statusPrinter, so the log has warnings alone.
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
		c.Simulator, c.Push = s.Simulator.Sim, s.sendSample
	}
	if file := besideStore(s.options.Store, ".page.json"); file != "" {
		if c.Saved, err = os.ReadFile(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		c.Save = func(state []byte) error { return local.WriteFile(file, state) }
	}
	if s.page, err = page.New(c); err != nil {
		return fmt.Errorf("%w (delete %s to start again)", err, besideStore(s.options.Store, ".page.json"))
	}
	return nil
}

// sendSample is `wechatfn trigger`, for a button of the page.
func (s *Server) sendSample(ctx context.Context, sample page.Sample) (string, error) {
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

// besideStore is the file beside the store's file, with that ending; "" if the store is
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

// phoneURL is the address at which another machine reaches this server, "" if none can.
// Of several addresses it is the one from which this machine reaches others; so it is
// not the bridge of a container.
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

// outbound is the address from which this machine reaches others, nil without a network.
// Nothing is sent.
func outbound() net.IP {
	conn, err := net.Dial("udp4", "192.0.2.1:9")
	if err != nil {
		return nil
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).IP
}
