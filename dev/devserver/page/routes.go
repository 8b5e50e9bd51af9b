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

// policy lets the page load only what this server serves.
const policy = "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// realPolicy adds WeChat's script, its standby host, and what that script calls.
var realPolicy = strings.NewReplacer(
	"script-src 'self'", "script-src 'self' https://res.wx.qq.com https://res2.wx.qq.com",
	"img-src 'self' data:", "img-src 'self' data: https:",
).Replace(policy)

// Routes serves the page and what it calls.
func (p *Page) Routes(mux *web.Mux) {
	get := func(path string, f web.HandlerFunc) { mux.Handle("GET "+path, p.ownHost(web.Handle(f, p.cfg.Logger))) }
	get("/", p.index)
	get("/_dev/files/{file}", p.file)
	get("/_dev/status", p.status)
	get("/_dev/state", p.stateNow)
	mux.Handle("GET /_dev/messages", p.ownHost(p.cfg.Messages))
	for path, f := range p.actions() {
		mux.Handle("POST "+path, p.ownHost(sameOrigin(web.Handle(f, p.cfg.Logger))))
	}
}

// ownHost serves next under allowed origins only. So a site whose name resolves to
// this machine (DNS rebinding) cannot read it. Nor can another site's page load it as
// a script or a picture.
func (p *Page) ownHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		for _, origin := range p.cfg.Settings.Origins {
			if _, host, _ := strings.Cut(origin, "://"); strings.EqualFold(host, r.Host) {
				next.ServeHTTP(w, r)
				return
			}
		}
		web.WriteProblem(w, problem.HostUnknown.New("this page is not served under the name "+strconv.Quote(r.Host)))
	})
}

// initialWidth is the width of the chart until the page's script has measured the
// window.
const initialWidth = 1040

func (p *Page) index(w http.ResponseWriter, r *http.Request) error {
	lang := language(r)
	said := dictionary[lang]
	state, err := p.state(r.Context(), said, initialWidth)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Language, Cookie")
	h.Set("Content-Security-Policy", policy)
	if p.cfg.Simulator == nil {
		h.Set("Content-Security-Policy", realPolicy)
	}
	data := p.pageData(lang, said, state)
	data["Host"], data["Address"] = r.Host, "http://"+r.Host+r.URL.RequestURI() // until the page's script replaces them
	data["Setup"].(map[string]any)["session"] = hasSession(r)
	return pages.ExecuteTemplate(w, "page.html", data)
}

func (p *Page) pageData(lang string, said words, state State) map[string]any {
	return map[string]any{
		"Lang": map[string]string{english: "en", chinese: "zh-CN"}[lang], "T": said.say, "Words": said,
		"State": state, "Account": p.account.Name, "AppID": p.account.AppID,
		"Simulated": p.cfg.Simulator != nil, "Base": p.cfg.Settings.APIBase,
		"Website": p.named(account.Website), "Mini": p.named(account.MiniProgram),
		"Phone": p.cfg.Phone, "QR": qrCode(cmp.Or(p.cfg.Phone, p.cfg.PageURL), said.say("phone.alt", "url", cmp.Or(p.cfg.Phone, p.cfg.PageURL))),
		"PageURL": p.cfg.PageURL, "Port": port(p.cfg.PageURL),
		"Setup": p.setup(),
	}
}

// port is the port of an address, or that of make dev if it has none.
func port(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Port() == "" {
		return "8080"
	}
	return u.Port()
}

// setup is what the page's scripts need to know.
func (p *Page) setup() map[string]any {
	setup := map[string]any{"simulated": p.cfg.Simulator != nil, "mini": p.named(account.MiniProgram)}
	if p.cfg.Simulator != nil {
		setup["script"] = wechatsim.PathScript + "?wechatsim=inside"
	}
	return setup
}

// named is the name of the first account of a kind, "" if there is none.
func (p *Page) named(kind account.Kind) string {
	a, _ := p.cfg.Settings.Accounts.Where(account.Is(kind)).Find("")
	return a.Name
}

// file serves a style sheet, a script or a picture of the page.
func (p *Page) file(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("file")
	content, err := files.ReadFile("files/" + name)
	kind := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": mime.TypeByExtension(".svg")}[path.Ext(name)]
	if err != nil || kind == "" {
		return problem.NotFound.New("")
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-cache")
	_, _ = w.Write(content) // an error means that the browser has left
	return nil
}

// status is the refresher's report.
func (p *Page) status(w http.ResponseWriter, r *http.Request) error {
	report, err := p.cfg.Refresher.Status(r.Context())
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, report)
}

// stateNow answers the state, with a chart of the requested width.
func (p *Page) stateNow(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r, "lang", "width")
	if err != nil {
		return err
	}
	width, _ := strconv.Atoi(query.Get("width")) // 0, also for what is no number, gives the smallest width
	state, err := p.state(r.Context(), dictionary[language(r)], width)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, state)
}

// hasSession reports whether there is a session cookie. Without one, the page sends no
// request for the session.
func hasSession(r *http.Request) bool {
	_, err := r.Cookie("wechatfn-session")
	return err == nil
}
