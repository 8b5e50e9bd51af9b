package wechat

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// errUnexpected covers HTML pages, cut-off JSON, trailing garbage and the like. What the decoder
// says is dropped: it may quote the answer, and answers hold tokens.
var errUnexpected = errors.New("unexpected answer: not a JSON object as WeChat sends them")

// decode reads an answer into out and returns its errcode and errmsg, 0 when there is none.
// Content-Type plays no part: WeChat labels JSON as text/plain as well.
func decode(body []byte, out any) (code int, message string, err error) {
	blankControls(body)
	if !bytes.HasPrefix(bytes.TrimLeft(body, " "), []byte("{")) {
		return 0, "", errUnexpected
	}
	var head struct {
		Code    number          `json:"errcode"`
		Message json.RawMessage `json:"errmsg"`
	}
	if json.Unmarshal(body, &head) != nil {
		return 0, "", errUnexpected
	}
	if head.Code != 0 {
		_ = json.Unmarshal(head.Message, &message) // an errcode counts even if its text is odd
		return int(head.Code), message, nil
	}
	if out != nil && json.Unmarshal(body, out) != nil {
		return 0, "", errUnexpected
	}
	return 0, "", nil
}

// blankControls overwrites bytes below 0x20: WeChat has sent them raw inside strings, where JSON
// forbids them. Between tokens the only legal ones are white space, so nothing is lost.
func blankControls(b []byte) {
	for i, c := range b {
		if c < 0x20 {
			b[i] = ' '
		}
	}
}

// number is an integer that may come as a JSON string: WeChat's pages show "errcode":"40029" too.
type number int

func (n *number) UnmarshalJSON(b []byte) error {
	s := string(b)
	if s == "null" {
		return nil
	}
	if strings.HasPrefix(s, `"`) {
		s = strings.TrimSpace(strings.Trim(s, `"`))
	}
	v, err := strconv.Atoi(s)
	if err != nil {
		return errUnexpected
	}
	*n = number(v)
	return nil
}
