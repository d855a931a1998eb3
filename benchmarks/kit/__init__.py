"""What benchmarks share: arguments, results, intervals, timing, drawing, judging, sheets, charts, tables, models."""
