package main

import (
	"context"

	"wechatfn/dev/devserver"
)

// devCommand is `wechatfn dev`.
type devCommand struct {
	Addr    string `default:"127.0.0.1:8080" help:"Address to listen on."`
	Store   string `default:".wechatfn/dev.db" help:"SQLite file, or the URL of a DynamoDB engine (its table is made when it is missing)."`
	Sim     bool   `help:"Use the simulated WeChat even though WECHAT_APP_ID is set."`
	Forward string `placeholder:"URL" help:"Post each message that WeChat pushes to a local program, as JSON; a JSON object in its answer is the reply."`
}

// Run serves until ctx ends.
func (c *devCommand) Run(ctx context.Context) error {
	server, err := devserver.New(ctx, devserver.Config{Addr: c.Addr, Store: c.Store, Sim: c.Sim, Forward: c.Forward})
	if err != nil {
		return err
	}
	return server.Run(ctx)
}
