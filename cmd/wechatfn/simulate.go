package main

import (
	"context"
	"os"

	"wechatfn/dev/simulate"
)

// simulateCommand is `wechatfn simulate`.
type simulateCommand struct {
	Addr   string `default:"127.0.0.1:9911" help:"Address to listen on."`
	Env    string `default:"env.json" help:"The file that sam local is given: its account is simulated."`
	Engine string `placeholder:"URL" help:"A DynamoDB engine, to make the table in."`
}

// Run serves until ctx ends.
func (c *simulateCommand) Run(ctx context.Context) error {
	return simulate.Run(ctx, simulate.Config{Addr: c.Addr, Env: c.Env, Engine: c.Engine, Out: os.Stdout})
}
