package page

import (
	"fmt"
	"html"
	"strings"
	"time"
)

// Measures of the picture, in CSS pixels.
const (
	narrowest, widest = 260, 1080
	marginLeft        = 30
	marginRight       = 6
	labelHeight       = 26
	plotHeight        = 46
	rowHeight         = labelHeight + plotHeight + 12
	laneHeight        = 24 // of the refused signatures
	axisHeight        = 22
)

// full is the longest life that a token or ticket has, in seconds.
const full = 7200

// chart draws the lives of all credentials one above the other, as SVG.
type chart struct {
	strings.Builder
	w        words
	from, to int64
	width    int
	height   int
}

// draw is the picture of what is remembered, up to now.
func (h *history) draw(w words, now time.Time, width int) string {
	c := &chart{w: w, from: h.since(now), to: now.Unix(), width: min(max(width, narrowest), widest)}
	c.height = len(h.Lives)*rowHeight + laneHeight + axisHeight
	fmt.Fprintf(c, `<svg role="img" aria-labelledby="life-title life-desc" viewBox="0 0 %d %d" width="%d" height="%d">`, c.width, c.height, c.width, c.height)
	c.element("title", ` id="life-title"`, w.say("life.title", "from", clock(c.from), "to", clock(c.to)))
	c.element("desc", ` id="life-desc"`, h.describe(w, c.from))
	c.hours()
	c.WriteString(`<g class="bands">`) // as one, so that troubles at the same time are no darker
	for _, b := range h.Bands {
		c.band(b)
	}
	c.WriteString("</g>")
	for i, l := range h.Lives {
		c.row(i*rowHeight, l)
	}
	c.refused(h.Refused)
	c.WriteString("</svg>")
	return c.String()
}

// since is where the picture begins: two hours ago at least, and at a whole half
// hour before what is remembered.
func (h *history) since(now time.Time) int64 {
	first := now.Add(-2 * time.Hour).Unix()
	for _, l := range h.Lives {
		if len(l.Spans) > 0 {
			first = min(first, l.Spans[0].From)
		}
	}
	return max(first, now.Add(-window).Unix())
}

func (c *chart) element(name, attributes, text string) {
	fmt.Fprintf(c, "<%s%s>%s</%s>", name, attributes, html.EscapeString(text), name)
}

func (c *chart) x(t int64) float64 {
	t = min(max(t, c.from), c.to)
	plot := float64(c.width - marginLeft - marginRight)
	return marginLeft + plot*float64(t-c.from)/float64(max(1, c.to-c.from))
}

func y(base int, left int64) float64 {
	return float64(base) - plotHeight*float64(min(max(left, 0), full))/full
}

// hours draws the axis of time.
func (c *chart) hours() {
	step := int64(30 * 60)
	for (c.to-c.from)/step*56 > int64(c.width-marginLeft) {
		step *= 2
	}
	for t := (c.from/step + 1) * step; t <= c.to; t += step {
		x := c.x(t)
		fmt.Fprintf(c, `<line class="grid" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`, x, x, labelHeight, c.height-axisHeight)
		if x < float64(c.width-20) {
			c.element("text", fmt.Sprintf(` class="axis" text-anchor="middle" x="%.1f" y="%d"`, x, c.height-6), clock(t))
		}
	}
}

// band is the time of a trouble.
func (c *chart) band(b band) {
	to := b.To
	if to == 0 {
		to = c.to
	}
	if to < c.from {
		return
	}
	left, right := c.x(b.From), c.x(to)
	fmt.Fprintf(c, `<rect class="band" x="%.1f" y="%d" width="%.1f" height="%d">`, left, labelHeight-4, max(2, right-left), c.height-labelHeight-axisHeight+4)
	c.element("title", "", c.w.say("band."+b.What)+", "+during(b.From, b.To))
	c.WriteString("</rect>")
}

