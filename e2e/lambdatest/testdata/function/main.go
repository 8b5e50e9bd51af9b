// Command function is a Lambda function that does what its event says, or what the
// variable START says when it starts.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"wechatfn/shared/lambdahttp"
)

func main() {
	switch os.Getenv("START") {
	case "exit":
		fmt.Print("cannot start") // without a line break
		os.Exit(3)
	case "hang":
		hang()
	case "error":
		report(`{"errorType":"Config","errorMessage":"no app id"}`)
		os.Exit(1)
	case "http":
		lambda.Start(lambdahttp.New(http.HandlerFunc(hello), lambdahttp.Options{}))
	}
	lambda.Start(function{})
}

// hang sleeps: Go reports an empty select as a deadlock.
func hang() { time.Sleep(time.Hour) }

// report does what other runtimes do if the start fails; aws-lambda-go only exits.
func report(text string) {
	url := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/init/error"
	response, err := http.Post(url, "application/json", strings.NewReader(text))
	if err == nil {
		response.Body.Close()
	}
}

func hello(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/exit" {
		os.Exit(4)
	}
	http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
	w.Header().Set("Content-Type", r.Header.Get("Accept"))
	w.WriteHeader(http.StatusTeapot)
	fmt.Fprintf(w, "%s %s?%s %s", r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Cookie"))
}

type function struct{}

type command struct{ Do, Text string }

func (function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	var c command
	if err := json.Unmarshal(event, &c); err != nil {
		return nil, err
	}
	switch c.Do {
	case "fail":
		return nil, errors.New(c.Text)
	case "panic":
		panic(c.Text)
	case "exit":
		os.Exit(5)
	case "hang":
		hang()
	case "big":
		return make([]byte, 7<<20), nil
	case "print":
		fmt.Println(c.Text)
		fmt.Fprintln(os.Stderr, c.Text)
	case "environ":
		return json.Marshal(os.Environ())
	case "deadline":
		deadline, _ := ctx.Deadline()
		return json.Marshal(deadline)
	case "pid":
		return json.Marshal(os.Getpid())
	}
	return event, nil
}
