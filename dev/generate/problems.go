// Package generate makes the files that `wechatfn generate` writes, and checks those that
// are written by hand.
package generate

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"strings"

	"wechatfn/shared/problem"
	"wechatfn/shared/web"
)

// Language is one that the documents are written in.
type Language int

// The languages.
const (
	English Language = iota
	Chinese
)

// of picks the text in the language.
func (l Language) of(en, zh string) string {
	if l == Chinese {
		return zh
	}
	return en
}

// Problems is docs/problems.md, or docs/zh/problems.md: every problem of the catalogue.
func Problems(l Language) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, l.of(`# Problems

Made by %s from %s; do not edit.

A refusal is an RFC 9457 document, %s:

%s

%s is stable; switch on it. A problem that a developer can solve has a %s, in English and in Chinese.
A code is in several tables where its hint depends on the route.
`, `# 问题（错误码）

本页由 %s 根据 %s 生成，请勿手工修改。

请求被拒绝时，应答是 RFC 9457 文档，类型为 %s：

%s

%s 是稳定的，程序应根据它判断。开发者能够自行解决的问题都附有中英文 %s。
同一个 code 在不同接口上的提示可能不同，因此会出现在多个表格中。
`), "`make generate`", "`shared/problem`", "`application/problem+json`", example(), "`code`", "`hint`")
	for _, topic := range problem.Catalogue() {
		fmt.Fprintf(&b, "\n## %s\n\n| code | %s |\n|---|---|---|---|\n", l.of(topic.En, topic.Zh), l.of("status | when | what to do", "状态码 | 何时出现 | 如何处理"))
		for _, e := range topic.Entries {
			hint := e.Type.Hint()
			advice := strings.ReplaceAll(l.of(hint.En, hint.Zh), "{}", "…")
			fmt.Fprintf(&b, "| `%s` | %d | %s | %s |\n", e.Type.Code(), e.Type.Status(), l.of(e.En, e.Zh), advice)
		}
	}
	return b.Bytes()
}

// example is a problem as it is sent, in two lines.
func example() string {
	answer := httptest.NewRecorder()
	web.WriteProblem(answer, problem.URLMissing.New("the parameter url is missing or empty"))
	return "```json\n" + strings.Replace(answer.Body.String(), `,"detail"`, ",\n "+`"detail"`, 1) + "```"
}
