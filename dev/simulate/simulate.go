// Package simulate is what functions call under sam local, without the functions: a
// simulated WeChat, and an EventBridge that prints what it is given.
package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"wechatfn/dev/local"
	"wechatfn/shared/aws/awsconfig"
	"wechatfn/shared/config"
	"wechatfn/shared/web"
)

// Config says where to listen, and what is simulated.
type Config struct {
	Addr   string // to listen on
	Env    string // the file that sam local is given: its account is simulated
	Engine string // a DynamoDB engine, to make the table in; may be empty

	Out   io.Writer        // for messages that arrive on the bus
	Ready func(url string) // called when requests are answered; may be nil
}

// busPath is where the bus is, below the address.
const busPath = "/_bus"

// Run serves until ctx ends.
func Run(ctx context.Context, s Config) error {
	getenv, err := samEnvironment(s.Env)
	if err != nil {
		return err
	}
	c, err := config.Load(getenv, config.Secrets|config.Table)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Env, err)
	}
	simulator, err := local.NewSimulator(c, "", nil) // as fresh as the engine's table
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("%w (choose another address with --addr)", err)
	}
	defer listener.Close()
	if s.Engine != "" {
		if _, err := awsconfig.LocalTable(ctx, s.Engine, c.Table, nil); err != nil {
			return err
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/", simulator)
	mux.HandleFunc("POST "+busPath, s.bus)
	return s.serve(ctx, listener, c, mux)
}

func (s *Config) serve(ctx context.Context, listener net.Listener, c *config.Config, h http.Handler) error {
	server := &http.Server{Handler: web.Recover(h, local.Logger(slog.LevelInfo)), ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	url := "http://" + listener.Addr().String()
	fmt.Fprintf(s.Out, "a simulated WeChat at %s, with the account %s; EventBridge at %s%s\n", url, c.Accounts[0].AppID, url, busPath)
	if s.Ready != nil {
		s.Ready(url)
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return local.ShutDown(server)
	}
}

// samEnvironment reads what a file gives all functions.
func samEnvironment(path string) (func(string) string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w; copy env.json.example to env.json", err)
	}
	var file struct{ Parameters map[string]string }
	if err == nil {
		err = json.Unmarshal(text, &file)
	}
	if err != nil {
		return nil, fmt.Errorf("%s is not {\"Parameters\": {NAME: VALUE, ...}}: %w", path, err)
	}
	return func(name string) string { return file.Parameters[name] }, nil
}

// maxPut is EventBridge's limit for a call.
const maxPut = 1 << 20

// bus answers PutEvents and shows the messages.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
func (s *Config) bus(w http.ResponseWriter, r *http.Request) {
	type event struct{ DetailType, Detail string }
	var input struct{ Entries []event }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxPut)).Decode(&input); err != nil || r.Header.Get("X-Amz-Target") != "AWSEvents.PutEvents" {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"ValidationException","message":"only PutEvents is known here"}`)
		return
	}
	type entry struct{ EventId string }
	answer := struct {
		FailedEntryCount int
		Entries          []entry
	}{Entries: []entry{}}
	for i, e := range input.Entries {
		fmt.Fprintf(s.Out, "%s  on the bus: %s %s\n", local.Clock(time.Now()), local.Printable(e.DetailType), local.Printable(e.Detail))
		answer.Entries = append(answer.Entries, entry{fmt.Sprintf("desk-%d-%d", time.Now().UnixNano(), i)})
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(answer)
}
