package page

import (
	"cmp"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/account"
	"wechatfn/shared/problem"
	"wechatfn/shared/web"
)

var pages = template.Must(template.ParseFS(files, "files/*.html"))

// policy lets the page load what this server serves, and nothing else.
const policy = "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// realPolicy adds WeChat's script, its standby host, and what that script calls.
var realPolicy = strings.NewReplacer(
	"script-src 'self'", "script-src 'self' https://res.wx.qq.com https://res2.wx.qq.com",
	"img-src 'self' data:", "img-src 'self' data: https:",
).Replace(policy)

// Routes serves the page and what it calls.
func (d *Page) Routes(mux *web.Mux) {
	get := func(path string, f web.HandlerFunc) { mux.Handle("GET "+path, d.own(web.Handle(f, d.Logger))) }
	get("/", d.index)
	get("/_dev/files/{file}", d.file)
	get("/_dev/status", d.status)
	get("/_dev/state", d.stateNow)
	mux.Handle("GET /_dev/messages", d.own(d.Messages))
	for path, f := range d.actions() {
		mux.Handle("POST "+path, d.own(sameOrigin(web.Handle(f, d.Logger))))
	}
}

// own keeps the desk's pages from a site that has its own name resolve to this
// machine (DNS rebinding): they are served under allowed origins only. Nor may
// another site's page take them in as a script or a picture.
func (d *Page) own(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		for _, origin := range d.Settings.Origins {
			if _, host, _ := strings.Cut(origin, "://"); strings.EqualFold(host, r.Host) {
				next.ServeHTTP(w, r)
				return
			}
		}
		web.WriteProblem(w, problem.HostUnknown.New("this page is not served under the name "+strconv.Quote(r.Host)))
	})
}

// firstWidth is that of the picture until the page's script knows how wide the
// window is.
const firstWidth = 1040

func (d *Page) index(w http.ResponseWriter, r *http.Request) error {
	lang := language(r)
	said := dictionary[lang]
	state, err := d.state(r.Context(), said, firstWidth)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Language, Cookie")
	h.Set("Content-Security-Policy", policy)
	if d.Simulator == nil {
		h.Set("Content-Security-Policy", realPolicy)
	}
	data := d.pageData(lang, said, state)
	data["Host"], data["Address"] = r.Host, "http://"+r.Host+r.URL.RequestURI() // until the page's script knows better
	data["Setup"].(map[string]any)["session"] = hasSession(r)
	return pages.ExecuteTemplate(w, "page.html", data)
}

func (d *Page) pageData(lang string, said words, state State) map[string]any {
	return map[string]any{
		"Lang": map[string]string{english: "en", chinese: "zh-CN"}[lang], "T": said.say, "Words": said,
		"State": state, "Account": d.account.Name, "AppID": d.account.AppID,
		"Simulated": d.Simulator != nil, "Base": d.Settings.APIBase,
		"Website": d.named(account.Website), "Mini": d.named(account.MiniProgram),
		"Phone": d.Phone, "QR": qrCode(cmp.Or(d.Phone, d.PageURL), said.say("phone.alt", "url", cmp.Or(d.Phone, d.PageURL))),
		"PageURL": d.PageURL, "Port": port(d.PageURL),
		"Setup": d.setup(),
	}
}

// port is the one of an address; that of make dev where it has none.
func port(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Port() == "" {
		return "8080"
	}
	return u.Port()
}

// setup is what the page's scripts have to know.
func (d *Page) setup() map[string]any {
	setup := map[string]any{"simulated": d.Simulator != nil, "mini": d.named(account.MiniProgram)}
	if d.Simulator != nil {
		setup["script"] = wechatsim.PathScript + "?wechatsim=inside"
	}
	return setup
}

// named is the name of the first account of a kind, "" if there is none.
func (d *Page) named(kind account.Kind) string {
	a, _ := d.Settings.Accounts.Where(account.Is(kind)).Find("")
	return a.Name
}

// file serves a style sheet, a script or a picture of the page.
func (d *Page) file(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("file")
	content, err := files.ReadFile("files/" + name)
	kind := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": mime.TypeByExtension(".svg")}[path.Ext(name)]
	if err != nil || kind == "" {
		return problem.NotFound.New("")
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-cache")
	_, _ = w.Write(content) // a browser that has gone away is nobody to report to
	return nil
}

// status is the refresher's report.
func (d *Page) status(w http.ResponseWriter, r *http.Request) error {
	report, err := d.Refresher.Status(r.Context())
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, report)
}

// stateNow is how everything stands, for a page of that width.
func (d *Page) stateNow(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r, "lang", "width")
	if err != nil {
		return err
	}
	width, _ := strconv.Atoi(query.Get("width")) // 0 is narrower than any, and so is what is no number
	state, err := d.state(r.Context(), dictionary[language(r)], width)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, state)
}

// hasSession spares a page without one a request that is refused.
func hasSession(r *http.Request) bool {
	_, err := r.Cookie("wechatfn-session")
	return err == nil
}
