package docs_test

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"wechatfn/dev/wechatsim"
	"wechatfn/dev/wechatsim/push"
)

var switchNames = regexp.MustCompile("`([A-Z][A-Za-z]+)`")

// The table of unknown behaviour lists every switch of the simulated WeChat, and no others.
func TestProtocolListsEverySwitch(t *testing.T) {
	_, section, _ := strings.Cut(read(t, "protocol.md"), "\n## Unknown behaviour\n")
	var listed []string
	for line := range strings.Lines(section) {
		if first, _, ok := strings.Cut(strings.TrimPrefix(line, "|"), "|"); ok && strings.HasPrefix(line, "|") {
			for _, name := range switchNames.FindAllStringSubmatch(first, -1) {
				listed = append(listed, name[1])
			}
		}
	}
	switches, sender := reflect.TypeFor[wechatsim.Switches](), reflect.TypeFor[push.Config]()
	for _, field := range reflect.VisibleFields(switches) {
		if !slices.Contains(listed, field.Name) {
			t.Errorf("protocol.md does not list the switch %s", field.Name)
		}
	}
	for _, name := range listed {
		_, ofSwitches := switches.FieldByName(name)
		_, ofSender := sender.FieldByName(name)
		if !ofSwitches && !ofSender {
			t.Errorf("protocol.md lists %s, which is no switch", name)
		}
	}
}
