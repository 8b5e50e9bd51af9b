package devserver

import (
	"log/slog"
	"net/http"

	"wechatfn/client"
	"wechatfn/dev/wechatsim"
	"wechatfn/shared/manifest"
	"wechatfn/shared/web"
)

// routes serves every route of the manifest whose function is given, and the
// dev server's own page.
func routes(s *Server, functions map[string]http.Handler, logger *slog.Logger) http.Handler {
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
	if s.Simulator != nil { // WeChat's login pages, and the script of JS-SDK
		for _, path := range []string{wechatsim.PathAuthorize, wechatsim.PathQRConnect, wechatsim.PathScript, wechatsim.PathPreVerify} {
			mux.Handle("GET "+path, s.Simulator)
		}
	}
	mux.Handle("GET /_dev/client.js", web.Handle(clientModule, logger))
	s.page.Routes(mux)
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
