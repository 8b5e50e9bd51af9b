package main

import (
	_ "embed"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"wechatfn/client"
	"wechatfn/shared/config"
	"wechatfn/shared/manifest"
	"wechatfn/shared/web"
	"wechatfn/shared/wechatsim"
)

//go:embed page.html
var pageHTML string

// routes serves every route of the manifest whose function is given, and the
// desk's own page.
func routes(s *stack, functions map[string]http.Handler, logger *slog.Logger) http.Handler {
	mux := new(web.Mux)
	preflight := map[string]bool{}
	for _, function := range manifest.Functions() {
		for _, route := range function.Routes {
			handler := functions[function.Name]
			mux.Handle(route.Method+" "+route.Path, handler)
			if !preflight[route.Path] {
				preflight[route.Path] = true
				mux.Handle("OPTIONS "+route.Path, handler)
			}
		}
	}
	if s.simulator != nil { // WeChat's login pages, and the script of JS-SDK
		for _, path := range []string{wechatsim.PathAuthorize, wechatsim.PathQRConnect, wechatsim.PathScript, wechatsim.PathPreVerify} {
			mux.Handle("GET "+path, s.simulator)
		}
	}
	mux.Handle("GET /", s.own(web.Handle(s.page, logger)))
	mux.Handle("GET /_dev/status", s.own(web.Handle(s.status, logger)))
	mux.Handle("GET /_dev/verify", s.own(web.Handle(s.verify, logger)))
	mux.Handle("GET /_dev/messages", s.own(web.Handle(s.inbox.stream(s.ended), logger)))
	mux.Handle("GET /_dev/client.js", web.Handle(clientModule, logger))
	return web.Recover(mux, logger)
}

// clientModule is the browser client, for pages of any origin to import.
func clientModule(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	_, err := w.Write(client.Module)
	return err
}

// own keeps the desk's pages from a site that has its own name resolve to this
// machine (DNS rebinding): they are served under allowed origins only.
func (s *stack) own(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, origin := range s.config.Origins {
			if _, host, _ := strings.Cut(origin, "://"); strings.EqualFold(host, r.Host) {
				next.ServeHTTP(w, r)
				return
			}
		}
		web.WriteProblem(w, &web.Problem{
			Status: http.StatusMisdirectedRequest,
			Code:   "host_unknown",
			Detail: "this page is not served under the name " + strconv.Quote(r.Host),
			Hint:   web.Hint{En: "Add its origin to ALLOWED_ORIGINS.", Zh: "请把该来源加入 ALLOWED_ORIGINS。"},
		})
	})
}

var page = template.Must(template.New("page").Parse(pageHTML))

func (s *stack) page(w http.ResponseWriter, _ *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	website := ""
	for _, a := range s.config.Apps {
		if a.Kind == config.Website {
			website = a.Name
		}
	}
	return page.Execute(w, map[string]any{
		"Website": website,
		"Account": s.config.Apps[0].Name, "AppID": s.config.Apps[0].AppID,
		"Simulated": s.simulator != nil, "Base": s.config.APIBase,
	})
}

// status is the refresher's report.
func (s *stack) status(w http.ResponseWriter, r *http.Request) error {
	report, err := s.refresher.Status(r.Context())
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, report)
}

// verify puts a signature to the simulated WeChat, as wx.config would.
func (s *stack) verify(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r, "appId", "url", "nonceStr", "timestamp", "signature")
	if err != nil {
		return err
	}
	answer := struct {
		Accepted bool   `json:"accepted"`
		Reason   string `json:"reason,omitempty"`
	}{Accepted: true}
	timestamp, err := strconv.ParseInt(query.Get("timestamp"), 10, 64)
	if err == nil && s.simulator != nil {
		err = s.simulator.VerifySignature(query.Get("appId"), query.Get("url"), query.Get("nonceStr"), timestamp, query.Get("signature"))
	}
	if s.simulator == nil {
		return &web.Problem{Status: http.StatusNotFound, Code: "no_simulator", Detail: "only the simulated WeChat can be asked"}
	}
	if err != nil {
		answer.Accepted, answer.Reason = false, err.Error()
	}
	return web.JSON(w, http.StatusOK, answer)
}
