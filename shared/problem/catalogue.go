package problem

// Topic is a part of the catalogue, and a section of docs/problems.md.
type Topic struct {
	En, Zh  string // what it is about
	Entries []Entry
	// NoRoute: no route of docs/openapi.yaml has these problems.
	NoRoute bool
}

// Entry is one line of the catalogue: a Type, and when it is the answer.
type Entry struct {
	Type   *Type
	En, Zh string // Markdown, for a cell of a table
}

// Catalogue lists every Type once, in the order of docs/problems.md. No function that is
// deployed calls it, so none has the sentences in its binary.
func Catalogue() []Topic {
	return []Topic{
		{En: "Signatures", Zh: "JS-SDK 签名", Entries: signatureEntries()},
		{En: "Logins and sessions", Zh: "登录与会话", Entries: loginEntries()},
		{En: "Mini-programs", Zh: "小程序", Entries: miniProgramEntries()},
		{En: "The server URL and its pushes", Zh: "服务器地址与消息推送", Entries: messageEntries()},
		{En: "Every route", Zh: "所有接口", Entries: generalEntries()},
		{En: "Requests that reach no route", Zh: "未到达任何接口的请求", Entries: unroutedEntries(), NoRoute: true},
		{En: "`make dev` alone", Zh: "仅限 `make dev`", Entries: localEntries(), NoRoute: true},
	}
}
