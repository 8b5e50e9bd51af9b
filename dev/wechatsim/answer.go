package wechatsim

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"wechatfn/dev/wechatsim/wait"
)

// errDropped means that the connection breaks before an answer.
var errDropped = errors.New("wechatsim: connection dropped by a fault")

// fields of a JSON answer.
type fields map[string]any

// refusal is WeChat's refusal of a call: HTTP 200 with an errcode. Code 0 is a refusal by the
// simulator, since it is not known what WeChat would do.
type refusal struct {
	code int
	text string
}

func refuse(code int, text string) *refusal { return &refusal{code, text} }

func unknown(text string) *refusal { return &refusal{0, text} }

// answer is an HTTP answer before it is written.
type answer struct {
	status      int
	contentType string
	body        []byte
	header      http.Header   // further headers
	stall       time.Duration // pause between the two halves of the body
}

func plainText(status int, text string) answer {
	return answer{status: status, contentType: "text/plain; charset=utf-8", body: []byte("wechatsim: " + text + "\n")}
}

// render makes an answer in the form that the switches choose.
func (s *Sim) render(f fields, no *refusal, now time.Time) answer {
	if no != nil && no.code == 0 {
		return plainText(http.StatusBadRequest, no.text)
	}
	if no != nil {
		f = fields{"errcode": no.code, "errmsg": no.text + s.rid(now)}
	}
	if code, ok := f["errcode"].(int); ok && s.switches.StringErrcode {
		f["errcode"] = strconv.Itoa(code)
	}
	body, err := json.Marshal(f)
	if err != nil {
		return plainText(http.StatusInternalServerError, err.Error()) // fields hold texts and numbers only
	}
	if s.switches.NicknameControlByte {
		body = bytes.ReplaceAll(body, []byte(`\u0014`), []byte{0x14})
	}
	return answer{status: http.StatusOK, contentType: s.switches.ContentType, body: body}
}

// rid is the request id that WeChat appends to an errmsg. Its first group is the time in hex.
func (s *Sim) rid(now time.Time) string {
	if s.switches.RID == RIDNone {
		return ""
	}
	s.state.Errors++
	raw := s.derive("rid", "", s.state.Errors)
	id := fmt.Sprintf("%08x-%s-%s", now.Unix(), hex.EncodeToString(raw[:4]), hex.EncodeToString(raw[4:8]))
	return fmt.Sprintf(string(s.switches.RID), id)
}

// ServeHTTP answers as WeChat would. A dropped connection is http.ErrAbortHandler.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, err := s.handle(r.Context(), r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), a.header)
	w.Header().Set("Content-Type", a.contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	half := len(a.body)
	if a.stall > 0 {
		half /= 2
	}
	_, _ = w.Write(a.body[:half]) // an error means that the client has left
	if a.stall > 0 {
		_ = http.NewResponseController(w).Flush()
		if wait.For(r.Context(), a.stall) != nil {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(a.body[half:])
	}
}
