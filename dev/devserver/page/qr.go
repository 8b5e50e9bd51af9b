package page

import (
	"fmt"
	"html"
	"html/template"
	"strings"

	"rsc.io/qr"
)

// quiet is the margin that a reader wants around a code, in modules.
const quiet = 4

// qrCode is an address as a QR code in SVG, dark on light in either theme, as many
// readers want it.
func qrCode(address, name string) template.HTML {
	code, err := qr.Encode(address, qr.M)
	if err != nil {
		return "" // too long for any code
	}
	size := code.Size + 2*quiet
	var path strings.Builder
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	return template.HTML(fmt.Sprintf(`<svg class="qr" role="img" aria-label="%s" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path fill="#000" d="%s"/></svg>`,
		html.EscapeString(name), size, size, size, size, path.String()))
}

// Terminal is an address as a QR code for a terminal: two modules a character, so
// that they are square.
func Terminal(address string) string {
	code, err := qr.Encode(address, qr.L)
	if err != nil {
		return ""
	}
	var out strings.Builder
	for y := -2; y < code.Size+2; y += 2 {
		out.WriteString("  \x1b[30;107m") // black on white, whatever the terminal's colours are
		for x := -2; x < code.Size+2; x++ {
			switch up, down := code.Black(x, y), code.Black(x, y+1); {
			case up && down:
				out.WriteRune('█')
			case up:
				out.WriteRune('▀')
			case down:
				out.WriteRune('▄')
			default:
				out.WriteRune(' ')
			}
		}
		out.WriteString("\x1b[0m\n")
	}
	return out.String()
}
