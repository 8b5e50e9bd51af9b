package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"wechatfn/shared/problem"
	"wechatfn/shared/web"
)

func Example() {
	greet := func(w http.ResponseWriter, r *http.Request) error {
		query, err := web.ParseQuery(r, "name")
		if err != nil {
			return err
		}
		if query.Get("name") == "" {
			return problem.ParameterInvalid.New("no name was sent")
		}
		return web.JSON(w, http.StatusOK, map[string]string{"hello": query.Get("name")})
	}
	var mux web.Mux
	mux.Handle("GET /greet", web.Handle(greet, nil))

	for _, target := range []string{"/greet?name=a%26b", "/greet"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		fmt.Print(w.Code, " ", w.Body)
	}
	// Output:
	// 200 {"hello":"a&b"}
	// 400 {"type":"urn:wechatfn:problem:parameter_invalid","title":"Invalid parameter","status":400,"detail":"no name was sent","code":"parameter_invalid","hint":{"en":"See the API description for its form.","zh":"参数格式见接口文档。"}}
}