func (c *chart) row(top int, l life) {
	base := top + labelHeight + plotHeight
	fmt.Fprintf(c, `<line class="base" x1="%d" x2="%d" y1="%d" y2="%d"/>`, marginLeft, c.width-marginRight, base, base)
	c.element("text", fmt.Sprintf(` class="name" x="%d" y="%d"`, marginLeft, top+14), c.w.credential(l))
	c.element("text", fmt.Sprintf(` class="axis" text-anchor="end" x="%d" y="%d"`, marginLeft-6, top+labelHeight+5), "2h")
	c.element("text", fmt.Sprintf(` class="axis" text-anchor="end" x="%d" y="%d"`, marginLeft-6, base+4), "0")
	if n := len(l.Spans); n > 0 {
		c.element("text", fmt.Sprintf(` class="left" text-anchor="end" x="%d" y="%d"`, c.width-marginRight, top+14), c.w.left(l.Spans[n-1].End-c.to))
	}
	line, area := l.paths(c, base)
	fmt.Fprintf(c, `<path class="area" d="%s"/><path class="life" d="%s"/>`, area, line)
	c.marks(base, l)
}

// paths are the line of what was left, and the area below it.
func (l life) paths(c *chart, base int) (line, area string) {
	var points, fill strings.Builder
	for i, s := range l.Spans {
		if s.To < c.from {
			continue
		}
		verb, from := "L", max(s.From, c.from)
		if points.Len() == 0 || s.From-l.Spans[i-1].To > silence {
			verb = "M"
		}
		turn := min(max(s.End, from), s.To) // where it reached nothing
		fmt.Fprintf(&points, "%s%.1f %.1fL%.1f %.1fL%.1f %.1f", verb, c.x(from), y(base, s.End-from), c.x(turn), y(base, s.End-turn), c.x(s.To), y(base, s.End-s.To))
		fmt.Fprintf(&fill, "M%.1f %dL%.1f %.1fL%.1f %.1fL%.1f %dZ", c.x(from), base, c.x(from), y(base, s.End-from), c.x(turn), y(base, s.End-turn), c.x(turn), base)
	}
	return points.String(), fill.String()
}

// marks are dots where a new value came, and strokes where WeChat was of no use.
func (c *chart) marks(base int, l life) {
	for i, s := range l.Spans {
		if s.To < c.from {
			continue
		}
		if s.Trouble != "" {
			fmt.Fprintf(c, `<rect class="trouble" x="%.1f" y="%d" width="%.1f" height="4">`, c.x(s.From), base, max(3, c.x(s.To)-c.x(s.From)))
			c.element("title", "", s.Trouble+", "+during(s.From, s.To))
			c.WriteString("</rect>")
		}
		if s.From >= c.from && l.renewed(i) {
			fmt.Fprintf(c, `<circle class="renewed" cx="%.1f" cy="%.1f" r="3.5">`, c.x(s.From), y(base, s.End-s.From))
			c.element("title", "", c.w.say("event.renewed", "what", c.w.credential(l), "until", clock(s.End))+", "+clock(s.From))
			c.WriteString("</circle>")
		}
	}
}

// renewed: span i began with a new value.
func (l life) renewed(i int) bool {
	s := l.Spans[i]
	return s.End > s.From && (i == 0 || s.End > l.Spans[i-1].End+slack)
}

// refused draws the lane of signatures that were answered with 503.
func (c *chart) refused(all []refusal) {
	middle := c.height - axisHeight - laneHeight/2
	c.element("text", fmt.Sprintf(` class="axis" text-anchor="end" x="%d" y="%d"`, marginLeft-6, middle+4), "503")
	for _, r := range all {
		if r.At < c.from {
			continue
		}
		x := c.x(r.At)
		fmt.Fprintf(c, `<path class="refused" d="M%.1f %dl6 6m0 -6l-6 6">`, x-3, middle-3)
		c.element("title", "", c.w.say("event.refused", "times", fmt.Sprint(r.Times))+", "+clock(r.At))
		c.WriteString("</path>")
	}
}

func clock(t int64) string { return shortTime(time.Unix(t, 0)) }

func during(from, to int64) string {
	switch {
	case to == 0:
		return clock(from) + "–"
	case clock(to) == clock(from):
		return clock(from)
	}
	return clock(from) + "–" + clock(to)
}
