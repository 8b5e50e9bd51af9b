// Package generate writes the files that are generated from the manifest and from the
// catalogue of problems.
package generate

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"wechatfn/shared/config"
	"wechatfn/shared/manifest"
)

// files are the generated files, by path.
func files() map[string][]byte {
	return map[string][]byte{
		"docs/reference.md": reference(), "template.yaml": samYAML(),
		"docs/problems.md": Problems(English), "docs/zh/problems.md": Problems(Chinese),
	}
}

// Run writes every generated file. With check it compares them instead, and compares
// docs/openapi.yaml with the catalogue of problems. It runs in the root of the project.
// Errors: of a file that cannot be written, or is out of date.
func Run(check bool) error {
	for path, want := range files() {
		if !check {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				return err
			}
			continue
		}
		if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, want) {
			return fmt.Errorf("%s is out of date: run make generate", path)
		}
	}
	if !check {
		return nil
	}
	text, err := os.ReadFile("docs/openapi.yaml")
	if err != nil {
		return err
	}
	return CheckOpenAPI(text)
}

// reference is docs/reference.md: functions, routes and variables.
func reference() []byte {
	var b bytes.Buffer
	b.WriteString("# Reference\n\nMade by `make generate` from `shared/manifest` and `shared/config`; do not edit.\n\n## Functions\n")
	for _, f := range manifest.Functions() {
		describe(&b, f)
	}
	b.WriteString("\n## Variables\n\n| variable | default | meaning |\n|---|---|---|\n")
	for _, v := range config.Variables() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.Name, code(v.Default), help(v))
	}
	return b.Bytes()
}

func describe(b *bytes.Buffer, f manifest.Function) {
	fmt.Fprintf(b, "\n### %s\n\n%s. Timeout %v, %d MB.\n\n", f.Name, f.Description, f.Timeout, f.MemoryMB)
	for _, r := range f.Routes {
		fmt.Fprintf(b, "- `%s %s`\n", r.Method, r.Path)
	}
	if f.Every > 0 {
		fmt.Fprintf(b, "- every %v\n", f.Every)
	}
	for _, kind := range f.Stream {
		fmt.Fprintf(b, "- when a `%s#` item is written to the table\n", kind)
	}
	var rights []string
	for _, g := range f.Grants {
		rights = append(rights, fmt.Sprintf("`%s#` (%s)", g.Kind, g.Access))
	}
	fmt.Fprintf(b, "\nIn the table: %s.\n", strings.Join(rights, ", "))
	if f.CallsWeChat {
		b.WriteString("Calls WeChat, so its address must be on the account's IP whitelist.\n")
	}
	for _, one := range [][2]string{{"Reads the secret", f.Secret}, {"Puts events on the bus", f.Bus}, {"Invokes the function, if any,", f.Invokes}} {
		if does, variable := one[0], one[1]; variable != "" {
			fmt.Fprintf(b, "%s that `%s` names.\n", does, variable)
		}
	}
	fmt.Fprintf(b, "Reads %s.\n", code(strings.Join(f.Env, "`, `")))
}

func help(v config.Variable) string {
	text := v.Help
	if v.Example != "" {
		text += " Example: " + code(v.Example) + "."
	}
	if v.Secret {
		text += " **Secret.**"
	}
	return text
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}
