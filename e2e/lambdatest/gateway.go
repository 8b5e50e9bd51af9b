package lambdatest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// APIGatewayEvent makes the event, of payload format 2.0, that an API Gateway HTTP API
// with a $default stage makes of a request, such as one of httptest.NewRequest. As in the
// gateway's events, rawPath is decoded and rawQueryString is not, and a body that is not
// UTF-8 is in base64. It reads r.Body to its end.
func APIGatewayEvent(r *http.Request) ([]byte, error) {
	e := events.APIGatewayV2HTTPRequest{
		Version:               "2.0",
		RouteKey:              r.Method + " " + r.URL.Path,
		RawPath:               r.URL.Path,
		RawQueryString:        r.URL.RawQuery,
		Headers:               eventHeaders(r),
		QueryStringParameters: eventQuery(r.URL.Query()),
		RequestContext:        eventContext(r),
	}
	for _, cookies := range r.Header["Cookie"] {
		e.Cookies = append(e.Cookies, strings.Split(cookies, "; ")...)
	}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, fmt.Errorf("lambdatest: read body: %w", err)
		}
		setBody(&e, body)
	}
	return json.Marshal(e)
}

func setBody(e *events.APIGatewayV2HTTPRequest, body []byte) {
	if utf8.Valid(body) {
		e.Body = string(body)
		return
	}
	e.Body = base64.StdEncoding.EncodeToString(body)
	e.IsBase64Encoded = true
}

func eventHeaders(r *http.Request) map[string]string {
	headers := map[string]string{"host": r.Host}
	for name, values := range r.Header {
		if name != "Cookie" {
			headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	return headers
}

func eventQuery(query url.Values) map[string]string {
	parameters := make(map[string]string, len(query))
	for name, values := range query {
		parameters[name] = strings.Join(values, ",")
	}
	return parameters
}

func eventContext(r *http.Request) events.APIGatewayV2HTTPRequestContext {
	now := time.Now().UTC()
	domain, _, _ := strings.Cut(r.Host, ":")
	prefix, _, _ := strings.Cut(domain, ".")
	return events.APIGatewayV2HTTPRequestContext{
		RouteKey:     r.Method + " " + r.URL.Path,
		AccountID:    account,
		Stage:        "$default",
		RequestID:    fmt.Sprintf("%x=", now.UnixNano()),
		APIID:        "lambdatest",
		DomainName:   domain,
		DomainPrefix: prefix,
		Time:         now.Format("02/Jan/2006:15:04:05 +0000"),
		TimeEpoch:    now.UnixMilli(),
		HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
			Method:    r.Method,
			Path:      r.URL.Path,
			Protocol:  r.Proto,
			SourceIP:  sourceIP(r),
			UserAgent: r.UserAgent(),
		},
	}
}

func sourceIP(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

// Request makes a request of an event of payload format 2.0, such as one of
// APIGatewayEvent or a recorded one.
func Request(event []byte) (*http.Request, error) {
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, fmt.Errorf("lambdatest: event is not payload 2.0: %w", err)
	}
	body, err := bodyOf(e.Body, e.IsBase64Encoded)
	if err != nil {
		return nil, fmt.Errorf("lambdatest: body of the event: %w", err)
	}
	target := url.URL{Scheme: "https", Host: e.RequestContext.DomainName, Path: e.RawPath, RawQuery: e.RawQueryString}
	r, err := http.NewRequest(e.RequestContext.HTTP.Method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("lambdatest: request of the event: %w", err)
	}
	for name, value := range e.Headers {
		if !strings.EqualFold(name, "Host") && !strings.EqualFold(name, "Content-Length") {
			r.Header.Set(name, value)
		}
	}
	if len(e.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	return r, nil
}

func bodyOf(text string, isBase64 bool) ([]byte, error) {
	if isBase64 {
		return base64.StdEncoding.DecodeString(text)
	}
	return []byte(text), nil
}

// Response decodes an answer of payload format 2.0.
func Response(answer []byte) (*http.Response, error) {
	var decoded events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(answer, &decoded); err != nil {
		return nil, fmt.Errorf("lambdatest: answer is not payload 2.0: %w", err)
	}
	if decoded.StatusCode == 0 {
		return nil, errors.New("lambdatest: answer has no statusCode")
	}
	body, err := bodyOf(decoded.Body, decoded.IsBase64Encoded)
	if err != nil {
		return nil, fmt.Errorf("lambdatest: body of the answer: %w", err)
	}
	return httpResponse(decoded, body), nil
}

func httpResponse(decoded events.APIGatewayV2HTTPResponse, body []byte) *http.Response {
	header := make(http.Header)
	for name, value := range decoded.Headers {
		header.Set(name, value)
	}
	for _, cookie := range decoded.Cookies {
		header.Add("Set-Cookie", cookie)
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", decoded.StatusCode, http.StatusText(decoded.StatusCode)),
		StatusCode:    decoded.StatusCode,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
	}
}

// ServeHTTP puts an API Gateway HTTP API in front of the function. With
// httptest.NewServer any HTTP client can call it. As there, the answer is 500 if the
// function fails and 503 if it takes too long, and does not say why.
func (f *Function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	response, err := f.RoundTrip(r)
	if err != nil {
		gatewayError(w, err)
		return
	}
	for name, values := range response.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(response.StatusCode)
	_, _ = io.Copy(w, response.Body) // an error means that the client has gone
}

// RoundTrip implements http.RoundTripper, for clients of this process: it makes an event
// of the request, invokes the function and decodes its answer. Errors: those of Invoke.
func (f *Function) RoundTrip(r *http.Request) (*http.Response, error) {
	event, err := APIGatewayEvent(r)
	if err != nil {
		return nil, err
	}
	answer, err := f.Invoke(r.Context(), event)
	if err != nil {
		return nil, err
	}
	return Response(answer)
}

func gatewayError(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if _, ok := errors.AsType[*TimeoutError](err); ok {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"message":%q}`, http.StatusText(status))
}
