package overview

import (
	"fmt"

	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people/administration"
)

// The size of a chart, in the units of its viewBox.
const (
	chartWidth, chartHeight = 600, 120
	barGap                  = 4
)

// chart is a bar for each day. All of it is numbers and words of ours.
type chart struct {
	Title string
	// Names are those of the two parts of a bar; the second is "" if bars have one part.
	Names [2]string
	Width int
	// Height is that of the drawing, and Most the number that a bar of this height stands for.
	Height int
	Most   int64
	Bars   []bar
}

// bar is a day.
type bar struct {
	Day string
	// Values are its numbers, and Text says them with the day.
	Values [2]string
	Text   string
	X, W   string
	Y, H   [2]string
}

// chartOf returns a chart of days, of which value returns the numbers.
func chartOf(
	w texts.Words, title, first, second string, days []administration.DayStatistics,
	value func(administration.DayStatistics) [2]int64,
) chart {
	c := chart{Title: w.Must(title), Width: chartWidth, Height: chartHeight, Names: [2]string{w.Must(first)}, Most: 1}
	if second != "" {
		c.Names[1] = w.Must(second)
	}
	for _, d := range days {
		v := value(d)
		c.Most = max(c.Most, v[0]+v[1])
	}
	step := float64(chartWidth) / float64(max(1, len(days)))
	for i, d := range days {
		values := value(d)
		b := bar{Day: w.Date(d.Day), X: units(float64(i)*step + barGap/2), W: units(max(1, step-barGap))}
		b.Values = [2]string{w.Number(values[0]), w.Number(values[1])}
		b.Text = fmt.Sprintf("%s%s %s %s", b.Day, w.Colon(), c.Names[0], b.Values[0])
		if second != "" {
			b.Text += fmt.Sprintf(", %s %s", c.Names[1], b.Values[1])
		}
		top := float64(chartHeight)
		for part, n := range values {
			high := float64(n) / float64(c.Most) * chartHeight
			top -= high
			b.Y[part], b.H[part] = units(top), units(high)
		}
		c.Bars = append(c.Bars, b)
	}
	return c
}

// units returns a length for an attribute of SVG.
func units(x float64) string { return fmt.Sprintf("%.1f", x) }

// share is one of several numbers, as a part of the greatest.
type share struct {
	Text  string
	Count string
	// Width is in percent of the greatest.
	Width string
	// URL leads to the entries of the log; "" for none.
	URL string
}
