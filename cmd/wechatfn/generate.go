package main

import "wechatfn/dev/generate"

// generateCommand is `wechatfn generate`.
type generateCommand struct {
	Check bool `help:"Write nothing; fail when a file is out of date."`
}

// Run writes or compares the files. It runs at the project's root.
func (c *generateCommand) Run() error { return generate.Run(c.Check) }
