// Command wechatfn is the command line of wechatfn.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type commands struct {
	Generate generateCommand `cmd:"" hidden:"" help:"Write the files that are made from the manifest."`
	Dev      devCommand      `cmd:"" help:"Run everything on this machine, on an embedded store and, without WECHAT_APP_ID, a simulated WeChat."`
	Simulate simulateCommand `cmd:"" help:"Serve a simulated WeChat and a bus, for functions that run under sam local (make sam-deps)."`
	Trigger  triggerCommand  `cmd:"" help:"Call a server URL as WeChat does: check it, push a message or an event, or tamper with one."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c commands
	parsed := kong.Parse(&c, kong.Name("wechatfn"), kong.Description("Serverless back-end for web pages inside WeChat."), kong.UsageOnError())
	parsed.BindTo(ctx, (*context.Context)(nil))
	parsed.FatalIfErrorf(parsed.Run())
}
