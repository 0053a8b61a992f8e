package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// table prints a row for each operation.
type table struct{ w *tabwriter.Writer }

func newTable(w io.Writer) *table {
	t := &table{tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)}
	fmt.Fprintln(t.w, "operation\tops/s\tCPU µs\tfloor µs\tratio\taim\tp50 ms\tp95 ms\tp99 ms\tSQL\tRedis\tpeak MiB\t")
	return t
}

// row adds a row.
func (t *table) row(op operation, got, floor figures) {
	aim := "–"
	if op.aim > 0 {
		aim = fmt.Sprintf("%.2f", op.aim)
	}
	fmt.Fprintf(t.w, "%s\t%.0f\t%s\t%s\t%.2f\t%s\t%s\t%s\t%s\t%.1f\t%.1f\t%.1f\t\n", op.name, got.perSecond(),
		micros(got.cpu), micros(floor.cpu), float64(got.cpu)/float64(floor.cpu), aim,
		millis(got.p50), millis(got.p95), millis(got.p99), got.sql, got.redis, got.peak)
}

func (t *table) flush() error { return t.w.Flush() }

func micros(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/float64(time.Microsecond)) }

func millis(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond)) }
