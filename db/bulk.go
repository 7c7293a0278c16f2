package db

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
)

// batchRows is how many rows one statement writes. More are slower in SQLite.
const batchRows = 20

// Bulk says how rows are written.
type Bulk struct {
	Table   string
	Columns []string
	// Conflict are the columns of a unique key, and Update the columns that a row that is there takes over from the new one.
	// Without Conflict a row that is there is an error; without Update it stays as it is. Set replaces Update where
	// a column takes anything else: `n = t.n + excluded.n`.
	Conflict []string
	Update   []string
	Set      string
	// Sorted writes rows by their first column, an int64, as far as they come together: an index that is searched in its
	// order is searched in few places.
	Sorted bool
}

// Writer writes rows in bulk within one transaction.
type Writer struct {
	t       *Tx
	b       Bulk
	queries map[int]string
	args    []any
	order   []rowKey
}

// rowKey is a row's first column, and where the row begins.
type rowKey struct {
	key int64
	at  int
}

// sortedRows is how many rows a writer that sorts them keeps.
const sortedRows = 200 * batchRows

// Writer makes a writer. Rows reach the table when there are enough of them, and at Flush.
func (t *Tx) Writer(b Bulk) *Writer {
	return &Writer{t: t, b: b, queries: map[int]string{}, args: make([]any, 0, batchRows*len(b.Columns))}
}

// Add writes a row, with a value for each of the columns.
func (w *Writer) Add(ctx context.Context, values ...any) error {
	w.args = append(w.args, values...)
	rows := batchRows
	if w.b.Sorted {
		rows = sortedRows
	}
	if len(w.args) < rows*len(w.b.Columns) {
		return nil
	}
	return w.Flush(ctx)
}

// sorted are the rows by their first column.
func (w *Writer) sorted() []any {
	width := len(w.b.Columns)
	if !w.b.Sorted || len(w.args) <= width {
		return w.args
	}
	w.order = w.order[:0]
	for i := 0; i < len(w.args); i += width {
		w.order = append(w.order, rowKey{w.args[i].(int64), i})
	}
	slices.SortFunc(w.order, func(a, b rowKey) int { return cmp.Or(cmp.Compare(a.key, b.key), a.at-b.at) })
	out := make([]any, 0, len(w.args))
	for _, k := range w.order {
		out = append(out, w.args[k.at:k.at+width]...)
	}
	return out
}

// Flush writes the rows that are left.
func (w *Writer) Flush(ctx context.Context) error {
	rest := w.sorted()
	for _, n := range []int{batchRows, 5, 1} {
		size := n * len(w.b.Columns)
		for len(rest) >= size {
			if _, err := w.t.Exec(ctx, w.query(n), rest[:size]...); err != nil {
				return err
			}
			rest = rest[size:]
		}
	}
	clear(w.args)
	w.args = w.args[:0]
	return nil
}

func (w *Writer) query(rows int) string {
	if q := w.queries[rows]; q != "" {
		return q
	}
	var b strings.Builder
	b.WriteString("INSERT INTO " + w.b.Table + " (" + strings.Join(w.b.Columns, ", ") + ") VALUES ")
	for i := range rows {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("(" + List(i*len(w.b.Columns)+1, len(w.b.Columns)) + ")")
	}
	if len(w.b.Conflict) > 0 {
		b.WriteString(" ON CONFLICT (" + strings.Join(w.b.Conflict, ", ") + ") DO ")
		set := w.b.Set
		for _, c := range w.b.Update {
			if set != "" {
				set += ", "
			}
			set += c + " = excluded." + c
		}
		if set == "" {
			b.WriteString("NOTHING")
		} else {
			b.WriteString("UPDATE SET " + set)
		}
	}
	w.queries[rows] = b.String()
	return b.String()
}

// List is n placeholders from $first on: "$2, $3, $4".
func List(first, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(first+i))
	}
	return b.String()
}

// Number stands behind a placeholder where nothing else tells that its value is a number: in the rows of a VALUES. In
// SQLite the value keeps having no type, so that every index is good for it.
const Number = "/*postgres ::BIGINT*/"

// Numbers is List with numbers.
func Numbers(first, n int) string {
	return strings.ReplaceAll(List(first, n), ",", Number+",") + Number
}

// ChunkSize is the most values that Chunks puts into one list.
const ChunkSize = 200

// Chunks cuts values for lists of IN and calls each with the arguments and their placeholders, of which the first is
// $first. The last list is filled up with its last value, so that there are few different statements.
func Chunks[T any](first int, values []T, each func(args []any, list string) error) error {
	for len(values) > 0 {
		n := min(len(values), ChunkSize)
		size := ChunkSize
		for _, s := range []int{1, 4, 20} {
			if n <= s {
				size = s
				break
			}
		}
		args := make([]any, size)
		for i := range args {
			args[i] = values[min(i, n-1)]
		}
		if err := each(args, List(first, size)); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}
